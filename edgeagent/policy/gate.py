"""The gate: each action is judged by the policy's rules before it is performed, and each decision is noted and audited."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, Protocol

import msgspec

from edgeagent.agents.agent import Agent
from edgeagent.clock import SystemClock
from edgeagent.events import Approved, Verdict
from edgeagent.history import History
from edgeagent.policy.asking import TO_BE_APPROVED, Asker, Instead, Question, is_like, places_of
from edgeagent.policy.bounds import Bounds, Reached
from edgeagent.policy.facts import PASSIVE, Facts, Where, facts_of, parts_of, typed_after
from edgeagent.policy.grants import Asked, Grants, fields_of
from edgeagent.policy.judge import Rules, Ruling, compile_rules, goes_by_text, judge, strictest
from edgeagent.policy.narrowing import forbidden, to_be_asked
from edgeagent.policy.possible import impossible
from edgeagent.policy.secret_places import place_refusal
from edgeagent.ports import Clock
from edgeagent.words import describe, printable
from edgeagent_harness.policy.gate_types import Escalation, GateMode
from edgeagent_harness.policy.types import Policy
from edgeagent_harness.protocol.actions import Action, action_kind
from edgeagent_harness.protocol.audit import Entry, GateDecision

FIRST_OF_KIND = "first of its kind on your own desktop"
_AUDIT_CHARS = 500
_RUN_STEPS = 32
"""So many steps back is text put together that was typed piece by piece."""
_ENDS: dict[Escalation, Literal["", "needs_user", "stopped"]] = {"pause": "needs_user", "end": "stopped"}


class Surroundings(Protocol):
    """Tells where an action would go."""

    async def where(self, action: Action) -> Where: ...


class Nowhere:
    """Knows nothing of any window or page."""

    async def where(self, action: Action) -> Where:
        return Where()


def _unheard(_entry: Entry) -> None:
    pass


@dataclass(slots=True)
class PolicyGate:
    """The `Gate` port by a policy. Build it with `gate_for`."""

    policy: Policy
    rules: Rules
    bounds: Bounds
    surroundings: Surroundings = field(default_factory=Nowhere)
    looks: bool = True
    """Whether the rules need to know where actions go. Where the user is asked, it is looked up in any case."""
    asker: Asker | None = None
    """None: there is nobody to ask."""
    audit: Callable[[Entry], None] = _unheard
    clock: Clock = field(default_factory=SystemClock)
    grants: Grants = field(default_factory=Grants)
    approved: Approved | None = None
    """What was approved beforehand (`sessions resume --approve`): used up by the first action like it."""
    wanted_mode: Callable[[], GateMode | None] = lambda: None
    """The mode that the user wants from now on; None: as it is."""
    on_host: bool = False
    """The desktop is the user's own: they are asked before the first action of each kind, whatever the rules allow."""
    agent: Agent | None = None
    """Takes away from what rules and mode permit, in every mode."""
    _began_s: float = field(init=False, default=0.0)

    def __post_init__(self) -> None:
        self._began_s = self.clock.monotonic_s()

    async def judge(self, action: Action, history: History) -> Verdict:
        """Allow, deny with a reason that the model can act on, or have the user asked."""
        began_s = time.perf_counter()
        if (mode := self.wanted_mode()) and mode != self.rules.mode:
            self.rules = replace(self.rules, mode=mode)
        decided = await self._decide(action, history)
        judge_ms = (time.perf_counter() - began_s) * 1000
        return msgspec.structs.replace(decided, judge_ms=judge_ms)

    async def _decide(self, action: Action, history: History) -> Verdict:
        if refusal := self._beforehand(action):
            return self._denied(action, *refusal, "tell")
        acts = any(not isinstance(part, PASSIVE) for part in parts_of(action))
        if acts and (reached := self.bounds.reached(history, self.clock.monotonic_s() - self._began_s, action)):
            over = await self._over(action, reached)
            if over is not None:
                return over
        typed = _typed_so_far(history)
        facts, misplaced = await self._known(action, typed, acts)
        if misplaced:
            return self._denied(action, "secrets", misplaced, self.policy.gate.escalation.on_denied)
        ruling = strictest(judge(self.rules, one) for one in facts)
        if self.on_host and acts and ruling.decision == "allow" and not _kinds(action) <= _kinds_done(history):
            ruling = Ruling("ask", FIRST_OF_KIND)
        if ruling.decision == "allow" and (rule := to_be_asked(self.agent, action)):
            ruling = Ruling("ask", rule)
        return await self._carry_out(action, ruling, facts, history)

    def _beforehand(self, action: Action) -> tuple[str, str] | None:
        """The rule and the reason why ``action`` is denied whatever the rules say."""
        return impossible(action, self.policy) or forbidden(self.agent, action)

    async def _known(self, action: Action, typed: str, acts: bool = True) -> tuple[tuple[Facts, ...], str]:
        """The facts of ``action``, and why no secret in it may go there."""
        where = await self.surroundings.where(action) if acts and self.looks else Where()
        facts = tuple(facts_of(action, where, typed, self.clock.time_s()))
        return facts, next(filter(None, (place_refusal(self.policy.secrets, one) for one in facts)), "")

    async def _carry_out(self, action: Action, ruling: Ruling, facts: tuple[Facts, ...], history: History) -> Verdict:
        if ruling.decision == "allow":
            if self.policy.gate.rules or self.rules.mode != "auto":  # else nobody has decided anything
                self._note("allowed", action, ruling.rule)
            return Verdict(True, ruling.rule)
        if ruling.decision == "ask":
            return await self._ask(action, ruling.rule, facts, history)
        if self.rules.mode == "plan":
            planned = f"plan: it would {describe(action)}; nothing is done in this mode"
            return self._denied(action, ruling.rule, planned, "pause")
        reason = f"the policy denies this ({ruling.rule}): {describe(action)}"
        return self._denied(action, ruling.rule, reason, self.policy.gate.escalation.on_denied)

    async def _ask(self, action: Action, rule: str, facts: tuple[Facts, ...], history: History) -> Verdict:
        now_s, typed = self.clock.monotonic_s(), _typed_so_far(history)
        if not self.looks:
            facts = tuple(facts_of(action, await self.surroundings.where(action), typed, self.clock.time_s()))
        asked = Asked(rule, facts, tuple(fields_of(parts_of(action), history)), goes_by_text(self.rules, rule))
        approved = self.approved is not None and self.approved.rule == rule and is_like(self.approved.action, action)
        if approved or self.grants.cover(asked, now_s):
            by = "approved beforehand" if approved else "the user permitted this before"
            self.approved = None if approved else self.approved
            self._note("allowed", action, rule, by)
            return Verdict(True, rule, by, asked=True)
        self._note("asked", action, rule)
        if self.asker is None:
            return self._unanswered(rule, f"{TO_BE_APPROVED} ({rule}): {describe(action)}", action)
        said = await self.asker.ask(Question(describe(action), rule, places_of(facts), proposed=action, again=asked.again))
        if isinstance(said, Instead):
            return await self._instead(said.action, rule, typed)
        if said == "no":
            self._note("denied", action, rule, "the user said no")
            return Verdict(False, rule, f"the user does not want this: {describe(action)}", asked=True)
        if said == "always":
            self.grants.add(asked, now_s)
        self._note("allowed", action, rule, "the user said yes")
        return Verdict(True, rule, "the user said yes", asked=True)

    async def _instead(self, action: Action, asked_by: str, typed: str) -> Verdict:
        """What the user puts in an action's place needs no second question, but what is denied stays denied."""
        if beforehand := self._beforehand(action):
            return self._denied(action, *beforehand, "tell")
        facts, refusal = await self._known(action, typed)
        ruling = strictest(judge(self.rules, one) for one in facts)
        if refusal or ruling.decision == "deny":
            rule = "secrets" if refusal else ruling.rule
            return self._denied(action, rule, refusal or f"the policy denies this ({rule}): {describe(action)}", "tell")
        self._note("allowed", action, asked_by, "the user put this in the action's place")
        return Verdict(True, asked_by, "the user put another action in its place", asked=True, instead=action)

    async def _over(self, action: Action, reached: Reached) -> Verdict | None:
        """What becomes of the run at a limit; None: the user grants the same amount again."""
        rule = f"limits.{reached.key}"
        reason = f"a limit is reached: {reached.key} {reached.used:.0f} of {reached.allowed:.15g}"
        escalation = self.policy.gate.escalation.on_limit
        if escalation != "ask":
            return self._denied(action, rule, reason, escalation)
        self._note("asked", action, rule, reason)
        if self.asker is None:
            return self._unanswered(rule, reason)
        if await self.asker.ask(Question(f"go on, up to {reached.allowed:.15g} more", rule, (), reason)) == "no":
            return self._denied(action, rule, reason, "end")
        self._note("allowed", action, rule, "the user said yes")
        self.bounds.extend(reached, self.policy.gate.limits)
        return None

    def _unanswered(self, rule: str, reason: str, action: Action | None = None) -> Verdict:
        ends = "needs_user" if self.policy.gate.escalation.unanswered == "pause" else "stopped"
        return Verdict(False, rule, reason, asked=True, ends=ends, action=action)

    def _denied(self, action: Action, rule: str, reason: str, escalation: Escalation) -> Verdict:
        self._note("denied", action, rule, reason)
        return Verdict(False, rule, reason, ends=_ENDS.get(escalation, ""))

    def _note(self, decision: Literal["allowed", "asked", "denied"], action: Action, rule: str, reason: str = "") -> None:
        entry = GateDecision(decision, _cut(rule), _cut(describe(action)), _cut(reason))
        self.audit(entry)


@dataclass(frozen=True, slots=True)
class SandboxGate:
    """The `Gate` port without a policy's rules: denies only what cannot work in the sandbox."""

    async def judge(self, action: Action, history: History) -> Verdict:
        """Deny with a reason that the model can act on, or allow."""
        began_s = time.perf_counter()
        refusal = impossible(action, Policy())
        judge_ms = (time.perf_counter() - began_s) * 1000
        return Verdict(False, *refusal, judge_ms=judge_ms) if refusal else Verdict(True, judge_ms=judge_ms)


def gate_for(policy: Policy, source: str, mode: GateMode | None, home: Path | None) -> PolicyGate:
    """The gate that ``policy`` (called ``source`` in errors) describes, in ``mode`` if one is given. Raises `UsageError`."""
    return PolicyGate(policy, compile_rules(policy.gate, source, mode), Bounds(policy.gate.limits, home))


def needs_windows(policy: Policy) -> bool:
    """Whether a rule goes by the window that an action goes to."""
    return bool(policy.secrets) or any(rule.applications or rule.titles or rule.hosts for rule in policy.gate.rules)


def needs_hosts(policy: Policy) -> bool:
    """Whether a rule goes by the host of a page, so that the browser must be asked."""
    return any(secret.hosts for secret in policy.secrets) or any(rule.hosts for rule in policy.gate.rules)


def _kinds(action: Action) -> set[str]:
    return {action_kind(part) for part in parts_of(action) if not isinstance(part, PASSIVE)}


def _kinds_done(history: History) -> set[str]:
    """What the user has let happen before, in this session."""
    return {kind for step in history.steps if step.effect.performed for kind in _kinds(step.action)}


def _typed_so_far(history: History) -> str:
    """The running text that the next typing would go on with."""
    run = ""
    for step in history.steps[-_RUN_STEPS:]:
        for part in parts_of(step.action):
            run = typed_after(run, part)
    return run


def _cut(text: str) -> str:
    return printable(text)[:_AUDIT_CHARS]

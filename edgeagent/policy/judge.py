"""The decision core of the gate. Pure: rules and facts in, a ruling out.

Order: a ``deny`` that matches wins, wherever it stands. Else the first of the other rules that matches decides. Else the mode:
``plan`` and ``bounded`` deny, ``ask`` asks, ``auto`` allows; what does nothing to the desktop is allowed. In mode ``plan``
nothing acts whatever the rules say.

A ``deny`` or ``ask`` matches if *any* window, host, point or piece of text that the action concerns fits, and of hosts also if
a browser does not say which it shows; an ``allow`` only if *all* do and they are known: text must fit as a whole, and an
application goes by its process, not by the class it claims.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from edgeagent.errors import UsageError
from edgeagent.policy.facts import Facts
from edgeagent.policy.patterns import BadPattern, Pattern, compile_text, glob
from edgeagent_harness.policy.gate_types import Gate, GateDecision, GateMode, Rule

_BY_MODE: dict[GateMode, GateDecision] = {"plan": "deny", "ask": "ask", "bounded": "deny", "auto": "allow"}
_STRICTNESS: dict[GateDecision, int] = {"allow": 0, "ask": 1, "deny": 2}


@dataclass(frozen=True, slots=True)
class Ruling:
    """What the rules say of one action."""

    decision: GateDecision
    rule: str


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """A rule with its patterns ready."""

    rule: Rule
    text: tuple[Pattern, ...]
    applications: tuple[Pattern, ...]
    titles: tuple[Pattern, ...]


@dataclass(frozen=True, slots=True)
class Rules:
    """A mode and its rules in order."""

    mode: GateMode
    rules: tuple[CompiledRule, ...] = ()


def compile_rules(gate: Gate, source: str = "policy", mode: GateMode | None = None) -> Rules:
    """``gate`` ready to judge by, in ``mode`` instead of its own if one is given. Raises `UsageError` for a bad pattern."""
    return Rules(mode or gate.mode, tuple(_compiled(rule, source) for rule in gate.rules))


def judge(rules: Rules, facts: Facts) -> Ruling:
    """The ruling on one single action."""
    if rules.mode == "plan" and facts.acts:
        return Ruling("deny", "mode plan")
    matching = [entry.rule for entry in rules.rules if matches(entry, facts)]
    for rule in matching:
        if rule.decision == "deny":
            return Ruling("deny", rule.name)
    if matching:
        return Ruling(matching[0].decision, matching[0].name)
    return Ruling(_BY_MODE[rules.mode] if facts.acts else "allow", f"mode {rules.mode}")


def strictest(rulings: Iterable[Ruling]) -> Ruling:
    """The ruling on a batch: that on the part which is judged most strictly, the first of them."""
    return max(rulings, key=lambda ruling: _STRICTNESS[ruling.decision])


def goes_by_text(rules: Rules, name: str) -> bool:
    """Whether the rule of that name has a condition on the text."""
    return any(entry.text for entry in rules.rules if entry.rule.name == name)


def matches(entry: CompiledRule, facts: Facts) -> bool:
    """Whether each condition of the rule holds."""
    rule = entry.rule
    every = rule.decision == "allow"
    return (
        (not rule.actions or facts.kind in rule.actions)
        and (not rule.days or facts.weekday in rule.days)
        and (not rule.hours or any(hours.contains(facts.minute) for hours in rule.hours))
        and _hold(facts.processes if every else facts.applications, entry.applications, every)
        and _hold(facts.titles, entry.titles, every)
        and (_covered(facts.sure_hosts if every else facts.hosts, rule.hosts, every) or (facts.any_host and not every))
        and (not rule.regions or _quantified(every, (_inside(rule, x, y) for x, y in facts.points), bool(facts.points)))
        and _text_fits(entry, facts, every)
    )


def covers(hosts: tuple[str, ...], host: str) -> bool:
    """Whether ``host`` is one of ``hosts`` or lies beneath a wildcard of theirs; both are in their one spelling."""
    return any(host == known or (known.startswith("*.") and host.endswith(known[1:])) for known in hosts)


def _hold(known: frozenset[str], patterns: tuple[Pattern, ...], every: bool) -> bool:
    if not patterns:
        return True
    return _quantified(every, (any(pattern.fullmatch(name) for pattern in patterns) for name in known), bool(known))


def _covered(known: frozenset[str], hosts: tuple[str, ...], every: bool) -> bool:
    return not hosts or _quantified(every, (covers(hosts, host) for host in known), bool(known))


def _text_fits(entry: CompiledRule, facts: Facts, every: bool) -> bool:
    if not entry.text:
        return True
    if every:
        return bool(facts.text) and any(pattern.fullmatch(facts.text) for pattern in entry.text)
    return any(pattern.search(text) for pattern in entry.text for text in (facts.text, facts.run) if text)


def _quantified(every: bool, holds: Iterable[bool], known: bool) -> bool:
    return known and (all(holds) if every else any(holds))


def _inside(rule: Rule, x: int, y: int) -> bool:
    return any(region.contains(x, y) for region in rule.regions)


def _compiled(rule: Rule, source: str) -> CompiledRule:
    text: list[Pattern] = []
    for pattern in rule.text:
        try:
            text.append(compile_text(pattern))
        except BadPattern as error:
            reason = f"{pattern!r} is no RE2 pattern: {error}"
            raise UsageError(f"{source}, line {rule.line}: gate rule {rule.name!r}: {reason}") from error
    return CompiledRule(rule, tuple(text), tuple(map(glob, rule.applications)), tuple(map(glob, rule.titles)))

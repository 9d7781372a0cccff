"""``gate`` and ``secrets`` of a policy in plain words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from edgeagent_harness.policy.gate_types import (
    Escalation,
    Gate,
    GateDecision,
    GateLimits,
    GateMode,
    GovernorLimits,
    Hours,
    Rule,
    Secret,
)
from edgeagent_harness.protocol.geometry import Rect

Mark = Literal["yes", "no", "if"]
"""Allowed, not allowed, or what happens then."""
Line = tuple[Mark, str, str]
"""Mark, sentence, layer."""
_GATE = "gate"
_GOVERNOR = "edgeagent governor, while it runs"
_MODES: dict[GateMode, tuple[Mark, str]] = {
    "plan": ("no", "every action: the model looks and never acts, whatever the rules allow"),
    "ask": ("if", "the user is asked before each action that no rule decides"),
    "bounded": ("no", "every action that no rule allows"),
    "auto": ("yes", "every action that no rule denies"),
}
_DECISIONS: dict[GateDecision, tuple[Mark, str]] = {
    "allow": ("yes", "allowed"), "ask": ("if", "the user is asked"), "deny": ("no", "denied"),
}  # fmt: skip
_ESCALATIONS: dict[Escalation, str] = {
    "tell": "the model is told so, and the run goes on",
    "ask": "the user is asked for as much again",
    "pause": "the run pauses until it is resumed (exit code 4)",
    "end": "the run ends (exit code 5)",
}


def lines(gate: Gate) -> Iterator[Line]:
    """What ``gate`` says. Rules that deny come first, as they win wherever they stand; of the others the first that fits does."""
    for rule in sorted(gate.rules, key=lambda rule: rule.decision != "deny"):
        mark, words = _DECISIONS[rule.decision]
        yield mark, f"{words}: {_rule(rule)} ({rule.name})", _GATE
    mark, words = _MODES[gate.mode]
    yield mark, words, _GATE
    for value, words in (
        (gate.limits.max_steps, "steps"),
        (gate.limits.max_wall_s, "seconds of one run"),
        (gate.limits.max_tokens, "tokens"),
        (gate.limits.max_typed_characters, "typed characters"),
        (gate.limits.max_files_written, "files written in the home"),
    ):
        if value:
            yield "no", f"more than {value:.15g} {words}", _GATE
    yield from _escalations(gate)
    yield from _governor(gate.governor)
    yield "no", "changes to the task, the limits or the policy by what the screen shows", _GATE


def _escalations(gate: Gate) -> Iterator[Line]:
    escalation = gate.escalation
    limited = gate.limits != GateLimits()
    decisions = {rule.decision for rule in gate.rules}
    if limited:
        yield "if", f"at a limit {_ESCALATIONS[escalation.on_limit]}", _GATE
    if gate.mode == "bounded" or "deny" in decisions:
        yield "if", f"when an action was denied {_ESCALATIONS[escalation.on_denied]}", _GATE
    if gate.mode == "ask" or "ask" in decisions or (limited and escalation.on_limit == "ask"):
        yield "if", f"where nobody can be asked {_ESCALATIONS[escalation.unanswered]}", _GATE


def _governor(limits: GovernorLimits) -> Iterator[Line]:
    for value, words in (
        (limits.max_steps_per_hour, "steps an hour"),
        (limits.max_tokens_per_hour, "tokens an hour"),
        (limits.max_typed_characters_per_hour, "typed characters an hour"),
        (limits.max_sessions, "sessions at once"),
    ):
        if value:
            yield "no", f"more than {value} {words} of all sessions together", _GOVERNOR
    if limits.forbidden_hosts:
        yield "no", f"a session that opens or reaches {' or '.join(limits.forbidden_hosts)}: it is stopped", _GOVERNOR


def secret_lines(secrets: tuple[Secret, ...]) -> Iterator[Line]:
    """Where each of ``secrets`` may be typed."""
    for secret in secrets:
        places = ", ".join((*secret.hosts, *secret.applications))
        yield "yes", f"typing {secret.name!r} (from the {secret.source}) into {places}; nowhere else", _GATE
    if secrets:
        yield "no", "a secret in a prompt, a log or a recorded picture", _GATE


def _rule(rule: Rule) -> str:
    parts = [
        *((f"{', '.join(rule.actions)}",) if rule.actions else ("any action",)),
        *((f"in {' or '.join(rule.applications)}",) if rule.applications else ()),
        *((f"in windows titled {' or '.join(rule.titles)}",) if rule.titles else ()),
        *((f"on pages of {' or '.join(rule.hosts)}",) if rule.hosts else ()),
        *((f"in the region {' or '.join(_region(region) for region in rule.regions)}",) if rule.regions else ()),
        *((f"with text that matches {' or '.join(rule.text)}",) if rule.text else ()),
        *((f"between {' or '.join(_hours(hours) for hours in rule.hours)}",) if rule.hours else ()),
        *((f"on {', '.join(rule.days)}",) if rule.days else ()),
    ]
    return " ".join(parts)


def _region(region: Rect) -> str:
    return f"from {region.left}, {region.top} to {region.right}, {region.bottom}"


def _hours(hours: Hours) -> str:
    return f"{hours.start_min // 60:02}:{hours.start_min % 60:02} and {hours.end_min // 60:02}:{hours.end_min % 60:02}"

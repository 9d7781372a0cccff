"""``gate`` and ``secrets`` of a policy in plain words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from edgeagent_harness.policy.gate_types import Gate, GateDecision, GateMode, Hours, Rule, Secret

Mark = Literal["yes", "no", "if"]
"""Allowed, not allowed, or what happens then."""
Line = tuple[Mark, str, str]
"""Mark, sentence, layer."""
_GATE = "gate"
_MODES: dict[GateMode, tuple[Mark, str]] = {
    "plan": ("no", "the model looks and never acts, unless a rule allows it"),
    "ask": ("if", "the user is asked before each action that no rule decides"),
    "bounded": ("no", "every action that no rule allows"),
    "auto": ("yes", "every action that no rule denies"),
}
_DECISIONS: dict[GateDecision, tuple[Mark, str]] = {
    "allow": ("yes", "allowed"), "ask": ("if", "the user is asked"), "deny": ("no", "denied"),
}  # fmt: skip


def lines(gate: Gate) -> Iterator[Line]:
    """What ``gate`` says; the first rule that fits decides."""
    for rule in gate.rules:
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
            yield "no", f"more than {value:g} {words}", _GATE
    yield "no", "changes to the task, the limits or the policy by what the screen shows", _GATE


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
        *((f"in {len(rule.regions)} region(s) of the screen",) if rule.regions else ()),
        *((f"with text that matches {' or '.join(rule.text)}",) if rule.text else ()),
        *((f"between {' or '.join(_hours(hours) for hours in rule.hours)}",) if rule.hours else ()),
        *((f"on {', '.join(rule.days)}",) if rule.days else ()),
    ]
    return " ".join(parts)


def _hours(hours: Hours) -> str:
    return f"{hours.start_min // 60:02}:{hours.start_min % 60:02} and {hours.end_min // 60:02}:{hours.end_min % 60:02}"

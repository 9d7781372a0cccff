"""``gate`` and ``secrets`` of a policy."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import cast, get_args

from edgeagent_harness.policy.gate_types import (
    WEEKDAYS,
    Escalation,
    Escalations,
    Gate,
    GateDecision,
    GateLimits,
    GateMode,
    GovernorLimits,
    Hours,
    Rule,
    Secret,
    SecretSource,
    Weekday,
)
from edgeagent_harness.policy.hosts import canonical_host
from edgeagent_harness.policy.keys import nearest
from edgeagent_harness.policy.strict_yaml import Section
from edgeagent_harness.protocol.actions import SingleAction
from edgeagent_harness.protocol.frames import MAX_SIDE_PX
from edgeagent_harness.protocol.geometry import Rect

ACTION_KINDS = tuple(sorted(str(kind.__struct_config__.tag) for kind in get_args(SingleAction)))
_MAX_RULES = 200
_MAX_PATTERN_CHARS = 500
_MANY = 10**9
_HOURS = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])-([01][0-9]|2[0-3]):([0-5][0-9])")
_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,62}")


def gate(section: Section) -> Gate:
    """What ``section`` says. Raises `UsageProblem` with the line and the mend."""
    mode = cast(GateMode, section.text("mode", "auto", get_args(GateMode)))
    rules = [_rule(item, number) for number, item in enumerate(section.sections("rules"), start=1)]
    if len(rules) > _MAX_RULES:
        raise section.error(f"gate.rules: {len(rules)} rules are more than the {_MAX_RULES} permitted", section.line_of("rules"))
    limits = _limits(item) if (item := section.section("limits")) else GateLimits()
    escalation = _escalation(item) if (item := section.section("escalation")) else Escalations()
    governor = _governor(item) if (item := section.section("governor")) else GovernorLimits()
    section.done()
    return Gate(mode, tuple(rules), limits, escalation, governor)


def secrets(items: Sequence[Section]) -> tuple[Secret, ...]:
    """The secrets that ``items`` list. Raises `UsageProblem` with the line and the mend."""
    found: list[Secret] = []
    for item in items:
        secret = _secret(item)
        if any(secret.name == other.name for other in found):
            raise item.error(f"secrets: {secret.name!r} is given twice", secret.line)
        found.append(secret)
    return tuple(found)


def _rule(section: Section, number: int) -> Rule:
    section_line = section.line_of("decision")
    rule = Rule(
        decision=cast(GateDecision, _needed_choice(section, "decision", get_args(GateDecision))),
        name=section.text("name", f"rule {number}"),
        actions=_actions(section),
        applications=tuple(text.casefold() for text in _patterns(section, "applications")),
        titles=_patterns(section, "titles"),
        hosts=_hosts(section, "hosts"),
        regions=_regions(section),
        text=_patterns(section, "text"),
        hours=tuple(_hours(section, text) for text in _filled(section, "times")),
        days=_days(section),
        line=section_line,
    )
    section.done()
    return rule


def _needed_choice(section: Section, name: str, allowed: Sequence[str]) -> str:
    value = section.needed_text(name)
    if value not in allowed:
        message = f"{section.full(name)} must be {' or '.join(allowed)}, not {value!r}{nearest(value, allowed)}"
        raise section.error(message, section.line_of(name))
    return value


def _actions(section: Section) -> tuple[str, ...]:
    names = _filled(section, "actions")
    for name in names:
        if name not in ACTION_KINDS:
            hint = nearest(name, ACTION_KINDS, always=True)
            raise section.error(f"{section.full('actions')}: {name!r} is no action{hint}", section.line_of("actions"))
    return names


def _patterns(section: Section, name: str) -> tuple[str, ...]:
    texts = _filled(section, name)
    for text in texts:
        if not text or len(text) > _MAX_PATTERN_CHARS:
            reason = f"must have 1 to {_MAX_PATTERN_CHARS} characters"
            raise section.error(f"{section.full(name)}: {text[:40]!r} {reason}", section.line_of(name))
    return texts


def _filled(section: Section, name: str) -> tuple[str, ...]:
    texts = section.texts(name)
    _not_empty(section, name, texts)
    return texts


def _not_empty(section: Section, name: str, given: Sequence[object]) -> None:
    """An empty list of a rule would read as "none of them" and mean "any"."""
    if name in section and not given:
        raise section.error(f"{section.full(name)} is empty; name something, or leave it away", section.line_of(name))


def _hosts(section: Section, name: str) -> tuple[str, ...]:
    hosts: list[str] = []
    for text in _patterns(section, name):
        try:
            hosts.append(canonical_host(text))
        except ValueError as error:
            raise section.error(f"{section.full(name)}: {text!r} {error}", section.line_of(name)) from error
    return tuple(hosts)


def _regions(section: Section) -> tuple[Rect, ...]:
    regions = tuple(_region(item) for item in section.sections("regions"))
    _not_empty(section, "regions", regions)
    return regions


def _region(section: Section) -> Rect:
    left, top = section.needed_integer("left", 0, MAX_SIDE_PX), section.needed_integer("top", 0, MAX_SIDE_PX)
    right, bottom = section.needed_integer("right", 1, MAX_SIDE_PX), section.needed_integer("bottom", 1, MAX_SIDE_PX)
    section.done()
    if left >= right or top >= bottom:
        raise section.error(f"{section.path} is empty: left < right and top < bottom must hold", section.line_of("left"))
    return Rect(left, top, right, bottom)


def _hours(section: Section, text: str) -> Hours:
    match = _HOURS.fullmatch(text)
    if match is None or match[0][:5] == match[0][6:]:
        raise section.error(f"{section.full('times')}: {text!r} must be like 08:00-18:00", section.line_of("times"))
    hours = [int(group) for group in match.groups()]
    return Hours(hours[0] * 60 + hours[1], hours[2] * 60 + hours[3])


def _days(section: Section) -> tuple[Weekday, ...]:
    days = _filled(section, "days")
    for day in days:
        if day not in WEEKDAYS:
            raise section.error(
                f"{section.full('days')}: {day!r} is no day; they are {', '.join(WEEKDAYS)}", section.line_of("days")
            )
    return cast(tuple[Weekday, ...], days)


def _limits(section: Section) -> GateLimits:
    limits = GateLimits(
        section.integer("max_steps", 0, 1, _MANY, "no limit"),
        section.number("max_wall_seconds", 0.0, 1, _MANY, "no limit"),
        section.integer("max_tokens", 0, 1, _MANY, "no limit"),
        section.integer("max_typed_characters", 0, 1, _MANY, "no limit"),
        section.integer("max_files_written", 0, 1, _MANY, "no limit"),
    )
    section.done()
    return limits


def _escalation(section: Section) -> Escalations:
    default = Escalations()

    def choice(name: str, otherwise: Escalation, *allowed: Escalation) -> Escalation:
        return cast(Escalation, section.text(name, otherwise, allowed))

    escalations = Escalations(
        choice("on_limit", default.on_limit, "ask", "pause", "end"),
        choice("on_denied", default.on_denied, "tell", "pause", "end"),
        choice("unanswered", default.unanswered, "pause", "end"),
    )
    section.done()
    return escalations


def _governor(section: Section) -> GovernorLimits:
    limits = GovernorLimits(
        section.integer("max_steps_per_hour", 0, 1, _MANY, "no limit"),
        section.integer("max_tokens_per_hour", 0, 1, _MANY, "no limit"),
        section.integer("max_typed_characters_per_hour", 0, 1, _MANY, "no limit"),
        section.integer("max_sessions", 0, 1, _MANY, "no limit"),
        _hosts(section, "forbidden_hosts"),
    )
    section.done()
    return limits


def _secret(section: Section) -> Secret:
    line = section.line_of("name")
    name = section.needed_text("name")
    source = cast(SecretSource, _needed_choice(section, "source", get_args(SecretSource)))
    service, account = section.text("service", ""), section.text("account", "")
    hosts, applications = _hosts(section, "hosts"), _patterns(section, "applications")
    section.done()
    if not _NAME.fullmatch(name):
        raise section.error(f"{section.full('name')}: {name!r} must be lower-case letters, digits, '_', '-' and '.'", line)
    if source == "environment" and (service or account):
        raise section.error(f"{section.path}: service and account belong to source keyring; remove them", line)
    if not hosts and not applications:
        reason = "say where it may be typed: hosts (pages) or applications; nothing else is permitted"
        raise section.error(f"{section.path}: the secret {name!r} could be typed nowhere; {reason}", line)
    where = tuple(text.casefold() for text in applications)
    return Secret(name, source, service or "edgeagent", account or name, hosts, where, line)

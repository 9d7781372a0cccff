"""``redaction`` of a policy: what is taken out of screens and texts before anyone but the user gets them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from edgeagent_harness.policy.explain_gate import Line
from edgeagent_harness.policy.strict_yaml import Section
from edgeagent_harness.protocol.frames import MAX_SIDE_PX
from edgeagent_harness.protocol.geometry import Rect

_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,62}")
_MAX_ITEMS = 64
_MAX_PATTERN_CHARS = 500
_LAYER = "this program"


@dataclass(frozen=True, slots=True)
class Region:
    """A part of the screen that is painted over."""

    name: str
    box: Rect


@dataclass(frozen=True, slots=True)
class Matching:
    """Text that is taken out wherever it stands."""

    name: str
    match: str
    """In RE2's syntax."""
    line: int = 0


@dataclass(frozen=True, slots=True)
class Redaction:
    """What a policy has masked."""

    regions: tuple[Region, ...] = ()
    patterns: tuple[Matching, ...] = ()


def redaction(section: Section) -> Redaction:
    """What ``section`` says. Raises `UsageProblem` with the line and the mend."""
    regions = tuple(_region(item) for item in section.sections("regions"))
    patterns = tuple(_pattern(item) for item in section.sections("patterns"))
    section.done()
    _check(section, "regions", [region.name for region in regions])
    _check(section, "patterns", [pattern.name for pattern in patterns])
    return Redaction(regions, patterns)


def lines(redaction: Redaction) -> Iterator[Line]:
    """In plain words."""
    for region in redaction.regions:
        box = region.box
        where = f"{box.width}x{box.height} px at ({box.left}, {box.top})"
        yield "no", f"seeing or recording what stands on the screen at {where} ({region.name})", _LAYER
    for pattern in redaction.patterns:
        yield "no", f"seeing or recording text like {pattern.match} ({pattern.name}), as far as it can be read", _LAYER


def _region(section: Section) -> Region:
    line = section.line_of("name")
    name = section.needed_text("name")
    left, top = section.needed_integer("left", 0, MAX_SIDE_PX), section.needed_integer("top", 0, MAX_SIDE_PX)
    right, bottom = section.needed_integer("right", 1, MAX_SIDE_PX), section.needed_integer("bottom", 1, MAX_SIDE_PX)
    section.done()
    if left >= right or top >= bottom:
        raise section.error(f"{section.path} is empty: left < right and top < bottom must hold", line)
    return Region(name, Rect(left, top, right, bottom))


def _pattern(section: Section) -> Matching:
    line = section.line_of("match")
    name, match = section.needed_text("name"), section.needed_text("match")
    section.done()
    if not match or len(match) > _MAX_PATTERN_CHARS:
        raise section.error(f"{section.full('match')} must have 1 to {_MAX_PATTERN_CHARS} characters", line)
    return Matching(name, match, line)


def _check(section: Section, key: str, names: Sequence[str]) -> None:
    if len(names) > _MAX_ITEMS:
        raise section.error(f"redaction.{key}: more than {_MAX_ITEMS} are not permitted", section.line_of(key))
    for name in names:
        if not _NAME.fullmatch(name) or names.count(name) > 1:
            reason = "is given twice" if names.count(name) > 1 else "must be lower-case letters, digits, '_', '-' and '.'"
            raise section.error(f"redaction.{key}: the name {name!r} {reason}", section.line_of(key))

"""What the user's "always" covers: the same kind of action, in the same application, at the same place, for a while. Pure.

Typing may go on with other text where it is known which field it goes to: a press in that application, and nothing since that
could have moved the keyboard elsewhere. It stays this very text where that is not known, where Enter is pressed behind it, in a
browser that does not state its page's host, and where a rule asked because of the text.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from edgeagent.history import History
from edgeagent.policy.facts import Facts, parts_of, points_of, text_of
from edgeagent_harness.protocol import actions as act
from edgeagent_harness.protocol.actions import SingleAction

GRANT_S = 900.0
SAME_PLACE_PX = 24
Place = tuple[int, int]
_ANYWHERE = frozenset({"mouse_down", "mouse_up"})
"""They go to wherever the pointer is: no place could be held to."""
_SUBMITS = "submit True"
_KEEPS_FOCUS = (
    act.Screenshot, act.Zoom, act.Wait, act.WaitUntil, act.CursorPosition, act.Memorize, act.Move, act.Scroll, act.ClipboardRead,
    act.ClipboardWrite,
)  # fmt: skip
_EDITS_A_FIELD = frozenset({
    ("ctrl", "a"), ("ctrl", "home"), ("ctrl", "end"), ("home",), ("end",), ("left",), ("right",), ("backspace",), ("delete",),
})  # fmt: skip
"""Keys that leave the keyboard where it is."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a question was about: all that a later one is compared with."""

    rule: str
    facts: tuple[Facts, ...]
    fields: tuple[Place | None, ...]
    """For each part the place that the keyboard goes to, where that is known."""
    by_text: bool = False
    """The rule goes by the text."""

    @property
    def again(self) -> str:
        """In words, what "always" covers; empty: nothing, as it could not be told from something else."""
        if any(one.kind in _ANYWHERE for one in self.facts):
            return ""
        place = "in this place" if any(one.points for one in self.facts) else "here"
        typed = [self._any_text(one, spot) for one, spot in zip(self.facts, self.fields, strict=True) if one.kind == "type"]
        if typed and all(typed):
            return f"the same {place}, with other text too"
        return f"the very same {place}"

    def covers(self, other: Asked) -> bool:
        """Whether the user's word for this is their word for ``other``."""
        if not self.again or self.rule != other.rule or len(self.facts) != len(other.facts):
            return False
        pairs = zip(self.facts, self.fields, other.facts, other.fields, strict=True)
        return all(_alike(one, two) and self._same_words(one, spot, two, spot_now) for one, spot, two, spot_now in pairs)

    def _same_words(self, one: Facts, spot: Place | None, two: Facts, spot_now: Place | None) -> bool:
        if one.kind != "type":
            return one.text == two.text
        if (spot is None) != (spot_now is None) or (spot and spot_now and not near(spot, spot_now)):
            return False
        return one.text == two.text or (self._any_text(one, spot) and self._any_text(two, spot_now))

    def _any_text(self, one: Facts, spot: Place | None) -> bool:
        """Whether other text than that of ``one`` may be typed at ``spot``, too."""
        known = bool(one.processes) and (bool(one.sure_hosts) or not _is_browser(one))
        return spot is not None and known and not self.by_text and _SUBMITS not in one.manner and one.text.isprintable()


@dataclass(slots=True)
class Grants:
    """What the user has permitted in this run."""

    given: list[tuple[Asked, float]] = field(default_factory=list[tuple[Asked, float]])
    """Each with when it ends, on the monotonic clock."""

    def add(self, asked: Asked, now_s: float) -> None:
        self.given.append((asked, now_s + GRANT_S))

    def cover(self, asked: Asked, now_s: float) -> bool:
        """Whether one that has not ended covers ``asked``."""
        self.given = [(grant, until_s) for grant, until_s in self.given if until_s > now_s]
        return any(grant.covers(asked) for grant, _ in self.given)


def fields_of(parts: Sequence[SingleAction], history: History) -> Iterator[Place | None]:
    """For each of ``parts`` the place that the keyboard goes to while it is done, where that is known."""
    spot: Place | None = None
    for step in () if history.fresh_desktop else history.steps:
        for part in parts_of(step.action) if step.effect.performed else ():
            spot = _after(spot, part)
    for part in parts:
        spot = _after(spot, part) if points_of(part) else spot
        yield spot
        spot = _after(spot, part)


def near(one: Place, other: Place) -> bool:
    """Whether two places count as the same: a window that is drawn anew moves a little."""
    return abs(one[0] - other[0]) <= SAME_PLACE_PX and abs(one[1] - other[1]) <= SAME_PLACE_PX


def _after(spot: Place | None, part: SingleAction) -> Place | None:
    """Where the keyboard goes after ``part``."""
    match part:
        case act.Click(point=point, button="left") | act.LongPress(point=point):
            return point.pixel()
        case act.Type(submit=False) if text_of(part).isprintable():
            return spot
        case act.Key(keys=keys) if tuple(key.casefold() for key in keys) in _EDITS_A_FIELD:
            return spot
        case _:
            return spot if isinstance(part, _KEEPS_FOCUS) else None


def _alike(granted: Facts, wanted: Facts) -> bool:
    same = ("kind", "processes", "applications", "hosts", "sure_hosts", "secret", "manner")
    return (
        all(getattr(granted, name) == getattr(wanted, name) for name in same)
        and (granted.titles == wanted.titles or bool(granted.sure_hosts) or not _is_browser(granted))
        and len(granted.points) == len(wanted.points)
        and all(map(near, granted.points, wanted.points))
    )


def _is_browser(facts: Facts) -> bool:
    return any("chrom" in name or "firefox" in name for name in facts.applications)

"""Setting a slider or a spinner to a number: the keyboard is exact where the mouse is not."""

from __future__ import annotations

import re
from collections.abc import Sequence

from edgeagent_harness.protocol.actions import Batch, Click, Key, SingleAction
from edgeagent_harness.protocol.geometry import Point, Rect
from edgeagent_models.protocol import Element, Role

ADJUSTABLE: frozenset[Role] = frozenset({"slider", "text_field", "icon"})
"""An icon may be the thumb of a slider that was not seen."""
_NUMBER = re.compile(r"[-−–]?\d{1,6}(\.\d+)?")
_ZEROS = str.maketrans("Oo", "00")
_MOST_PRESSES = 14
"""In one action; what is left is done in the next."""
_NEAR_PX = 160


def number_in(text: str) -> float | None:
    """The number that ``text`` is; None if it is none."""
    cleaned = text.strip()
    return float(cleaned.replace("−", "-").replace("–", "-")) if _NUMBER.fullmatch(cleaned) else None


def adjusting(element: Element, elements: Sequence[Element], text: str, again: bool, screen: Rect) -> Click | Batch:
    """Presses that lead from the number shown for ``element`` to the one in ``text``.

    The first time it is clicked for the keyboard; with ``again`` it has that already, and a click would move it.
    """
    wanted, shown = number_in(text), shown_number(element, elements)
    keys = presses(wanted - shown) if wanted is not None and shown is not None else []
    if again and keys:
        return Batch(tuple(keys))
    thumb = _thumb(element, elements)
    if thumb is None:
        return Click(inside(element.box.centre, screen))  # it jumps there: what it shows then is known at the next look
    return Batch((Click(inside(thumb, screen)), *keys))


def inside(point: Point, screen: Rect) -> Point:
    """``point``, or the nearest one in ``screen``."""
    x = min(max(point.x, screen.left), screen.right - 1)
    y = min(max(point.y, screen.top), screen.bottom - 1)
    return Point(x, y)


def presses(difference: float) -> list[SingleAction]:
    """Arrow keys for ``difference`` steps of one, as many as fit into one action."""
    count = min(_MOST_PRESSES, round(abs(difference)))
    return [Key(("Up",) if difference > 0 else ("Down",)) for _ in range(count)]


def shown_number(element: Element, elements: Sequence[Element]) -> float | None:
    """The number in ``element``, else the nearest one beside, above or below it."""
    own = _as_read(element.text)
    if own is not None:
        return own
    found = [
        (_gap_px(element.box, e.box), number) for e in elements if e is not element and (number := _as_read(e.text)) is not None
    ]
    near = [pair for pair in found if pair[0] <= _NEAR_PX]
    return min(near)[1] if near else None


def _as_read(text: str) -> float | None:
    """The number in a text of the screen: the caret behind it is read as a stroke, a lone zero as a letter."""
    return number_in(text.strip(" |").translate(_ZEROS))


def _gap_px(one: Rect, other: Rect) -> int:
    across = max(one.left - other.right, other.left - one.right, 0)
    down = max(one.top - other.bottom, other.top - one.bottom, 0)
    return across + 2 * down


def _thumb(element: Element, elements: Sequence[Element]) -> Point | None:
    """Where a click gives the keyboard without moving anything; None if that place is not known."""
    if element.role != "slider":
        return element.box.centre
    inside = (e.box.centre for e in elements if e.role == "icon" and element.box.contains(e.box.centre.x, e.box.centre.y))
    return next(inside, None)

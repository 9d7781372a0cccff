"""What a pointer does, whatever it is moved by: notches, drags, and what is held."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from itertools import pairwise

from edgeagent_harness.inside.xdisplay import pause
from edgeagent_harness.protocol.actions import MouseButton, ScrollUnit

BUTTON_NUMBERS: dict[MouseButton, int] = {"left": 1, "middle": 2, "right": 3, "back": 8, "forward": 9}
PX_PER_NOTCH = 120
"""How far Chromium scrolls for one notch of the wheel (GTK: about half). Pixels are rounded to whole notches."""
CLICK_INTERVAL_MS = 20
"""Between the clicks of a double click. Chromium takes two presses in the same millisecond for one."""
_NOTCH_INTERVAL_S = 0.016
"""A frame: Chromium joins notches that come within one, and scrolls by no more than the visible height for all of them."""
_MANY_NOTCHES = 100
_DRAG_STEP_S = 0.012
_DRAG_THRESHOLD_PX = 6
_DRAG_START_S = 0.05
_DRAG_END_S = 0.08
"""HTML5 and XDND drags ask the place under the pointer whether it accepts; the answer must be there before the release."""


class Pointing(ABC):
    """A pointer that knows which buttons it holds, by the numbers that X gives them. Points count from an origin of its own."""

    def __init__(self) -> None:
        self.held: set[int] = set()

    @abstractmethod
    def position(self) -> tuple[int, int]:
        """Where the pointer is."""

    @abstractmethod
    def move(self, x: int, y: int) -> None:
        """Put the pointer there."""

    @abstractmethod
    def press(self, button: int) -> None:
        """Press ``button`` where the pointer is."""

    @abstractmethod
    def release(self, button: int) -> None:
        """Release ``button``."""

    @abstractmethod
    def click(self, x: int, y: int, button: MouseButton, count: int) -> None:
        """All of a click at once, without a yield."""

    @abstractmethod
    def turn(self, right: int, down: int) -> None:
        """Turn the wheel by one notch, -1 or 1, in one of the two directions."""

    def scroll(self, dx: int, dy: int, unit: ScrollUnit) -> Iterator[float]:
        """Turn the wheel where the pointer is; one line is one notch."""
        for count, (right, down) in ((notches(dy, unit), (0, 1)), (notches(dx, unit), (1, 0))):
            at_once = 1 + abs(count) // _MANY_NOTCHES
            sign = 1 if count > 0 else -1
            for done in range(abs(count)):
                self.turn(right * sign, down * sign)
                if done % at_once == at_once - 1:
                    self.flush()
                    yield from pause(_NOTCH_INTERVAL_S)
        self.flush()

    @abstractmethod
    def release_all(self) -> None:
        """Release every button that the display says is down, whoever pressed it."""

    @abstractmethod
    def flush(self) -> None:
        """Return once the display has what was sent."""

    def drag(self, path: list[tuple[int, int]], button: MouseButton, duration_s: float) -> Iterator[float]:
        """Press at the first point, pass through the others with intermediate motion, release at the last."""
        number = BUTTON_NUMBERS[button]
        self.move(*path[0])
        self.press(number)
        yield from pause(_DRAG_START_S)
        for x, y in drag_steps(path, max(1, round(duration_s / _DRAG_STEP_S))):
            self.move(x, y)
            yield from pause(_DRAG_STEP_S)
        yield from pause(_DRAG_END_S)
        self.release(number)
        yield 0.0


def notches(amount: int, unit: ScrollUnit) -> int:
    """Wheel notches for ``amount``: lines are notches; pixels are rounded, but never down to nothing."""
    if unit == "lines" or amount == 0:
        return amount
    return (1 if amount > 0 else -1) * max(1, round(abs(amount) / PX_PER_NOTCH))


def drag_steps(path: list[tuple[int, int]], steps: int) -> list[tuple[int, int]]:
    """Where the pointer passes: a short first move beyond the drag threshold, then ``steps`` or more places along ``path``.

    Each corner of the path is a step, and the last place is visited twice so that the target sees a motion at rest.
    """
    lengths = [math.dist(a, b) for a, b in pairwise(path)]
    total = sum(lengths) or 1.0
    places: list[tuple[int, int]] = []
    for (ax, ay), (bx, by), length in zip(path, path[1:], lengths, strict=False):
        if not places and length > 2 * _DRAG_THRESHOLD_PX:
            part = _DRAG_THRESHOLD_PX / length
            places.append((round(ax + (bx - ax) * part), round(ay + (by - ay) * part)))
        count = max(2, round(steps * length / total))
        places += [(round(ax + (bx - ax) * i / count), round(ay + (by - ay) * i / count)) for i in range(1, count + 1)]
    x, y = path[-1]
    # One pixel off and back: a motion event is needed at the end, and a move to the same place sends none.
    return [*places, (x - 1 if x else x + 1, y), (x, y)]

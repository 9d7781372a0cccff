"""The pointer: moves, buttons, wheel and drags, by XTEST on the connection that pyautogui opened."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise

from Xlib import X
from Xlib.ext import xtest

from edgeagent_harness.inside.xdisplay import XSession, pause
from edgeagent_harness.protocol.actions import MouseButton, ScrollUnit

BUTTON_NUMBERS: dict[MouseButton, int] = {"left": 1, "middle": 2, "right": 3, "back": 8, "forward": 9}
_WHEEL_DOWN_UP = (5, 4)
_WHEEL_RIGHT_LEFT = (7, 6)
PX_PER_NOTCH = 120
"""How far Chromium scrolls for one notch of the wheel (GTK: about half). Pixels are rounded to whole notches."""
_CLICK_INTERVAL_MS = 20
"""Between the clicks of a double click. Chromium takes two presses in the same millisecond for one."""
_NOTCH_INTERVAL_S = 0.016
"""A frame: Chromium joins notches that come within one, and scrolls by no more than the visible height for all of them."""
_MANY_NOTCHES = 100
_DRAG_STEP_S = 0.012
_DRAG_THRESHOLD_PX = 6
_DRAG_START_S = 0.05
_DRAG_END_S = 0.08
"""HTML5 and XDND drags ask the place under the pointer whether it accepts; the answer must be there before the release."""


class Pointer:
    """Sends pointer events and knows which buttons it holds."""

    def __init__(self, session: XSession, origin: tuple[int, int] = (0, 0)) -> None:
        """``origin``: where the points that it is given count from, on the X screen."""
        import pyautogui

        self._session = session
        self._origin = origin
        self._gui = pyautogui
        self.held: set[int] = set()

    def position(self) -> tuple[int, int]:
        """Where the pointer is, in physical pixels from the origin."""
        where, (left, top) = self._gui.position(), self._origin
        return int(where.x) - left, int(where.y) - top

    def move(self, x: int, y: int) -> None:
        self._move(x, y)
        self._session.sync()

    def _move(self, x: int, y: int) -> None:
        # pyautogui's own moves ask the server five things first, each a round trip on a busy machine.
        left, top = self._origin
        xtest.fake_input(self._session.display, X.MotionNotify, x=left + x, y=top + y)

    def press(self, button: int) -> None:
        """Press X button ``button`` where the pointer is."""
        self._press(button)
        self._session.sync()

    def release(self, button: int) -> None:
        self._release(button)
        self._session.sync()

    def _press(self, button: int, delay_ms: int = 0) -> None:
        """``delay_ms`` passes in the server, which holds back what comes after."""
        self.held.add(button)
        xtest.fake_input(self._session.display, X.ButtonPress, button, time=delay_ms)

    def _release(self, button: int) -> None:
        xtest.fake_input(self._session.display, X.ButtonRelease, button)
        self.held.discard(button)

    def click(self, x: int, y: int, button: MouseButton, count: int) -> None:
        """All of a click at once: no yield, so that it fits under one grab, and one request, so that a double click stays one."""
        self._move(x, y)
        for number in range(count):
            self._press(BUTTON_NUMBERS[button], delay_ms=_CLICK_INTERVAL_MS if number else 0)
            self._release(BUTTON_NUMBERS[button])
        self._session.sync()

    def scroll(self, dx: int, dy: int, unit: ScrollUnit) -> Iterator[float]:
        """Turn the wheel where the pointer is; one line is one notch."""
        for count, (positive, negative) in ((notches(dy, unit), _WHEEL_DOWN_UP), (notches(dx, unit), _WHEEL_RIGHT_LEFT)):
            at_once = 1 + abs(count) // _MANY_NOTCHES
            for done in range(abs(count)):
                button = positive if count > 0 else negative
                self._press(button)
                self._release(button)
                if done % at_once == at_once - 1:
                    self._session.sync()
                    yield from pause(_NOTCH_INTERVAL_S)
        self._session.sync()

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

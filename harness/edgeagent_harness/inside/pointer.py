"""The pointer: moves, buttons and wheel by XTEST, on the connection that pyautogui opened."""

from __future__ import annotations

from Xlib import X
from Xlib.ext import xtest

from edgeagent_harness.inside.pointing import BUTTON_NUMBERS, CLICK_INTERVAL_MS, Pointing
from edgeagent_harness.inside.xdisplay import XSession
from edgeagent_harness.protocol.actions import MouseButton

_WHEEL = {(0, 1): 5, (0, -1): 4, (1, 0): 7, (-1, 0): 6}


class Pointer(Pointing):
    """Sends pointer events and knows which buttons it holds."""

    def __init__(self, session: XSession, origin: tuple[int, int] = (0, 0)) -> None:
        """``origin``: where the points that it is given count from, on the X screen."""
        super().__init__()
        import pyautogui

        self._session = session
        self._origin = origin
        self._gui = pyautogui

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
            self._press(BUTTON_NUMBERS[button], delay_ms=CLICK_INTERVAL_MS if number else 0)
            self._release(BUTTON_NUMBERS[button])
        self._session.sync()

    def turn(self, right: int, down: int) -> None:
        self._press(_WHEEL[right, down])
        self._release(_WHEEL[right, down])

    def flush(self) -> None:
        self._session.sync()

    def release_all(self) -> None:
        """Release every button that the server says is down."""
        mask = self._session.root.query_pointer().mask
        for button in range(1, 6):
            if mask >> (7 + button) & 1:
                self.release(button)

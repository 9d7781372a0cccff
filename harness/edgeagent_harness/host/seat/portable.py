"""A seat by mss and pyautogui, on what a `System` says about monitors and keys."""

from __future__ import annotations

import math
import os
import sys
import time
from typing import Any

import numpy as np

from edgeagent_harness.host.layout import Layout, Monitor
from edgeagent_harness.host.seat.key_names import pyautogui_name
from edgeagent_harness.host.seat.system import System, this_system
from edgeagent_harness.inside.errors import Refused, ScreenError
from edgeagent_harness.inside.xdisplay import UNWANTED_MODULES
from edgeagent_harness.protocol.actions import MouseButton
from edgeagent_harness.protocol.frames import BYTES_PER_PIXEL
from edgeagent_harness.protocol.geometry import Rect

_KNOWN_S = 0.25
_ELSEWHERE = {"win": "command", "winright": "command", "altright": "optionright"}
"""Keys that are called differently on macOS."""
_SIMPLE_BUTTONS = ("left", "middle", "right")


def open_seat() -> PortableSeat:
    """This process's own. Raises `EnvironmentLacks`."""
    system = this_system()
    system.prepare()
    return PortableSeat(system, *_libraries())


class PortableSeat:
    """`Seat` by mss and pyautogui, on what ``system`` says about monitors and keys."""

    def __init__(self, system: System, capture: Any, gui: Any, clipboard: Any) -> None:
        """``capture``: an instance of mss; ``gui``: pyautogui; ``clipboard``: pyperclip. None of them is typed."""
        self._system = system
        self._capture = capture
        self._gui = gui
        self._clipboard = clipboard
        self._table: dict[str, int] = _codes(gui)
        self._names: dict[int, str] = {}
        """What each key is told by: the name that others mean, too."""
        for name in sorted(self._table, key=lambda name: (pyautogui_name(name) != name, name.isupper())):
            self._names.setdefault(self._table[name], name)
        self._held: list[MouseButton] = []
        self.monitors()

    # -- eyes ---------------------------------------------------------------------------------------------------------------

    def monitors(self) -> Layout:
        self._layout, self._asked_s = self._system.monitors(), time.monotonic()
        return self._layout

    def _known(self) -> Layout:
        """The monitors as of a moment ago: asking takes longer than moving the pointer."""
        return self.monitors() if time.monotonic() - self._asked_s > _KNOWN_S else self._layout

    def capture(self, region: Rect) -> bytearray:
        layout = self.monitors()
        if len(layout.monitors) == 1 and region.intersect(layout.box) == region:
            return bytearray(self._part(layout.monitors[0], region).tobytes())
        pixels = np.zeros((region.height, region.width, BYTES_PER_PIXEL), np.uint8)
        for monitor in layout.monitors:
            part = region.intersect(monitor.box)
            if part.area:
                top, left = part.top - region.top, part.left - region.left
                pixels[top : top + part.height, left : left + part.width] = self._part(monitor, part)
        return bytearray(pixels.tobytes())

    def _part(self, monitor: Monitor, part: Rect) -> np.ndarray[Any, np.dtype[np.uint8]]:
        """``part`` of one monitor: taken in whole logical units, and cut to the pixel."""
        asked = logical_around(monitor, part)
        taken = physical_of(monitor, asked)
        box = {"left": asked.left, "top": asked.top, "width": asked.width, "height": asked.height}
        try:
            shot = self._capture.grab(box)
        except Exception as error:  # mss has errors of its own, ctypes others
            obstacle = self._system.obstacle()
            raise ScreenError(f"capture failed: {obstacle or error}") from error
        if (shot.width, shot.height) != (taken.width, taken.height):
            size = f"{shot.width}x{shot.height}"
            raise ScreenError(
                f"capture of {monitor.name!r} gave {size}, expected {taken.width}x{taken.height}: its scale changed"
            )
        pixels = np.frombuffer(shot.raw, np.uint8).reshape(taken.height, taken.width, BYTES_PER_PIXEL)
        top, left = part.top - taken.top, part.left - taken.left
        return pixels[top : top + part.height, left : left + part.width]

    # -- the pointer --------------------------------------------------------------------------------------------------------

    def pointer(self) -> tuple[int, int]:
        where = self._gui.position()
        layout = self._known()
        monitor = layout.at_logical(where.x, where.y) or layout.primary
        return monitor.to_physical(where.x, where.y)

    def move(self, x: int, y: int) -> None:
        at = self._logical(x, y)
        if sys.platform == "darwin" and self._held:  # where a drag is an event of its own
            self._gui.dragTo(*at, button=self._held[-1], mouseDownUp=False, _pause=False)
        else:
            self._gui.moveTo(*at, _pause=False)

    def _logical(self, x: int, y: int) -> tuple[int, int]:
        layout = self._known()
        left, top = (layout.at(x, y) or layout.primary).to_logical(x, y)
        return math.floor(left), math.floor(top)

    def button(self, button: MouseButton, down: bool, count: int = 1) -> None:
        if button not in _SIMPLE_BUTTONS:
            raise Refused("unsupported", f"pyautogui has no {button} button; use the keyboard")
        if down:
            self._held.append(button)
        elif button in self._held:
            self._held.remove(button)
        where = self._gui.position()
        if count > 1 and self._system.click_again(button, down, count, (int(where.x), int(where.y))):
            return
        act = self._gui.mouseDown if down else self._gui.mouseUp
        act(button=button, _pause=False)

    def turn(self, right: int, down: int) -> None:
        if right and not self._system.turns_sideways:
            raise Refused("unsupported", f"the wheel cannot be turned sideways on {self._system.name}; hold shift instead")
        if right:
            self._gui.hscroll(right * self._system.notch, _pause=False)
        if down:
            self._gui.vscroll(-down * self._system.notch, _pause=False)

    # -- the keyboard -------------------------------------------------------------------------------------------------------

    def key_name(self, name: str) -> str:
        code = self._table.get(self._written(name))
        return "" if code is None else self._names[code]

    def key(self, name: str, down: bool) -> None:
        act = self._gui.keyDown if down else self._gui.keyUp
        act(self._written(name), _pause=False)

    def _written(self, name: str) -> str:
        written = pyautogui_name(name)
        return written if written in self._table else _ELSEWHERE.get(written, written)

    def can_type(self, char: str) -> bool:
        return self._system.can_type(char)

    def type_char(self, char: str) -> None:
        self._system.type_char(char)

    # -- the rest -----------------------------------------------------------------------------------------------------------

    def obstacle(self) -> str:
        return self._system.obstacle()

    def down(self) -> tuple[tuple[str, ...], tuple[MouseButton, ...]]:
        codes = self._system.keys_down()
        return tuple(self._names[code] for code in sorted(codes) if code in self._names), self._system.buttons_down()

    def read_clipboard(self) -> str:
        return str(self._clipboard.paste())

    def write_clipboard(self, text: str) -> None:
        self._clipboard.copy(text)


def logical_around(monitor: Monitor, part: Rect) -> Rect:
    """The smallest box of whole logical units that holds ``part`` (physical pixels) of ``monitor``."""
    left, top = monitor.logical
    scale, box = monitor.scale, monitor.box
    return Rect(
        math.floor(left + (part.left - box.left) / scale), math.floor(top + (part.top - box.top) / scale),
        math.ceil(left + (part.right - box.left) / scale), math.ceil(top + (part.bottom - box.top) / scale),
    )  # fmt: skip


def physical_of(monitor: Monitor, box: Rect) -> Rect:
    """The pixels of ``monitor`` that a box of logical units shows."""
    return Rect(*monitor.to_physical(box.left, box.top), *monitor.to_physical(box.right, box.bottom))


def _libraries() -> tuple[Any, Any, Any]:
    """An instance of mss, pyautogui, pyperclip: kept from what they do unasked."""
    for name in UNWANTED_MODULES:
        sys.modules[name] = None  # type: ignore[assignment]
    if sys.platform == "linux":
        os.environ.setdefault("XAUTHORITY", os.devnull)
    import mss
    import pyautogui
    import pyperclip

    # The corners are the guardian's: pyautogui's own fail-safe would raise in the middle of an action, and only then.
    pyautogui.FAILSAFE = False
    pyautogui.PAUSE = 0
    pyautogui.MINIMUM_DURATION = 0
    return mss.MSS(), pyautogui, pyperclip


def _codes(gui: Any) -> dict[str, int]:
    """Names of keys to the system's numbers. On Windows pyautogui keeps Shift, Ctrl and Alt in the bits above."""
    table: dict[str, int | None] = gui.platformModule.keyboardMapping
    none = (None, -1) if sys.platform == "darwin" else (None, -1, 0)
    return {name: code & 0xFF for name, code in table.items() if code is not None and code not in none}

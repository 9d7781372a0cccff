"""X11 as the portable driver sees it: where that driver can be tried. Users of X11 get the driver for X11."""

from __future__ import annotations

import os
from typing import Any

from Xlib.display import Display

from edgeagent_harness.errors import EnvironmentLacks
from edgeagent_harness.host.drivers import SANDBOX
from edgeagent_harness.host.layout import Layout, Monitor
from edgeagent_harness.host.x11.driver import layout_of
from edgeagent_harness.protocol.actions import MouseButton

_BUTTON_BITS: dict[MouseButton, int] = {"left": 1 << 8, "middle": 1 << 9, "right": 1 << 10}


class X11:
    """As `System`."""

    name = "X11"
    libraries = ("Xlib",)
    notch = 1
    turns_sideways = True

    def __init__(self, display: str) -> None:
        os.environ.setdefault("XAUTHORITY", os.devnull)
        try:
            self._display: Any = Display(display)
        except Exception as error:
            raise EnvironmentLacks(f"the display {display} cannot be reached: {error}. {SANDBOX}") from error
        self._root: Any = self._display.screen().root

    def prepare(self) -> None:
        """Nothing: X counts in pixels."""

    def check(self) -> None:
        """X asks nobody."""

    def check_keys(self) -> None:
        """X asks nobody."""

    def monitors(self) -> Layout:
        """X takes input in pixels."""
        found = layout_of(self._display).monitors
        return Layout(tuple(Monitor(one.name, one.box, one.primary, 1.0, (one.box.left, one.box.top)) for one in found))

    def obstacle(self) -> str:
        return ""

    def keys_down(self) -> set[int]:
        held = self._display.query_keymap()
        return {index * 8 + bit for index, byte in enumerate(held) for bit in range(8) if byte >> bit & 1}

    def buttons_down(self) -> tuple[MouseButton, ...]:
        mask = int(self._root.query_pointer().mask)
        return tuple(button for button, bit in _BUTTON_BITS.items() if mask & bit)

    def click_again(self, button: MouseButton, down: bool, count: int, place: tuple[int, int]) -> bool:
        return False

    def can_type(self, char: str) -> bool:
        """pyautogui knows the characters of a keyboard of the United States."""
        import pyautogui

        return bool(pyautogui.isValidKey(char))

    def type_char(self, char: str) -> None:
        import pyautogui

        pyautogui.press(char, _pause=False)

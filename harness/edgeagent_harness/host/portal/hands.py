"""Pointer, keyboard and clipboard through the portal's session."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass

from edgeagent_harness.host.portal.session import PortalSession
from edgeagent_harness.inside.errors import Refused
from edgeagent_harness.inside.keyboard import check_text, chord_keysyms, text_keysyms
from edgeagent_harness.inside.keynames import keysym
from edgeagent_harness.inside.pointing import BUTTON_NUMBERS, CLICK_INTERVAL_MS, Pointing
from edgeagent_harness.inside.xdisplay import pause
from edgeagent_harness.protocol.actions import MouseButton

_CODES = {1: 0x110, 2: 0x112, 3: 0x111, 8: 0x116, 9: 0x115}
"""X's numbers to those of Linux's input-event-codes.h: BTN_LEFT, _MIDDLE, _RIGHT, _BACK, _FORWARD."""
_DOWN, _RIGHT = 0, 1
_CHARS_PER_STEP = 16
_VENDOR_KEYSYM = 0x1000_0000
"""From here on: media keys and the like; below it characters by their Unicode numbers."""


_UNSURE = (
    "on Wayland keys alone can be typed that every keyboard layout has, that is ASCII: the desktop drops others without a word "
    "unless its layout has them, and does not tell which it has"
)


@dataclass(frozen=True, slots=True)
class Scale:
    """Pixels of the picture to the places that input is given in."""

    size_px: tuple[int, int]
    """Of the picture."""
    logical: tuple[int, int]
    """Of the monitor in the desktop's own units."""
    units: tuple[int, int]
    """Of the monitor in those that input counts in: one of the two (see `portal_units`)."""
    origin: tuple[int, int]
    """The picture's pixel that points count from."""

    def place(self, x: int, y: int) -> tuple[float, float]:
        """The middle of the pixel, in the units of input: it stays in it whatever way it is rounded."""
        left, top = self.origin
        return (left + x + 0.5) * self.units[0] / self.size_px[0], (top + y + 0.5) * self.units[1] / self.size_px[1]

    def steps(self, x: int, y: int) -> tuple[tuple[float, float], tuple[float, float]]:
        """How to get to the pixel: a place, and how far to go on from there in logical units.

        The portal refuses places beyond the monitor's logical size, also where the desktop counts in pixels, which are more.
        """
        across, along = self.place(x, y)
        reach_x, reach_y = min(across, self.logical[0] - 1.0), min(along, self.logical[1] - 1.0)
        on = ((across - reach_x) * self.logical[0] / self.units[0], (along - reach_y) * self.logical[1] / self.units[1])
        # Where both count alike the last half unit is still the monitor's.
        return ((across, along), (0.0, 0.0)) if self.units == self.logical else ((reach_x, reach_y), on)


class PortalPointing(Pointing):
    """The pointer. A portal never tells where it is, so it is where it was put last."""

    def __init__(self, session: PortalSession, node: int, scale: Scale) -> None:
        super().__init__()
        self._session = session
        self._node = node
        self._scale = scale
        self._at = (0, 0)

    def position(self) -> tuple[int, int]:
        return self._at

    def move(self, x: int, y: int) -> None:
        place, further = self._scale.steps(x, y)
        self._session.move(self._node, *place)
        if further != (0.0, 0.0):
            self._session.shift(*further)
        self._at = (x, y)

    def press(self, button: int) -> None:
        self.held.add(button)
        self._session.button(_CODES[button], True)

    def release(self, button: int) -> None:
        self.held.discard(button)
        self._session.button(_CODES[button], False)

    def click(self, x: int, y: int, button: MouseButton, count: int) -> None:
        self.move(x, y)
        for number in range(count):
            if number:
                time.sleep(CLICK_INTERVAL_MS / 1000)
            self.press(BUTTON_NUMBERS[button])
            self.release(BUTTON_NUMBERS[button])

    def turn(self, right: int, down: int) -> None:
        self._session.turn(_RIGHT if right else _DOWN, right or down)

    def release_all(self) -> None:
        """What others hold is not told, and is theirs."""
        for button in tuple(self.held):
            self.release(button)

    def flush(self) -> None:
        """Each call has been answered."""


class PortalKeyboard:
    """Keys by their keysyms; the desktop finds the key for them, with Shift where that is needed."""

    def __init__(self, session: PortalSession) -> None:
        self._session = session
        self.held: set[int] = set()

    def check_names(self, names: Sequence[str]) -> None:
        for name in names:
            code = keysym(name)
            if code is None:
                raise Refused("bad_key", f"no key is called {name!r}; use names like ctrl, enter, F5, a, or an X keysym name")
            if not _is_surely_there(code):
                raise Refused("unsupported", f"{name!r}: {_UNSURE}")

    def check_text(self, text: str) -> None:
        check_text(text)
        for char, code in zip(text.replace("\r\n", "\n"), text_keysyms(text), strict=True):
            if not _is_surely_there(code):
                raise Refused("unsupported", f"{char!r}: {_UNSURE}")

    def prepare_text(self, text: str) -> Iterator[float]:
        del text
        yield from ()

    def prepare_chord(self, names: Sequence[str]) -> Iterator[float]:
        del names
        yield from ()

    def keycodes(self, names: Sequence[str]) -> list[int]:
        return chord_keysyms(names)

    def hold(self, names: Sequence[str]) -> list[int]:
        codes = self.keycodes(names)
        for code in codes:
            self._press(code)
        return codes[::-1]

    def release(self, keycode: int) -> None:
        self.held.discard(keycode)
        self._session.key(keycode, False)

    def chord(self, names: Sequence[str], repeat: int) -> Iterator[float]:
        for _ in range(repeat):
            for code in self.hold(names):
                self.release(code)
            yield 0.0

    def hold_for(self, names: Sequence[str], seconds: float) -> Iterator[float]:
        codes = self.hold(names)
        yield from pause(seconds)
        for code in codes:
            self.release(code)

    def type_text(self, text: str) -> Iterator[float]:
        for number, code in enumerate(text_keysyms(text), start=1):
            self._press(code)
            self.release(code)
            if number % _CHARS_PER_STEP == 0:
                yield 0.0
        yield 0.0

    def release_all(self) -> None:
        """What others hold is not told, and is theirs."""
        for code in tuple(self.held):
            self.release(code)

    def flush(self) -> None:
        """Each call has been answered."""

    def _press(self, code: int) -> None:
        self.held.add(code)
        self._session.key(code, True)


def _is_surely_there(keysym_code: int) -> bool:
    """ASCII, and the keys that write nothing: modifiers, arrows, functions, media."""
    return 0x20 <= keysym_code <= 0x7E or 0xFE00 <= keysym_code <= 0xFFFF or keysym_code >= _VENDOR_KEYSYM


class NoClipboard:
    """Portals older than 1.18 have none, and this does not use the one that newer ones have."""

    def read(self) -> Generator[float, None, str]:
        yield from ()
        raise Refused(
            "unsupported", "on Wayland the clipboard cannot be read from outside; use the application's own copy and paste"
        )

    def write(self, text: str) -> None:
        del text
        raise Refused("unsupported", "on Wayland the clipboard cannot be written from outside; type the text instead")

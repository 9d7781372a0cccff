"""The hands of `inside.hands` on a `Seat`: pointer, keyboard and clipboard by its few functions."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Sequence

from edgeagent_harness.host.seat.port import Seat
from edgeagent_harness.inside.errors import Refused
from edgeagent_harness.inside.keynames import is_typable, normalise_newlines
from edgeagent_harness.inside.pointing import BUTTON_NUMBERS, CLICK_INTERVAL_MS, Pointing
from edgeagent_harness.inside.xdisplay import pause
from edgeagent_harness.protocol.actions import MouseButton

_BUTTONS: dict[int, MouseButton] = {number: button for button, number in BUTTON_NUMBERS.items()}
_CHARS_PER_STEP = 8
"""Characters typed before a stop is looked for."""
MAX_CLIPBOARD_CHARS = 100_000
"""As much as an effect's output may hold."""
_KEYS = {"\n": "enter", "\t": "tab"}


class SeatPointer(Pointing):
    """Points count from ``origin``, a physical pixel of the desktop."""

    def __init__(self, seat: Seat, origin: tuple[int, int]) -> None:
        super().__init__()
        self._seat = seat
        self._origin = origin

    def position(self) -> tuple[int, int]:
        (x, y), (left, top) = self._seat.pointer(), self._origin
        return x - left, y - top

    def move(self, x: int, y: int) -> None:
        left, top = self._origin
        self._seat.move(left + x, top + y)

    def press(self, button: int) -> None:
        self._press(button, 1)

    def _press(self, button: int, count: int) -> None:
        self._seat.button(_BUTTONS[button], down=True, count=count)
        self.held.add(button)  # afterwards: one that the seat lacks cannot be released either

    def release(self, button: int) -> None:
        self._release(button, 1)

    def _release(self, button: int, count: int) -> None:
        self._seat.button(_BUTTONS[button], down=False, count=count)
        self.held.discard(button)

    def click(self, x: int, y: int, button: MouseButton, count: int) -> None:
        self.move(x, y)
        number = BUTTON_NUMBERS[button]
        for click in range(1, count + 1):
            if click > 1:
                time.sleep(CLICK_INTERVAL_MS / 1000)
            self._press(number, click)
            self._release(number, click)

    def turn(self, right: int, down: int) -> None:
        self._seat.turn(right, down)

    def release_all(self) -> None:
        for button in self._seat.down()[1]:
            self.release(BUTTON_NUMBERS[button])

    def flush(self) -> None:
        """A seat's calls return when what they say is sent."""


class SeatKeyboard:
    """Keys by numbers of its own: the seat knows them by name."""

    def __init__(self, seat: Seat) -> None:
        self._seat = seat
        self._names: list[str] = []
        self.held: set[int] = set()

    def check_names(self, names: Sequence[str]) -> None:
        for name in names:
            if not self._seat.key_name(name):
                raise Refused("bad_key", f"no key is called {name!r} here; use names like ctrl, enter, F5 or a")

    def check_text(self, text: str) -> None:
        for index, char in enumerate(normalise_newlines(text)):
            if not is_typable(char):
                reason = f"is the control character U+{ord(char):04X}"
            elif char not in _KEYS and not self._seat.can_type(char):
                reason = f"is {char!r} (U+{ord(char):04X}), for which this keyboard has no key"
            else:
                continue
            raise Refused("invalid", f"character {index} of the text {reason}; it cannot be typed")

    def prepare_text(self, text: str) -> Iterator[float]:
        """There are no keys to lend."""
        yield from ()

    def prepare_chord(self, names: Sequence[str]) -> Iterator[float]:
        """There are no keys to lend."""
        yield from ()

    def keycodes(self, names: Sequence[str]) -> list[int]:
        """In a chord a capital letter means its key."""
        return [self._number(name.lower() if len(names) > 1 and len(name) == 1 else name) for name in names]

    def hold(self, names: Sequence[str]) -> list[int]:
        keycodes = self.keycodes(names)
        for keycode in keycodes:
            self.held.add(keycode)
            self._seat.key(self._names[keycode], down=True)
        return keycodes[::-1]

    def release(self, keycode: int) -> None:
        self._seat.key(self._names[keycode], down=False)
        self.held.discard(keycode)

    def chord(self, names: Sequence[str], repeat: int) -> Iterator[float]:
        for _ in range(repeat):
            for keycode in self.hold(names):
                self.release(keycode)
            yield 0.0

    def hold_for(self, names: Sequence[str], seconds: float) -> Iterator[float]:
        keycodes = self.hold(names)
        yield from pause(seconds)
        for keycode in keycodes:
            self.release(keycode)
        yield 0.0

    def type_text(self, text: str) -> Iterator[float]:
        for index, char in enumerate(normalise_newlines(text), start=1):
            if char in _KEYS:
                yield from self.chord((_KEYS[char],), 1)
            else:
                self._seat.type_char(char)
            if index % _CHARS_PER_STEP == 0:
                yield 0.0
        yield 0.0

    def release_all(self) -> None:
        for name in self._seat.down()[0]:
            self._seat.key(name, down=False)

    def flush(self) -> None:
        """A seat's calls return when what they say is sent."""

    def _number(self, name: str) -> int:
        if name not in self._names:
            self._names.append(name)
        return self._names.index(name)


class SeatClipboard:
    def __init__(self, seat: Seat) -> None:
        self._seat = seat

    def read(self) -> Generator[float, None, str]:
        yield 0.0
        text = self._seat.read_clipboard()
        if len(text) > MAX_CLIPBOARD_CHARS:
            raise Refused("invalid", f"the clipboard holds more than {MAX_CLIPBOARD_CHARS} characters")
        return text

    def write(self, text: str) -> None:
        self._seat.write_clipboard(text)

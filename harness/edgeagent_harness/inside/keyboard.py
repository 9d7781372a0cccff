"""The keyboard: exact Unicode typing and chords by XTEST, on the server's keymap plus lent spare keys."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from Xlib import X
from Xlib.ext import xtest

from edgeagent_harness.inside.errors import Refused
from edgeagent_harness.inside.focus import FocusedWindow
from edgeagent_harness.inside.keymap import Keymap, Stroke
from edgeagent_harness.inside.keynames import char_keysym, is_typable, keysym, normalise_newlines
from edgeagent_harness.inside.xdisplay import XSession, pause

_CHARS_PER_STEP = 32
"""Keys sent before the focused window is asked whether it has read them: bounds how far typing runs ahead of the app."""


@dataclass(frozen=True, slots=True)
class _Piece:
    """Characters typed in one step, and the keysyms that must be lent for them (empty: none beyond those lent already)."""

    codes: tuple[int, ...]
    lend: tuple[int, ...]


class Keyboard:
    """Sends key events and knows which keycodes it holds."""

    def __init__(self, session: XSession) -> None:
        self._session = session
        self._keymap = Keymap(session)
        self._window = FocusedWindow(session)
        self.held: set[int] = set()

    # -- single keys ----------------------------------------------------------------------------------------------------

    def press(self, keycode: int) -> None:
        self.held.add(keycode)
        xtest.fake_input(self._session.display, X.KeyPress, keycode)

    def release(self, keycode: int) -> None:
        xtest.fake_input(self._session.display, X.KeyRelease, keycode)
        self.held.discard(keycode)

    def _tap(self, stroke: Stroke) -> None:
        if stroke.shift:
            self.press(self._keymap.shift_keycode)
        self.press(stroke.keycode)
        self.release(stroke.keycode)
        if stroke.shift:
            self.release(self._keymap.shift_keycode)

    # -- names ------------------------------------------------------------------------------------------------------------

    def check_names(self, names: Sequence[str]) -> None:
        """Raise `Refused` unless every name is a key."""
        for name in names:
            if keysym(name) is None:
                raise Refused("bad_key", f"no key is called {name!r}; use names like ctrl, enter, F5, a, or an X keysym name")

    def keycodes(self, names: Sequence[str]) -> list[int]:
        """The keycodes to hold for ``names``, in order. Adds Shift where a character needs it, lends keys where none fits."""
        codes = chord_keysyms(names)
        self._keymap.lend(self._foreign(codes))
        keycodes: list[int] = []
        for code in codes:
            stroke = self._keymap.stroke(code)
            assert stroke is not None  # a chord has at most 8 keys, and more than that can be lent
            if stroke.shift and self._keymap.shift_keycode not in keycodes:
                keycodes.append(self._keymap.shift_keycode)
            keycodes.append(stroke.keycode)
        return keycodes

    def _foreign(self, codes: Sequence[int]) -> tuple[int, ...]:
        """The first `Keymap.capacity` distinct keysyms of ``codes`` that no key of the server's own keymap types."""
        foreign = dict.fromkeys(code for code in codes if not self._keymap.has_own_key(code))
        return tuple(foreign)[: self._keymap.capacity]

    def prepare_text(self, text: str) -> Iterator[float]:
        """As `prepare`, for `type_text`."""
        yield from self.prepare(text_keysyms(text))

    def prepare_chord(self, names: Sequence[str]) -> Iterator[float]:
        """As `prepare`, for a chord."""
        yield from self.prepare(chord_keysyms(names))

    def check_text(self, text: str) -> None:
        """Raise `Refused` unless `type_text` can type ``text``."""
        check_text(text)

    def release_all(self) -> None:
        """Restore the server's own keymap, and release every key that the server says is down."""
        self._keymap.give_back()
        for index, byte in enumerate(self._session.display.query_keymap()):
            for bit in range(8):
                if byte >> bit & 1:
                    self.release(index * 8 + bit)

    def flush(self) -> None:
        """Return once the display has what was sent."""
        self._session.sync()

    def prepare(self, codes: Sequence[int]) -> Iterator[float]:
        """Lend what the first stretch of ``codes`` needs, and wait until the focused window knows: nothing visible happens."""
        if self._keymap.lend(self._foreign(codes)):
            self._session.push()
            yield from self._window.consumed()

    # -- actions ----------------------------------------------------------------------------------------------------------

    def hold(self, names: Sequence[str]) -> list[int]:
        """Press the chord and keep it; returns what to release, last pressed first."""
        keycodes = self.keycodes(names)
        for keycode in keycodes:
            self.press(keycode)
        self._session.push()
        return keycodes[::-1]

    def chord(self, names: Sequence[str], repeat: int) -> Iterator[float]:
        """Press and release the chord ``repeat`` times, no faster than the focused window reads."""
        for _ in range(repeat):
            for keycode in self.hold(names):
                self.release(keycode)
            self._session.push()
            yield 0.0
            yield from self._window.consumed()

    def hold_for(self, names: Sequence[str], seconds: float) -> Iterator[float]:
        """Hold the chord for ``seconds``; the X server repeats it as for a person."""
        keycodes = self.hold(names)
        yield from pause(seconds)
        for keycode in keycodes:
            self.release(keycode)
        self._session.push()
        yield from self._window.consumed()

    def type_text(self, text: str) -> Iterator[float]:
        """Type ``text`` exactly; returns when the focused window has read all of it."""
        caps_lock = self._keymap.require("capslock")
        caps_was_on = bool(self._session.root.query_pointer().mask & X.LockMask)
        if caps_was_on:
            self._tap(caps_lock)
        for piece in self._pieces(text_keysyms(text)):
            yield from self.prepare(piece.lend)
            for code in piece.codes:
                stroke = self._keymap.stroke(code)
                assert stroke is not None  # `_pieces` lends what the keymap lacks
                self._tap(stroke)
            self._session.push()
            yield 0.0
            yield from self._window.consumed()
        if caps_was_on:
            self._tap(caps_lock)
        self._session.push()

    def _pieces(self, codes: Sequence[int]) -> Iterator[_Piece]:
        """Cut ``codes`` so that each piece needs no more lent keys than there are, lending as many as fit at once."""
        lend = self._foreign(codes)
        lent = set(lend)
        taken: list[int] = []
        for index, code in enumerate(codes):
            if code not in lent and not self._keymap.has_own_key(code):
                if taken:
                    yield _Piece(tuple(taken), lend)
                    taken = []
                lend = self._foreign(codes[index:])
                lent = set(lend)
            taken.append(code)
            if len(taken) == _CHARS_PER_STEP:
                yield _Piece(tuple(taken), lend)
                taken, lend = [], ()
        if taken:
            yield _Piece(tuple(taken), lend)


def text_keysyms(text: str) -> list[int]:
    """The keys that type ``text``, in order."""
    return [char_keysym(char) for char in normalise_newlines(text)]


def check_text(text: str) -> None:
    """Raise `Refused` if ``text`` holds a character that no key makes."""
    for index, char in enumerate(normalise_newlines(text)):
        if not is_typable(char):
            raise Refused(
                "invalid", f"character {index} of the text is the control character U+{ord(char):04X}; it cannot be typed"
            )


def chord_keysyms(names: Sequence[str]) -> list[int]:
    """In a chord a capital letter means its key (``ctrl+A`` is Ctrl and the A key); alone it means the capital."""
    codes: list[int] = []
    for name in names:
        code = keysym(name.lower() if len(names) > 1 and len(name) == 1 else name)
        if code is None:
            raise Refused("bad_key", f"no key is called {name!r}")
        codes.append(code)
    return codes

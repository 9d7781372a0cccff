"""The keyboard and the clipboard as `hands` needs them: on the sandbox's display, and on others that are not driven by X."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from typing import Protocol


class KeyboardPort(Protocol):
    """Keys by numbers of its own (on X: keycodes). Iterators yield seconds to wait; waking early is fine."""

    held: set[int]
    """What we hold."""

    def check_names(self, names: Sequence[str]) -> None:
        """Raise `Refused` unless every name is a key."""
        ...

    def check_text(self, text: str) -> None:
        """Raise `Refused` unless `type_text` can type ``text``."""
        ...

    def prepare_text(self, text: str) -> Iterator[float]:
        """What must happen before `type_text` and shows nowhere."""
        ...

    def prepare_chord(self, names: Sequence[str]) -> Iterator[float]:
        """What must happen before ``names`` are pressed and shows nowhere."""
        ...

    def keycodes(self, names: Sequence[str]) -> list[int]:
        """The numbers to hold for ``names``, in order."""
        ...

    def hold(self, names: Sequence[str]) -> list[int]:
        """Press the chord and keep it; returns what to release, last pressed first."""
        ...

    def release(self, keycode: int) -> None: ...

    def chord(self, names: Sequence[str], repeat: int) -> Iterator[float]:
        """Press and release the chord ``repeat`` times."""
        ...

    def hold_for(self, names: Sequence[str], seconds: float) -> Iterator[float]:
        """Hold the chord for ``seconds``."""
        ...

    def type_text(self, text: str) -> Iterator[float]:
        """Type ``text`` exactly."""
        ...

    def release_all(self) -> None:
        """Release every key that the display says is down, and take back whatever was prepared."""
        ...

    def flush(self) -> None:
        """Return once the display has what was sent."""
        ...


class ClipboardPort(Protocol):
    def read(self) -> Generator[float, None, str]:
        """The clipboard's text. Raises `Refused` if it cannot be had."""
        ...

    def write(self, text: str) -> None:
        """Put ``text`` there."""
        ...

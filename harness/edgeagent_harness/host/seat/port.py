"""What a desktop must offer to be seen and driven where the executor for X11 cannot be: capture, input, and what is down."""

from __future__ import annotations

from typing import Protocol

from edgeagent_harness.host.layout import Layout
from edgeagent_harness.protocol.actions import MouseButton
from edgeagent_harness.protocol.geometry import Rect


class Seat(Protocol):
    """One user's place at the desktop. Places are physical pixels of the desktop, also below zero."""

    def monitors(self) -> Layout:
        """The monitors as they are now."""
        ...

    def capture(self, region: Rect) -> bytearray:
        """``(region.height, region.width, 4) uint8`` BGRX; black where there is no monitor. Raises `ScreenError`."""
        ...

    def pointer(self) -> tuple[int, int]:
        """Where the pointer is."""
        ...

    def move(self, x: int, y: int) -> None:
        """Put the pointer there; while a button is down this drags."""
        ...

    def button(self, button: MouseButton, down: bool, count: int = 1) -> None:
        """Press or release where the pointer is; ``count``: 2 for the second of a double click.

        Raises `Refused` for a button that this desktop lacks.
        """
        ...

    def turn(self, right: int, down: int) -> None:
        """Turn the wheel by whole notches. Raises `Refused` for a direction that this desktop lacks."""
        ...

    def key_name(self, name: str) -> str:
        """What `down` calls the key that people write like this: ``ctrl``, ``Escape``, ``f5``, ``a``. Empty: there is none."""
        ...

    def key(self, name: str, down: bool) -> None:
        """Press or release the key ``name``."""
        ...

    def can_type(self, char: str) -> bool:
        """Whether `type_char` can make ``char``."""
        ...

    def type_char(self, char: str) -> None:
        """Press and release what makes ``char``."""
        ...

    def obstacle(self) -> str:
        """Why what is sent now would not arrive, in words; empty: it would."""
        ...

    def down(self) -> tuple[tuple[str, ...], tuple[MouseButton, ...]]:
        """Names of the keys, and the buttons, that the system says are down, whoever pressed them."""
        ...

    def read_clipboard(self) -> str:
        """The clipboard's text; empty where it has none."""
        ...

    def write_clipboard(self, text: str) -> None:
        """Put ``text`` there."""
        ...

"""What can be known of a parked state's file without any engine: with what it was made, and until when it is worth something."""

from __future__ import annotations

import struct
from pathlib import Path

import msgspec

MAGIC = b"edgeagent-state-3\n"
LENGTH = struct.Struct("<I")
"""Of the header, behind the magic."""
MAX_HEADER_BYTES = 4 << 20
"""A context of 100,000 tokens takes half a megabyte."""
SUFFIX = ".state"
APART_SUFFIX = ".moved"
"""Of a state that came from another machine: it is found by its own session alone."""


class Wanted(msgspec.Struct, frozen=True):
    """How much it is wanted."""

    expires_s: float
    """Unix time."""
    priority: int = 50
    pinned: bool = False


class Made(msgspec.Struct, frozen=True):
    """The part of a header that says for whom the file is."""

    fingerprint: str
    """See `edgeagent_models.fingerprint`."""
    hints: Wanted
    units: list[int | tuple[str, int, int]] = []
    """Tokens, and pictures as id, tokens, positions."""

    @property
    def expires_s(self) -> float:
        """Unix time."""
        return self.hints.expires_s

    @property
    def cost_tokens(self) -> int:
        """Tokens that would have to be computed again."""
        return sum(1 if isinstance(unit, int) else unit[1] for unit in self.units)


def made_with(path: Path) -> Made | None:
    """What the state in ``path`` was made with; None where that is no such file."""
    try:
        with path.open("rb") as file:
            if file.read(len(MAGIC)) != MAGIC:
                return None
            (length,) = LENGTH.unpack(file.read(LENGTH.size))
            return msgspec.msgpack.decode(file.read(length), type=Made) if length <= MAX_HEADER_BYTES else None
    except (OSError, struct.error, msgspec.MsgspecError, UnicodeDecodeError):
        return None

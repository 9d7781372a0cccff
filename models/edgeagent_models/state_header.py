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


class _Until(msgspec.Struct, frozen=True):
    expires_s: float


class Made(msgspec.Struct, frozen=True):
    """The part of a header that says for whom the file is."""

    fingerprint: str
    """See `edgeagent_models.fingerprint`."""
    hints: _Until

    @property
    def expires_s(self) -> float:
        """Unix time."""
        return self.hints.expires_s


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

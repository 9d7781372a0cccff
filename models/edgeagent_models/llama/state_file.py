"""A sequence's state on disk. It is refused where it was made with another model, context or template.

Layout: magic, a 4-byte little-endian length, the header (msgpack), the checkpoints, the state. A file is never changed, only
replaced, so what is read from it may stay mapped.
"""

from __future__ import annotations

import mmap
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

import msgspec
import numpy as np

from edgeagent_models.errors import EngineProblem
from edgeagent_models.llama.sequence import Checkpoint, Held, Hints, State
from edgeagent_models.llama.units import ImageUnit, Unit
from edgeagent_models.state_header import LENGTH, MAGIC, MAX_HEADER_BYTES


class Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What can be known of a file without reading its states."""

    fingerprint: str
    hints: Hints
    units: list[int | tuple[str, int, int]]
    """Tokens, and pictures as id, tokens, positions."""
    checkpoints: list[tuple[int, int, int]]
    """Units, cells and bytes of each."""
    state_bytes: int

    def unpacked(self) -> tuple[Unit, ...]:
        return tuple(unit if isinstance(unit, int) else ImageUnit(*unit) for unit in self.units)


def save(path: str, held: Held, fingerprint: str, hints: Hints = Hints()) -> None:  # noqa: B008 - frozen
    """Write ``held`` to ``path``, whole or not at all."""
    header = msgspec.msgpack.encode(
        Header(
            fingerprint,
            hints,
            [unit if isinstance(unit, int) else (unit.id, unit.tokens, unit.positions) for unit in held.units],
            [(kept.units, kept.cells, len(kept.data)) for kept in held.checkpoints],
            len(held.data),
        )
    )
    parts = [MAGIC, LENGTH.pack(len(header)), header, *(kept.data.data for kept in held.checkpoints), held.data.data]
    try:
        _write(Path(path), parts)
    except OSError as error:
        raise EngineProblem("usage", f"cannot write the state to {path}: {error.strerror}") from error


def load(path: str, fingerprint: str) -> Held:
    """What `save` wrote."""
    file = _File(path)
    header = file.header
    if header.fingerprint != fingerprint:
        raise EngineProblem("model", f"{path} was saved with another model, context size or template: start afresh")
    checkpoints = tuple(Checkpoint(units, cells, file.state(size)) for units, cells, size in header.checkpoints)
    return Held(header.unpacked(), checkpoints, file.state(header.state_bytes))


def read_header(path: str) -> Header:
    """The header alone. Raises `EngineProblem`."""
    return _File(path).header


def _write(path: Path, parts: Iterable[bytes | memoryview]) -> None:
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        try:
            file.writelines(parts)
            file.flush()
            os.fsync(file.fileno())
            os.replace(file.name, path)
        except OSError:
            os.unlink(file.name)
            raise


class _File:
    """A file read from front to back."""

    def __init__(self, path: str) -> None:
        self._path = path
        try:
            with open(path, "rb") as file:
                self._bytes = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is empty"
            raise EngineProblem("usage", f"cannot read the state {path}: {reason}") from error
        self._at = 0
        if bytes(self._next(min(len(MAGIC), len(self._bytes)))) != MAGIC:
            raise EngineProblem("usage", f"{path} is no saved state of this engine")
        (length,) = LENGTH.unpack(self._next(LENGTH.size))
        if length > MAX_HEADER_BYTES:
            raise EngineProblem("usage", f"{path} is damaged: its header would have {length} bytes")
        try:
            self.header = msgspec.msgpack.decode(self._next(length), type=Header)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise EngineProblem("usage", f"{path} is damaged: {error}") from error

    def state(self, size_bytes: int) -> State:
        return np.frombuffer(self._next(size_bytes), np.uint8)

    def _next(self, count: int) -> memoryview:
        remaining = len(self._bytes) - self._at
        if not 0 <= count <= remaining:
            raise EngineProblem("usage", f"{self._path} is cut off: {count} bytes announced, {remaining} there")
        self._at += count
        return memoryview(self._bytes)[self._at - count : self._at]

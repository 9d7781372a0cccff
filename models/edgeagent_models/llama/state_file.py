"""A sequence's state on disk. It is refused where it was made with another model, context or template.

Layout: magic, a 4-byte little-endian length, the header (msgpack), the checkpoints, the state.
"""

from __future__ import annotations

import os
import struct
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

import msgspec
import numpy as np

from edgeagent_models.errors import EngineProblem
from edgeagent_models.llama.sequence import KEPT_NEWEST, Checkpoint, Sequence, State
from edgeagent_models.llama.units import ImageUnit, Unit

MAGIC = b"edgeagent-state-2\n"
_LENGTH = struct.Struct("<I")


class _Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    fingerprint: str
    units: list[int | tuple[str, int, int]]
    """Tokens, and pictures as id, tokens, positions."""
    checkpoints: list[tuple[int, int, int]]
    """Units, cells and bytes of each."""
    state_bytes: int


def save(path: str, sequence: Sequence, fingerprint: str) -> None:
    """Write ``sequence`` to ``path``, whole or not at all."""
    state, checkpoints = sequence.export_state(), _worth_writing(sequence.checkpoints)
    header = msgspec.msgpack.encode(
        _Header(
            fingerprint,
            [unit if isinstance(unit, int) else (unit.id, unit.tokens, unit.positions) for unit in sequence.units],
            [(kept.units, kept.cells, len(kept.data)) for kept in checkpoints],
            len(state),
        )
    )
    parts = [MAGIC, _LENGTH.pack(len(header)), header, *(kept.data.data for kept in checkpoints), state.data]
    try:
        _write(Path(path), parts)
    except OSError as error:
        raise EngineProblem("usage", f"cannot write the state to {path}: {error.strerror}") from error


def load(path: str, sequence: Sequence, fingerprint: str) -> None:
    """Replace what ``sequence`` holds by what `save` wrote."""
    try:
        with open(path, "rb") as file:
            header = _read_header(file, path)
            if header.fingerprint != fingerprint:
                raise EngineProblem("model", f"{path} was saved with another model, context size or template: start afresh")
            checkpoints = [Checkpoint(units, cells, _state(file, size, path)) for units, cells, size in header.checkpoints]
            state = _state(file, header.state_bytes, path)
    except OSError as error:
        raise EngineProblem("usage", f"cannot read the state {path}: {error.strerror}") from error
    units: list[Unit] = [unit if isinstance(unit, int) else ImageUnit(*unit) for unit in header.units]
    sequence.import_state(units, checkpoints, state)


def _worth_writing(checkpoints: tuple[Checkpoint, ...]) -> list[Checkpoint]:
    """The first, behind the system prompt, and the newest: a file is read before the first token."""
    return [*checkpoints[:-KEPT_NEWEST][:1], *checkpoints[-KEPT_NEWEST:]]


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


def _read_header(file: BinaryIO, path: str) -> _Header:
    if file.read(len(MAGIC)) != MAGIC:
        raise EngineProblem("usage", f"{path} is no saved state of this engine")
    (length,) = _LENGTH.unpack(_exactly(file, _LENGTH.size, path))
    try:
        return msgspec.msgpack.decode(_exactly(file, length, path), type=_Header)
    except msgspec.MsgspecError as error:
        raise EngineProblem("usage", f"{path} is damaged: {error}") from error


def _exactly(file: BinaryIO, count: int, path: str) -> bytes:
    remaining = os.fstat(file.fileno()).st_size - file.tell()
    if not 0 <= count <= remaining:
        raise EngineProblem("usage", f"{path} is cut off: {count} bytes announced, {remaining} there")
    return file.read(count)


def _state(file: BinaryIO, count: int, path: str) -> State:
    return np.frombuffer(_exactly(file, count, path), np.uint8)

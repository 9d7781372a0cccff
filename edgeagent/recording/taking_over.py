"""Begins a recording with what another one holds up to some event: its facts with their times, and the screens that they name."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from edgeagent.events import Event
from edgeagent.recording.frame_index import PACK_NAME
from edgeagent.recording.pack import Gap, scan
from edgeagent.recording.problems import recording_problem
from edgeagent.recording.reader import SHOWN

_PIECE_BYTES = 1 << 24


def take_pack(source: Path, target: Path, facts: Sequence[Event]) -> None:
    """Copy the beginning of the pack in ``source`` that holds all screens of ``facts``; a record only refers to earlier ones."""
    named = {bytes.fromhex(event.data.frame) for event in facts if isinstance(event.data, SHOWN) and event.data.frame}
    pack = source / PACK_NAME
    if not named or not pack.exists():
        return
    try:
        fd = os.open(pack, os.O_RDONLY | os.O_CLOEXEC)
        try:
            _copy(fd, _end_of(fd, named), target / PACK_NAME)
        finally:
            os.close(fd)
    except OSError as error:
        raise recording_problem(error, target / PACK_NAME) from error


def _end_of(fd: int, named: set[bytes]) -> int:
    """Where the last record ends that one of the frames ``named`` needs."""
    left, end = set(named), 0
    for record in scan(fd, os.fstat(fd).st_size):
        if not isinstance(record, Gap) and record.head.frame in left:
            left.discard(record.head.frame)
            end = record.end
        if not left:
            break
    return end


def _copy(source: int, count: int, target: Path) -> None:
    """The first ``count`` bytes, durable; the kernel shares them where the file system can."""
    fd = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        offset = 0
        while offset < count:
            copied = os.copy_file_range(source, fd, min(_PIECE_BYTES, count - offset), offset, offset)
            if not copied:
                break
            offset += copied
        os.fsync(fd)
    finally:
        os.close(fd)

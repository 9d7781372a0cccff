"""Follows the logs of running sessions: each look gives what was written since the last."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from edgeagent.events import Event
from edgeagent.recording.audit_trail import AUDIT_NAME
from edgeagent.recording.log import LOG_NAME
from edgeagent.recording.log_reading import UNREADABLE
from edgeagent.sessions.lock import is_locked
from edgeagent_harness.audit import Line
from edgeagent_harness.protocol.audit import Entry

_MAX_READ_BYTES = 16 << 20


@dataclass(slots=True)
class Tail:
    """One file that another process appends lines to."""

    path: Path
    offset: int = 0
    rest: bytes = b""

    def lines(self) -> list[bytes]:
        """Whole lines that came since the last call."""
        try:
            with self.path.open("rb") as file:
                file.seek(self.offset)
                data = file.read(_MAX_READ_BYTES)
        except OSError:
            return []
        self.offset += len(data)
        *lines, self.rest = (self.rest + data).split(b"\n")
        return lines


@dataclass(slots=True)
class Followed:
    """One running session."""

    directory: Path
    log: Tail = field(init=False)
    audit: Tail = field(init=False)

    def __post_init__(self) -> None:
        self.log, self.audit = Tail(self.directory / LOG_NAME), Tail(self.directory / AUDIT_NAME)

    def news(self) -> Iterator[Event | Entry]:
        """What was noted since the last look; lines of later versions are passed over."""
        for line in self.log.lines():
            try:
                yield msgspec.json.decode(line, type=Event)
            except UNREADABLE:
                continue
        for line in self.audit.lines():
            try:
                yield msgspec.json.decode(line, type=Line).entry
            except UNREADABLE:
                continue


def running(root: Path) -> list[Path]:
    """Directories of the sessions that a process works on right now, oldest first."""
    try:
        return sorted(entry for entry in root.iterdir() if is_locked(entry))
    except OSError:
        return []

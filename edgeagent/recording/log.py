"""The event log: append-only ``events.jsonl``, one line per event, chained by hash.

A line is written with a single ``write`` on an ``O_APPEND`` descriptor. Whatever a crash leaves half-written at the end is cut
when the log is opened again; the cut bytes go to a side file, so nothing is lost.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import msgspec

from edgeagent.errors import RecordingDamaged, RecordingError, RecordingTooNew
from edgeagent.events import FORMAT, Event, EventData, LogRepaired
from edgeagent.ports import Clock
from edgeagent.recording.append_only import AppendOnlyFile
from edgeagent.recording.log_reading import FIRST_HASH, LogContents, line_hash, read_log
from edgeagent.recording.problems import recording_problem

LOG_NAME = "events.jsonl"
TORN_NAME = "events.torn"


@dataclass(frozen=True, slots=True)
class Author:
    """Who writes: fixed parts of every envelope."""

    session: str
    agent: str = "main"
    parent: str = ""


class EventLog:
    """The one writer of a session's log. The caller holds the session's lock."""

    def __init__(self, path: Path, author: Author, clock: Clock, contents: LogContents) -> None:
        self._file = AppendOnlyFile(path)
        self._author = author
        self._clock = clock
        self._seq = contents.next_seq
        self._prev_hash = contents.last_hash

    @classmethod
    def create(cls, path: Path, author: Author, clock: Clock) -> EventLog:
        """A new, empty log at ``path``."""
        return cls(path, author, clock, LogContents())

    @classmethod
    def open(cls, path: Path, session: str, clock: Clock) -> tuple[EventLog, LogContents]:
        """Go on with the log of ``session`` at ``path``; a torn tail is cut and told as a `LogRepaired` event."""
        contents = read_log(path)
        _refuse_unless_writable(path, contents)
        first = contents.events[0] if contents.events else None
        author = Author(first.session, parent=first.parent) if first else Author(session)
        if contents.torn:
            _cut(path, contents)
        log = cls(path, author, clock, contents)
        if contents.torn:
            contents.events.append(log.append(LogRepaired(len(contents.torn))))
        return log, contents

    @property
    def size_bytes(self) -> int:
        return self._file.size_bytes

    @property
    def parent(self) -> str:
        """The session that this one was forked from; empty: none."""
        return self._author.parent

    def append(self, data: EventData, time_s: float | None = None) -> Event:
        """Write ``data`` as the next event, of now or of ``time_s`` (Unix). In the log on return; durable after `sync`."""
        author, when_s = self._author, self._clock.time_s() if time_s is None else time_s
        event = Event(FORMAT, self._seq, author.session, author.agent, author.parent, self._prev_hash, when_s, data)
        try:
            line = msgspec.json.encode(event)
        except UnicodeEncodeError as error:  # a path of this machine, most likely: those may be any bytes
            raise RecordingError(
                f"cannot record {error.object!a}: it is no UTF-8 text", "choose or make a directory with another name"
            ) from error
        self._file.append(line + b"\n")
        self._seq += 1
        self._prev_hash = line_hash(line)
        return event

    def sync(self) -> None:
        """Make all events so far durable."""
        self._file.sync()

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> EventLog:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def _refuse_unless_writable(path: Path, contents: LogContents) -> None:
    if contents.newest_format > FORMAT:
        raise RecordingTooNew(
            f"{path} has format {contents.newest_format}; this version writes format {FORMAT}",
            "use a later edgeagent to resume it; `sessions show` and `export` read it as far as this version can",
        )
    if contents.damage:
        first = contents.damage[0]
        raise RecordingDamaged(
            f"{path}, line {first.line}: {first.reason}",
            "it cannot be resumed; `sessions show` and `export` still read it and mark the damage",
        )


def _cut(path: Path, contents: LogContents) -> None:
    """Move the torn tail to the side file, then cut it off the log."""
    try:
        side = os.open(path.with_name(TORN_NAME), os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.write(side, contents.torn + b"\n")
            os.fsync(side)
        finally:
            os.close(side)
        os.truncate(path, contents.size_bytes)
    except OSError as error:
        raise recording_problem(error, path) from error


__all__ = ["FIRST_HASH", "LOG_NAME", "TORN_NAME", "Author", "EventLog"]

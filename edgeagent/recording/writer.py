"""The `Sink` of a real session: events into the log, frames into the pack, both durable on `flush`."""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from edgeagent.events import Event, EventData
from edgeagent.history import History, fold
from edgeagent.ports import Clock
from edgeagent.recording.frame_writer import FrameWriter
from edgeagent.recording.log import LOG_NAME, Author, EventLog
from edgeagent.recording.problems import recording_problem
from edgeagent.screen import Screen


class SessionWriter:
    """Writes one session's directory. The caller holds the session's lock.

    Order makes it safe: a frame's record is in the pack before an event names it, and the pack is durable before the log.
    Making things durable takes milliseconds, so a thread does it: for a frame at once, while the model thinks; for the log
    when `flush` asks.
    """

    def __init__(self, log: EventLog, frames: FrameWriter, events: list[Event]) -> None:
        self._log = log
        self._frames = frames
        self._kept: tuple[Screen, str] | None = None
        self._syncer = ThreadPoolExecutor(1, "recording-sync")
        self._early: Future[None] | None = None
        """The frames' sync that was begun last; its failure is told by the next flush."""
        self.events = events
        """What was in the log when it was opened."""

    @classmethod
    def create(cls, directory: Path, author: Author, clock: Clock) -> SessionWriter:
        """Start the recording of a new session in ``directory``, which exists or is made."""
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            writer = cls(EventLog.create(directory / LOG_NAME, author, clock), FrameWriter(directory), [])
            _sync_directory(directory)
            _sync_directory(directory.parent)
        except OSError as error:
            raise recording_problem(error, directory) from error
        return writer

    @classmethod
    def open(cls, directory: Path, clock: Clock) -> SessionWriter:
        """Go on with a recorded session. Raises `RecordingDamaged` or `RecordingTooNew` if it may not be written."""
        log, contents = EventLog.open(directory / LOG_NAME, directory.name, clock)
        return cls(log, FrameWriter(directory), contents.events)

    @property
    def history(self) -> History:
        """What the model remembers of the session as it was opened."""
        return fold(event.data for event in self.events)

    @property
    def parent(self) -> str:
        """The session that this one was forked from; empty: none."""
        return self._log.parent

    @property
    def has_events(self) -> bool:
        """Whether anything is in the log."""
        return self._log.size_bytes > 0

    @property
    def size_bytes(self) -> int:
        return self._log.size_bytes + self._frames.size_bytes

    async def emit(self, data: EventData) -> None:
        """Append ``data``; in the log on return."""
        self._log.append(data)

    def take_over(self, data: EventData, time_s: float) -> None:
        """Append ``data`` as a fact of ``time_s`` (Unix seconds); for what another session, or no run, did."""
        self._log.append(data, time_s)

    async def keep_frame(self, screen: Screen) -> str:
        """Store the pixels that are not there yet; returns the frame's content id."""
        if self._kept is None or self._kept[0] is not screen:
            frame = self._frames.keep(screen.info.width, screen.info.height, screen.pixels)
            self._kept = (screen, frame)
            self._early = self._syncer.submit(self._frames.sync)
        return self._kept[1]

    async def flush(self) -> None:
        """Make everything so far durable: frames first, then the events that name them."""
        await asyncio.wrap_future(self._syncer.submit(self._sync))

    def sync(self) -> None:
        """As `flush`, where no event loop runs."""
        self._syncer.submit(self._sync).result()

    def close(self) -> None:
        """Make everything durable and let go of the files."""
        try:
            self.sync()
        finally:
            self._syncer.shutdown()
            self._kept = None  # as in `FrameWriter.close`
            self._frames.close()
            self._log.close()

    def _sync(self) -> None:
        early, self._early = self._early, None
        if early is not None:
            early.result()
        self._frames.sync()
        self._log.sync()


def _sync_directory(directory: Path) -> None:
    """Make the names in ``directory`` durable: a synced file with no name left is lost all the same."""
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)

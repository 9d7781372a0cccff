"""Where sessions live: one directory each, named by a sortable id.

A directory holds ``events.jsonl`` and ``frames.pack`` (the recording), ``home/`` (the sandbox's home) and ``lock``.
"""

from __future__ import annotations

import difflib
import secrets
import shutil
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from edgeagent import events
from edgeagent.errors import EnvironmentProblem, NotOwner, SessionNotFound
from edgeagent.folders import HOME_VARIABLE, forget_parked, sessions_root
from edgeagent.history import History
from edgeagent.ports import Clock
from edgeagent.recording.log import LOG_NAME, Author
from edgeagent.recording.problems import recording_problem
from edgeagent.recording.writer import SessionWriter
from edgeagent.sessions.lock import SessionLock
from edgeagent.sessions.summary import SessionSummary, summarize
from edgeagent.sessions.swapping import finish_swap, open_folders
from edgeagent.sessions.whereabouts import require_here

_OWNERSHIP = (events.HandedOver, events.TakenBack)


@dataclass(slots=True)
class OpenSession:
    """A session that this process owns and may write."""

    id: str
    directory: Path
    writer: SessionWriter
    lock: SessionLock
    is_new: bool = False
    """Whether `SessionStore.create` made it: of one that fails before anything is recorded, nothing stays."""

    @property
    def home(self) -> Path:
        """The sandbox's home: it survives restarts of the sandbox."""
        return self.directory / "home"

    @property
    def history(self) -> History:
        """What had happened when it was opened."""
        return self.writer.history

    def close(self) -> None:
        """Make everything durable, then let others have the session."""
        try:
            self.writer.close()
        finally:
            self.lock.release()

    def __enter__(self) -> OpenSession:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if error is not None and self.is_new and not self.writer.has_events:
            shutil.rmtree(self.directory, ignore_errors=True)
        self.close()


class SessionStore:
    """All sessions below one directory."""

    def __init__(self, root: Path | None = None, owner: str = "") -> None:
        """``owner``: what sessions that were handed over to this machine call it."""
        self.root = root or sessions_root()
        self.owner = owner

    def create(self, clock: Clock, parent: str = "") -> OpenSession:
        """A new session, owned by this process. Its first event is the caller's to write."""
        session_id = new_id(clock.time_s())
        directory = self.root / session_id
        try:
            directory.mkdir(mode=0o700, parents=True)
        except OSError as error:
            raise recording_problem(error, directory) from error
        with ExitStack() as undone:
            undone.callback(shutil.rmtree, directory, ignore_errors=True)
            try:
                (directory / "home").mkdir(mode=0o700)
            except OSError as error:
                raise recording_problem(error, directory) from error
            lock = SessionLock(directory)
            undone.callback(lock.release)
            writer = SessionWriter.create(directory, Author(session_id, parent=parent), clock)
            undone.pop_all()
        return OpenSession(session_id, directory, writer, lock, is_new=True)

    def open(self, prefix: str, clock: Clock) -> OpenSession:
        """Take up a recorded session, to go on with it.

        Raises `SessionBusy`, `NotOwner`, `RecordingDamaged` or `RecordingTooNew` where that cannot be.
        """
        require_here(self.find(prefix))
        session = self.open_elsewhere(prefix, clock)
        handed = next((event.data for event in reversed(session.writer.events) if isinstance(event.data, _OWNERSHIP)), None)
        if isinstance(handed, events.HandedOver) and handed.to != self.owner:
            session.close()
            raise NotOwner(f"session {session.id} belongs to {handed.to} now", "take it back before it goes on here")
        return session

    def open_elsewhere(self, prefix: str, clock: Clock) -> OpenSession:
        """As `open`, also one that was handed over: for following it, and for taking it back."""
        directory = self.find(prefix)
        lock = SessionLock(directory)
        try:
            session = OpenSession(directory.name, directory, SessionWriter.open(directory, clock), lock)
        except BaseException:
            lock.release()
            raise
        try:
            finish_swap(directory, session.writer.events)
        except BaseException:
            session.close()
            raise
        return session

    def find(self, prefix: str) -> Path:
        """The directory of the one session whose id is or begins with ``prefix``."""
        ids = self.ids()
        matches = [prefix] if prefix in ids else [known for known in ids if prefix and known.startswith(prefix)]
        if len(matches) == 1:
            return self.root / matches[0]
        if matches:
            raise SessionNotFound(f"{prefix!r} could be {len(matches)} sessions", "give more of it: " + ", ".join(matches[-5:]))
        raise SessionNotFound(f"no session {prefix!r} in {self.root}", _hint(prefix, ids))

    def ids(self) -> list[str]:
        """Ids of all sessions, oldest first."""
        try:
            return sorted(entry.name for entry in self.root.iterdir() if (entry / LOG_NAME).exists())
        except FileNotFoundError:
            return []
        except OSError as error:
            raise EnvironmentProblem(
                f"cannot list {self.root}: {error.strerror}", f"set {HOME_VARIABLE} to a readable directory"
            ) from error

    def summaries(self) -> list[SessionSummary]:
        """All sessions, oldest first."""
        return [summarize(self.root / known) for known in self.ids()]

    def remove(self, prefix: str) -> Path:
        """Delete a session that nobody is using, for good; returns where it was."""
        directory = self.find(prefix)
        lock = SessionLock(directory)
        try:
            open_folders(directory)
            shutil.rmtree(directory)
            forget_parked(directory.name)
        except OSError as error:
            raise recording_problem(error, directory) from error
        finally:
            lock.release()
        return directory


def _hint(prefix: str, ids: list[str]) -> str:
    near = difflib.get_close_matches(prefix, ids, n=3, cutoff=0.5)
    if near:
        return "did you mean " + " or ".join(near) + "?"
    return "the latest are " + ", ".join(ids[-3:]) if ids else "there are no sessions yet"


def new_id(time_s: float) -> str:
    """A session id that sorts by time: ``20260102-030405-9f3a2c`` (UTC)."""
    return time.strftime("%Y%m%d-%H%M%S", time.gmtime(time_s)) + "-" + secrets.token_hex(3)

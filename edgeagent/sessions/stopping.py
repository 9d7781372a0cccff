"""Stopping a session that another process works on: the process that verifiably holds its lock is asked, then made to end.

The reason is left in the session's directory, which is invisible inside the sandbox; the stopped process notes it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from edgeagent.errors import SessionError
from edgeagent.recording.problems import recording_problem
from edgeagent.sessions.lock import LOCK_NAME, is_locked

NOTE_NAME = "stop"
_MAX_NOTE_CHARS = 1000
_STEPS = ((signal.SIGINT, 0.6), (signal.SIGTERM, 0.3), (signal.SIGKILL, 2.0))
"""What is sent, and how many seconds the session then has to end. It takes its hands off at the first."""
_POLL_S = 0.01


@dataclass(frozen=True, slots=True)
class Stopped:
    """How a session was stopped."""

    pid: int
    by: str
    """Name of the signal that it ended after."""
    took_s: float


def stop(directory: Path, reason: str) -> Stopped:
    """End the process that works on the session in ``directory``. Raises `SessionError` if it is not known which does."""
    began_s = time.monotonic()
    pid = owner_of(directory)
    if pid is None:
        raise SessionError(f"session {directory.name} is not running", "`edgeagent sessions list` shows which are")
    _leave_note(directory, reason)
    with contextlib.closing(_Process(pid)) as process:
        for number, patience_s in _STEPS:
            # Between being found and being held by its descriptor the process may have ended, and its pid have been used again.
            if owner_of(directory) == pid:
                process.send(number)
            if _ended(directory, patience_s):
                return Stopped(pid, number.name, time.monotonic() - began_s)
    raise SessionError(f"session {directory.name}: process {pid} could not be stopped", "is it a process of another user?")


def take_note(directory: Path) -> str:
    """Why this session was stopped, if somebody left word; the note is removed."""
    path = directory / NOTE_NAME
    try:
        text = path.read_text(encoding="utf-8", errors="replace")[:_MAX_NOTE_CHARS]
        path.unlink()
    except OSError:
        return ""
    return text.strip()


def owner_of(directory: Path) -> int | None:
    """Pid of the process that holds the session's lock: the kernel lists it, and it has written itself into the lock's file, as
    one that only looks whether the lock is held does not. None: nobody, or it cannot be told."""
    try:
        lock = (directory / LOCK_NAME).stat()
        written = (directory / LOCK_NAME).read_text(encoding="ascii", errors="replace").strip()
        listed = Path("/proc/locks").read_text(encoding="ascii")
    except OSError:
        return None
    wanted = f"{os.major(lock.st_dev):02x}:{os.minor(lock.st_dev):02x}:{lock.st_ino}"
    for line in listed.splitlines():
        parts = line.split()
        if len(parts) >= 6 and parts[1] == "FLOCK" and parts[5] == wanted and parts[4] == written:
            return int(written)
    return None


class _Process:
    """A process that is held by descriptor, so that no other one can take its place."""

    def __init__(self, pid: int) -> None:
        try:
            self._fd = os.pidfd_open(pid)
        except OSError as error:
            raise SessionError(f"process {pid} cannot be reached: {error.strerror}") from error

    def send(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._fd, number)

    def close(self) -> None:
        os.close(self._fd)


def _leave_note(directory: Path, reason: str) -> None:
    path = directory / NOTE_NAME
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(fd, "w", encoding="utf-8") as file:
            file.write(reason[:_MAX_NOTE_CHARS])
    except OSError as error:
        raise recording_problem(error, path) from error


def _ended(directory: Path, patience_s: float) -> bool:
    end_s = time.monotonic() + patience_s
    while is_locked(directory):
        if time.monotonic() >= end_s:
            return False
        time.sleep(_POLL_S)
    return True

"""A file that only grows: what the event log and the frame pack are written through."""

from __future__ import annotations

import os
from pathlib import Path

from edgeagent.recording.problems import recording_problem


class AppendOnlyFile:
    """The one writer of the file at ``path``, which is made if it is not there. Every failure is a `RecordingError`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._unsynced = False
        try:
            self.fd = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
            self.size_bytes = os.fstat(self.fd).st_size
        except OSError as error:
            raise recording_problem(error, path) from error

    def append(self, data: bytes) -> int:
        """Write ``data`` and return where it begins. All of it is in the file on return, or nothing; durable after `sync`."""
        offset, written = self.size_bytes, 0
        try:
            while written < len(data):
                written += os.write(self.fd, data[written:])
        except OSError as error:
            self._take_back()
            raise recording_problem(error, self._path) from error
        self._unsynced = True
        self.size_bytes += written
        return offset

    def cut(self, size_bytes: int) -> None:
        """Drop what lies behind ``size_bytes``. Raises `OSError`."""
        os.ftruncate(self.fd, size_bytes)
        self.size_bytes = size_bytes

    def sync(self) -> None:
        """Make all that was appended so far durable."""
        if not self._unsynced:
            return
        self._unsynced = False  # First: what is written while the disk is busy waits for the next sync.
        try:
            os.fdatasync(self.fd)
        except OSError as error:
            self._unsynced = True
            raise recording_problem(error, self._path) from error

    def close(self) -> None:
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def _take_back(self) -> None:
        """Cut off what was written of the last piece; if not even that can be done, nothing may be written after it."""
        try:
            os.ftruncate(self.fd, self.size_bytes)
        except OSError:
            self.close()

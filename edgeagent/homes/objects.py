"""Contents of files by their digest, each stored once: as a clone where the file system shares blocks, else as a copy."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import stat
from pathlib import Path

_FICLONE = 0x4004_9409
"""From linux/fs.h: the new file shares the blocks of the old one until either is written."""
_DIGEST_BYTES = 16
_PIECE_BYTES = 1 << 20
MAX_FILE_BYTES = 256_000_000


class Unkeepable(Exception):
    """A file that is not kept; says why."""


class Objects:
    """The contents below ``root``."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._known: set[str] = set()

    def path(self, digest: str) -> Path:
        return self._root / digest[:2] / digest[2:]

    def __contains__(self, digest: str) -> bool:
        if digest not in self._known and self.path(digest).exists():
            self._known.add(digest)
        return digest in self._known

    def take(self, name: str, folder_fd: int, room_bytes: int) -> tuple[str, int]:
        """Store the regular file ``name``; its digest, and how many bytes were stored for it. Raises `Unkeepable`, OSError."""
        source = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder_fd)
        part = self._root / f"part-{os.getpid()}"
        try:
            status = os.fstat(source)
            if not stat.S_ISREG(status.st_mode):
                raise Unkeepable("it is no file any more")
            if status.st_size > min(MAX_FILE_BYTES, room_bytes):
                raise Unkeepable(f"it has {status.st_size} bytes, more than are kept")
            self._root.mkdir(mode=0o700, exist_ok=True)
            digest, size = _copied(source, part, min(MAX_FILE_BYTES, room_bytes))
            if digest in self:
                return digest, 0
            self.path(digest).parent.mkdir(mode=0o700, exist_ok=True)
            os.rename(part, self.path(digest))
            self._known.add(digest)
            return digest, size
        finally:
            os.close(source)
            with contextlib.suppress(OSError):
                part.unlink()

    def give(self, digest: str, target: Path) -> bool:
        """Make the new file ``target`` with this content; False if it is not there, or not what was stored. Raises OSError."""
        try:
            source = os.open(self.path(digest), os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            found, _ = _copied(source, target, MAX_FILE_BYTES)
        finally:
            os.close(source)
        return found == digest

    def share_with(self, other: Path, digests: set[str]) -> None:
        """Put the contents ``digests`` below ``other`` too. They are never written again, so one file can have both names."""
        for digest in digests:
            target = Objects(other).path(digest)
            if target.exists() or digest not in self:
                continue
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            try:
                os.link(self.path(digest), target)
            except OSError:  # another file system, or one without hard links
                self.give(digest, target)


def _copied(source: int, target: Path, most_bytes: int) -> tuple[str, int]:
    """Copy the open file ``source`` to ``target``: digest and size of what ``target`` then holds."""
    fd = os.open(target, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        if _cloned(source, fd):
            return _digest_of(fd)
        hashed, size = hashlib.blake2b(digest_size=_DIGEST_BYTES), 0
        while piece := os.read(source, _PIECE_BYTES):
            size += len(piece)
            if size > most_bytes:
                raise Unkeepable("it grew while it was being kept")
            hashed.update(piece)
            _write(fd, piece)
        return hashed.hexdigest(), size
    finally:
        os.close(fd)


def _cloned(source: int, target: int) -> bool:
    try:
        fcntl.ioctl(target, _FICLONE, source)
    except OSError:  # this file system cannot, or these are two
        return False
    return True


def _digest_of(fd: int) -> tuple[str, int]:
    hashed, size = hashlib.blake2b(digest_size=_DIGEST_BYTES), 0
    while piece := os.pread(fd, _PIECE_BYTES, size):
        hashed.update(piece)
        size += len(piece)
    return hashed.hexdigest(), size


def _write(fd: int, data: bytes) -> None:
    written = 0
    while written < len(data):
        written += os.write(fd, data[written:])

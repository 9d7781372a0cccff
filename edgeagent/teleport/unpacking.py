"""Makes a session's directory of a manifest and its chunks, in a place where nothing is yet.

Whatever the bundle says: every path was checked, is made anew and exclusively, and no link exists before all files do. So nothing
is ever written through a link, nor outside of the directory.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from edgeagent.errors import BundleRefused
from edgeagent.recording.log import LOG_NAME
from edgeagent.recording.log_reading import read_log
from edgeagent.recording.problems import recording_problem
from edgeagent.teleport.manifest import ChunkRef, Entry, FileEntry, FolderEntry, Head, LinkEntry, Manifest
from edgeagent.teleport.paths import as_bytes, checked
from edgeagent.teleport.plan import head_of
from edgeagent.teleport.whole import WHOLE_NAME
from edgeagent.teleport.windows import left_by

MAX_BYTES = 8 << 30
"""Of all files of a session, where nobody says otherwise."""
MAX_LOG_BYTES = 256 << 20
"""It is read as a whole."""

Progress = Callable[[int, int], None]
"""(bytes done, bytes in all)"""


class ChunkSource(Protocol):
    """Gives the bytes of chunks. Raises `BundleRefused` if one is missing or not what it should be."""

    def read(self, chunk: ChunkRef) -> bytes: ...


def unpack(
    manifest: Manifest, source: ChunkSource, directory: Path, max_bytes: int = MAX_BYTES, progress: Progress | None = None
) -> Head:
    """Make ``directory``, which must not exist, and say how far the session in it has come.

    Raises `BundleRefused`, and leaves nothing, if the bundle is not sound or its log says something else than its manifest.
    """
    if manifest.size > max_bytes:
        raise BundleRefused(f"the bundle would take {manifest.size} bytes; {max_bytes} are permitted")
    if any(entry.path == LOG_NAME and entry.size > MAX_LOG_BYTES for entry in manifest.files):
        raise BundleRefused(f"the bundle's event log is larger than {MAX_LOG_BYTES} bytes")
    entries = checked(manifest.entries)
    try:
        directory.mkdir(mode=0o700, parents=True)
    except OSError as error:
        raise recording_problem(error, directory) from error
    try:
        _make(entries, source, os.fsencode(directory), manifest.size, progress or _silent)
        head = _checked_head(manifest, directory)
        if manifest.expects == "exact":
            (directory / WHOLE_NAME).touch(0o600)
        return head
    except BaseException as error:
        remove(directory)
        if isinstance(error, OSError):
            raise recording_problem(error, directory) from error
        raise


def remove(directory: Path) -> None:
    """Take ``directory`` away; folders in it may forbid it."""
    for folder, names, _ in os.walk(directory):
        for name in names:
            path = os.path.join(folder, name)
            if not os.path.islink(path):
                with contextlib.suppress(OSError):
                    os.chmod(path, 0o700)
    shutil.rmtree(directory, ignore_errors=True)


def _make(entries: dict[bytes, Entry], source: ChunkSource, root: bytes, total: int, progress: Progress) -> None:
    done = 0
    for name, entry in entries.items():
        path = os.path.join(root, name)
        match entry:
            case FolderEntry():
                os.mkdir(path, 0o700)
            case FileEntry():
                done = _write(path, entry, source, lambda size, before=done: progress(before + size, total)) + done
            case LinkEntry():
                pass  # after all files, so that none is written through it
    for name, entry in entries.items():
        if isinstance(entry, LinkEntry):
            os.symlink(as_bytes(entry.target), os.path.join(root, name))
    for name, entry in reversed(entries.items()):
        if isinstance(entry, FolderEntry):
            os.chmod(os.path.join(root, name), entry.mode)


def _write(path: bytes, entry: FileEntry, source: ChunkSource, progress: Callable[[int], None]) -> int:
    """Write one file; returns its bytes."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    size = 0
    with open(fd, "wb", buffering=0) as stream:
        for chunk in entry.chunks:
            data = source.read(chunk)
            if data.count(0) == len(data):
                stream.seek(size + len(data))  # a hole, as a sparse file has them
            else:
                stream.write(data)
            size += chunk.size
            progress(size)
        os.ftruncate(fd, size)
        os.fchmod(fd, entry.mode)
        os.utime(fd, ns=(entry.mtime_ns, entry.mtime_ns))
    return size


def _checked_head(manifest: Manifest, directory: Path) -> Head:
    contents = read_log(directory / LOG_NAME) if (directory / LOG_NAME).exists() else None
    if contents is None or contents.damage or contents.torn or contents.skipped:
        raise BundleRefused("the bundle's event log is not whole")
    if any(event.session != manifest.session for event in contents.events):
        raise BundleRefused("the bundle's event log is that of another session")
    left = left_by(event.data for event in contents.events)
    if (left.windows if left else ()) != (manifest.windows or ()):
        raise BundleRefused("the bundle's windows are not those of its event log")
    head = head_of(contents)
    if head != manifest.head:
        raise BundleRefused(
            f"the bundle's log has {head.events} events, its manifest says {manifest.head.events}, or they differ"
        )
    return head


def _silent(done: int, total: int) -> None:
    pass

"""Goes through a session's files: what each is made of, where its bytes are, and what cannot go along."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from edgeagent.errors import TeleportError
from edgeagent.teleport.manifest import (
    MAX_CHUNK_BYTES,
    ChunkRef,
    Entry,
    FileEntry,
    FolderEntry,
    Found,
    LinkEntry,
    Stays,
    chunk_id,
)
from edgeagent.teleport.paths import as_text
from edgeagent.teleport.scan import SecretScan

GROWING_CHUNK_BYTES = 1 << 16
"""Of logs and packs, which only grow: so little of them is sent again when they did."""


CACHE = "a cache: it is made anew"
_BROWSER = b"edgeagent-chromium"
"""The browser's profile, as the sandbox calls it."""
_BROWSER_CACHES = frozenset((
    b"Cache", b"Code Cache", b"GPUCache", b"GPUPersistentCache", b"DawnGraphiteCache", b"DawnWebGPUCache", b"ShaderCache",
    b"GrShaderCache", b"GraphiteDawnCache", b"BrowserMetrics",
))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Piece:
    """Where the bytes of a chunk are on this machine."""

    path: Path
    offset: int
    size: int

    def read(self, expected_id: str) -> bytes:
        """Its bytes. Raises `TeleportError` if they are not what they were."""
        try:
            with self.path.open("rb") as stream:
                stream.seek(self.offset)
                data = stream.read(self.size)
        except OSError as error:
            raise TeleportError(f"cannot read {self.path}: {error.strerror}") from error
        if chunk_id(data) != expected_id:
            raise TeleportError(f"{self.path} changed while it was being sent", "do the same again; what was sent stays sent")
        return data


@dataclass(slots=True)
class Gathering:
    """What was found so far."""

    scan: SecretScan
    entries: list[Entry] = field(default_factory=list[Entry])
    pieces: dict[str, Piece] = field(default_factory=dict[str, Piece])
    stays: list[Stays] = field(default_factory=list[Stays])
    found: list[Found] = field(default_factory=list[Found])

    def take_file(self, path: Path, name: bytes, growing: bool = False, size: int = -1) -> None:
        """Add the file at ``path`` (its first ``size`` bytes) as ``name``; one with the value of a listed secret stays."""
        text = as_text(name)
        pieces: dict[str, Piece] = {}
        chunks: list[ChunkRef] = []
        self.scan.begin(path.name)
        try:
            fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            with open(fd, "rb") as stream:
                status = os.fstat(fd)
                for offset, data in pieces_of(stream.read, GROWING_CHUNK_BYTES if growing else MAX_CHUNK_BYTES, size):
                    self.scan.feed(data)
                    chunk = ChunkRef(chunk_id(data), len(data))
                    pieces.setdefault(chunk.id, Piece(path, offset, len(data)))
                    chunks.append(chunk)
        except OSError as error:
            self.stays.append(Stays(text, f"it cannot be read: {error.strerror}"))
            return
        if self.scan.listed and not growing:
            names = ", ".join(sorted(self.scan.listed))
            self.stays.append(Stays(text, f"it holds the value of the secret {names}; secrets do not leave"))
            return
        self.found.extend(Found(text, what) for what in sorted(self.scan.likely))
        self.entries.append(FileEntry(text, status.st_mode & 0o777, max(0, status.st_mtime_ns), tuple(chunks)))
        self.pieces = pieces | self.pieces

    def take_tree(self, root: Path, name: bytes) -> None:
        """Add the folder at ``root`` as ``name``, with all that is in it; links are taken as links."""
        self.entries.append(FolderEntry(as_text(name), _mode(root)))
        try:
            children = sorted(os.scandir(os.fsencode(root)), key=lambda child: child.name)
        except OSError as error:
            self.stays.append(Stays(as_text(name), f"what is in it cannot be read: {error.strerror}"))
            return
        for child in children:
            self._take(Path(os.fsdecode(child.path)), b"%b/%b" % (name, child.name), child)

    def _take(self, path: Path, name: bytes, child: os.DirEntry[bytes]) -> None:
        if child.is_symlink():
            self.entries.append(LinkEntry(as_text(name), as_text(os.readlink(child.path))))
        elif child.is_dir(follow_symlinks=False):
            if _is_cache(name):
                self.stays.append(Stays(as_text(name), CACHE))
            else:
                self.take_tree(path, name)
        elif child.is_file(follow_symlinks=False):
            self.take_file(path, name)
        else:
            self.stays.append(Stays(as_text(name), "a socket, pipe or device: it belongs to a process of this machine"))


def pieces_of(read: Callable[[int], bytes], chunk_bytes: int, size: int = -1) -> Iterator[tuple[int, bytes]]:
    """(offset, bytes) of what ``read`` gives, up to ``size`` bytes of it if that is not negative."""
    offset = 0
    while size < 0 or offset < size:
        data = read(chunk_bytes if size < 0 else min(chunk_bytes, size - offset))
        if not data:
            return
        yield offset, data
        offset += len(data)


def _is_cache(name: bytes) -> bool:
    *above, last = name.split(b"/")
    return last == b".cache" or (_BROWSER in above and last in _BROWSER_CACHES)


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode) & 0o777

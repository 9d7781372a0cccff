"""Goes through a home whose contents are hostile: no link is followed, no file is trusted to be what it was a moment ago.

Every folder is opened by its name in the folder above, never by its path: an application could put a link to a file of the
host in place of a folder between two looks.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

MAX_FILES = 20_000
MAX_DEPTH = 64
SKIPPED = frozenset({".cache"})
"""By its own standard whatever lies there can be made anew."""

Kind = Literal["file", "folder", "link"]


@dataclass(frozen=True, slots=True)
class Found:
    """One entry of a home, by its path below it."""

    path: str
    kind: Kind
    status: os.stat_result
    folder_fd: int
    """Of the folder that it is in; open while the entry is being looked at."""
    link: str = ""

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]


@dataclass(slots=True)
class Walk:
    """One walk; ``left_out`` is what it passed over, path -> why."""

    left_out: dict[str, str] = field(default_factory=dict[str, str])
    _count: int = 0

    def through(self, home: Path) -> Iterator[Found]:
        """Every folder, file and link below ``home``, folders before what is in them. Raises OSError if there is no home."""
        with _opened(os.fspath(home), None) as fd:
            yield from self._below(fd, "", 0)

    def _below(self, fd: int, prefix: str, depth: int) -> Iterator[Found]:
        with os.scandir(fd) as entries:
            names = sorted(entry.name for entry in entries)
        for name in names:
            path = f"{prefix}{name}"
            if path in SKIPPED:
                continue
            if reason := self._unfit(name, depth):
                self.left_out[path.encode(errors="replace").decode()] = reason
                continue
            yield from self._one(fd, path, name, depth)

    def _unfit(self, name: str, depth: int) -> str:
        self._count += 1
        if self._count > MAX_FILES:
            return f"the home has more than {MAX_FILES} files"
        if depth >= MAX_DEPTH:
            return f"it lies more than {MAX_DEPTH} folders deep"
        try:
            name.encode()
        except UnicodeEncodeError:
            return "its name is no UTF-8"
        return ""

    def _one(self, fd: int, path: str, name: str, depth: int) -> Iterator[Found]:
        try:
            status = os.stat(name, dir_fd=fd, follow_symlinks=False)
            if stat.S_ISLNK(status.st_mode):
                link = os.readlink(name, dir_fd=fd)
                link.encode()
                yield Found(path, "link", status, fd, link)
            elif stat.S_ISREG(status.st_mode):
                yield Found(path, "file", status, fd)
            elif stat.S_ISDIR(status.st_mode):
                with _opened(name, fd) as below:
                    yield Found(path, "folder", os.fstat(below), fd)
                    yield from self._below(below, f"{path}/", depth + 1)
            # Sockets, pipes and devices belong to a process that will be gone.
        except FileNotFoundError:
            return  # gone since it was listed
        except UnicodeEncodeError:
            self.left_out[path] = "it leads to a name that is no UTF-8"
        except OSError as error:
            self.left_out[path] = error.strerror or str(error)


@contextmanager
def _opened(name: str, folder_fd: int | None) -> Generator[int]:
    fd = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder_fd)
    try:
        yield fd
    finally:
        os.close(fd)

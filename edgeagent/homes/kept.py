"""All states of one session's home: ``homes.jsonl`` lists what each step changed, the contents lie in ``home.objects/``.

Only what changed since the step before is read and stored: a file counts as unchanged while its inode, size and times are as they
were. A line that a crash left half-written is passed over, so that a step can at worst not be had back.
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from edgeagent.homes.objects import Objects, Unkeepable
from edgeagent.homes.walk import Found, Kind, Walk
from edgeagent.recording.append_only import AppendOnlyFile

LIST_NAME = "homes.jsonl"
OBJECTS_NAME = "home.objects"
MAX_STORED_BYTES = 2_000_000_000
"""Of one session; what would go beyond is left out, and said to be."""
_SETTLED_NS = 50_000_000
"""A file changed so shortly before it was read may have been changed again within the same tick of the clock."""
_TOLD_LEFT_OUT = 8

_DIGEST = re.compile("[0-9a-f]{32}")

Signature = tuple[int, int, int, int, int]
"""Device, inode, size, times of change of content and of entry (ns)."""


class Piece(msgspec.Struct, frozen=True, omit_defaults=True):
    """One entry of a home."""

    path: str
    kind: Kind
    mode: int
    time_ns: int = 0
    content: str = ""
    """Digest of a file's content, or where a link leads."""


class Change(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line: what differs from the line before."""

    step: int
    now: tuple[Piece, ...] = ()
    gone: tuple[str, ...] = ()
    left_out: dict[str, str] = {}
    """All of what is not kept of this state, path -> why."""


@dataclass(frozen=True, slots=True)
class KeptNow:
    """What keeping one state came to."""

    files: int
    changed: int
    bytes_stored: int
    left_out: tuple[str, ...]
    """At most a few, in words."""


@dataclass(frozen=True, slots=True)
class Home:
    """A home as it was."""

    pieces: dict[str, Piece]
    left_out: dict[str, str]


class KeptHomes:
    """The one writer of a session's homes. The caller holds the session's lock."""

    def __init__(self, directory: Path) -> None:
        self._list = directory / LIST_NAME
        self._objects = Objects(directory / OBJECTS_NAME)
        self._signatures: dict[str, Signature] = {}
        self._file: AppendOnlyFile | None = None
        self._pieces: dict[str, Piece] = {}
        self._stored_bytes = _size_of(directory / OBJECTS_NAME)
        for change in read_changes(directory):
            _apply(self._pieces, change)
        self.first = not self._list.exists()
        """Nothing was kept yet."""

    def keep(self, home: Path, step: int) -> KeptNow:
        """Store ``home`` as the state after ``step``. Blocks for as long as reading what changed takes. Raises OSError."""
        walk, now, stored, read = Walk(), dict[str, Piece](), 0, 0
        began_ns = time.time_ns()
        for found in walk.through(home):
            signature = _signature(found)
            before = self._pieces.get(found.path)
            if before is not None and self._signatures.get(found.path) == signature and before.kind == found.kind:
                now[found.path] = before
                continue
            self._signatures.pop(found.path, None)
            try:
                piece, size = self._piece(found, MAX_STORED_BYTES - self._stored_bytes)
            except (Unkeepable, OSError) as problem:
                walk.left_out[found.path] = str(problem)
                continue
            now[found.path] = piece
            stored, read = stored + size, read + (found.kind == "file" and piece != before)
            self._stored_bytes += size
            if began_ns - max(signature[3:]) > _SETTLED_NS:
                self._signatures[found.path] = signature
        self._write(step, now, walk.left_out)
        told = tuple(f"{path}: {why}" for path, why in list(walk.left_out.items())[:_TOLD_LEFT_OUT])
        return KeptNow(sum(piece.kind == "file" for piece in now.values()), read, stored, told)

    def _piece(self, found: Found, room_bytes: int) -> tuple[Piece, int]:
        mode, time_ns = found.status.st_mode & 0o7777, found.status.st_mtime_ns
        match found.kind:
            case "file":
                digest, size = self._objects.take(found.name, found.folder_fd, room_bytes)
                return Piece(found.path, "file", mode, time_ns, digest), size
            case "link":
                return Piece(found.path, "link", 0, 0, found.link), 0
            case "folder":
                return Piece(found.path, "folder", mode), 0

    def _write(self, step: int, now: dict[str, Piece], left_out: dict[str, str]) -> None:
        before, self._pieces = self._pieces, now
        changed = tuple(piece for path, piece in now.items() if before.get(path) != piece)
        gone = tuple(path for path in before if path not in now)
        if self._file is None:
            self._file = AppendOnlyFile(self._list)
            self._file.append(b"\n")  # ends what a crash may have left half-written
        self._file.append(msgspec.json.encode(Change(step, changed, gone, left_out)) + b"\n")
        self.first = False

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def read_changes(directory: Path) -> Iterator[Change]:
    """What was kept in the session's ``directory``, oldest first; lines that are no change are passed over."""
    try:
        lines = (directory / LIST_NAME).read_bytes().split(b"\n")
    except OSError:
        return
    for line in filter(None, lines):
        try:
            yield msgspec.json.decode(line, type=Change)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            continue


def home_after(directory: Path, step: int) -> Home | None:
    """The home after ``step``; None if that state was not kept."""
    pieces: dict[str, Piece] = {}
    found: Home | None = None
    for change in read_changes(directory):
        _apply(pieces, change)
        if change.step <= step:  # an earlier step that comes later: the session was rewound, this one counts as not done
            found = Home(dict(pieces), change.left_out) if change.step == step else None
    return found


def build(directory: Path, home: Home, target: Path) -> list[str]:
    """Make the new folder ``target`` what ``home`` was; returns what could not be had back. Raises OSError.

    The list may have come from elsewhere: nothing is written outside of ``target``, nothing else than contents is read.
    """
    missing: list[str] = []
    target.mkdir(mode=0o700)
    objects = Objects(directory / OBJECTS_NAME)
    folders: dict[str, Piece] = {"": Piece("", "folder", 0o700)}
    for piece in home.pieces.values():
        above, _, name = piece.path.rpartition("/")
        if above not in folders or name in ("", ".", "..") or "\0" in piece.path:
            missing.append(piece.path)
        elif piece.kind == "folder":
            (target / piece.path).mkdir(mode=0o700)
            folders[piece.path] = piece
        elif not _made(objects, piece, target / piece.path):
            missing.append(piece.path)
    for path, piece in reversed(folders.items()):
        os.chmod(target / path, piece.mode & 0o777)
    return missing


def _made(objects: Objects, piece: Piece, path: Path) -> bool:
    if piece.kind == "link":
        path.symlink_to(piece.content)
        return True
    if not (_DIGEST.fullmatch(piece.content) and objects.give(piece.content, path)):
        path.unlink(missing_ok=True)
        return False
    os.chmod(path, piece.mode & 0o777)  # whatever sets the user or the group is not wanted back
    os.utime(path, ns=(piece.time_ns, piece.time_ns))
    return True


def share(source: Path, target: Path, up_to_step: int) -> None:
    """Give the new session in ``target`` what ``source`` kept of its homes up to ``up_to_step``. Raises OSError."""
    taken: list[Change] = []
    passed: list[Change] = []
    for change in read_changes(source):
        passed.append(change)
        if change.step <= up_to_step:
            taken, passed = [*taken, *passed], []
    contents = {piece.content for change in taken for piece in change.now if piece.kind == "file"}
    Objects(source / OBJECTS_NAME).share_with(target / OBJECTS_NAME, set(filter(_DIGEST.fullmatch, contents)))
    with contextlib.closing(AppendOnlyFile(target / LIST_NAME)) as file:
        for change in taken:
            file.append(msgspec.json.encode(change) + b"\n")


def _apply(pieces: dict[str, Piece], change: Change) -> None:
    for path in change.gone:
        pieces.pop(path, None)
    for piece in change.now:
        pieces[piece.path] = piece


def _signature(found: Found) -> Signature:
    status = found.status
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def _size_of(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) if folder.is_dir() else 0

"""The audit log: JSON lines, append-only, each with the hash of the line before and its own. One writer: the user's process.

``{"seq":0,"time":…,"prev_hash":"…","entry":{"kind":…},"hash":"…"}``. ``hash`` is BLAKE2b-256 over the line's bytes without
``,"hash":"…"``; nothing is encoded anew to check it, so entries of later versions verify too. Without something outside of
the file (see `Head`) a cut tail and a chain that was computed anew cannot be told; with it both are.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

import msgspec

from edgeagent_harness.errors import HarnessError
from edgeagent_harness.protocol.audit import Entry

FIRST_HASH = "0" * 64
TORN_SUFFIX = ".torn"
_HASH_FIELD = b',"hash":"'
_TAIL_BYTES = len(_HASH_FIELD) + 64 + len('"}')
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class AuditDamaged(HarnessError):
    """The file is not what was written; nothing more is appended to it."""


class Line(msgspec.Struct, frozen=True):
    """One line as it is hashed."""

    seq: int
    time: float
    """Unix seconds."""
    prev_hash: str
    entry: Entry


class _Envelope(msgspec.Struct, frozen=True):
    """What every version's line holds."""

    seq: int
    prev_hash: str
    time: float = 0.0


@dataclass(frozen=True, slots=True)
class Head:
    """Where a log ends. Kept elsewhere (a session's event log, a signed statement) it anchors the log."""

    lines: int = 0
    hash: str = FIRST_HASH


@dataclass(frozen=True, slots=True)
class Problem:
    """A place where the log is not what was written."""

    line: int
    """Counted from 1."""
    reason: str


@dataclass(slots=True)
class Checked:
    """What `verify` found."""

    hashes: list[str] = field(default_factory=list[str])
    """Own hash of each whole line."""
    problems: list[Problem] = field(default_factory=list[Problem])
    torn: bytes = b""
    """A last line without its end, as a crash leaves it; it is no part of the chain."""

    @property
    def head(self) -> Head:
        return Head(len(self.hashes), self.hashes[-1] if self.hashes else FIRST_HASH)


class AuditLog:
    """Appends to the log at ``path``, which may exist. Raises OSError, and `AuditDamaged` if what is there does not verify.

    Nobody else can append meanwhile: two chains in one file would be none.
    """

    def __init__(self, path: Path, now_s: Callable[[], float] = time.time) -> None:
        self.path = path
        self._now_s = now_s
        self._fd = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            self._claim()
            checked = verify_bytes(path.read_bytes())
            if checked.problems:
                first = checked.problems[0]
                raise AuditDamaged(f"{path}, line {first.line}: {first.reason}")
            if checked.torn:
                self._cut(checked.torn)
        except BaseException:
            self.close()
            raise
        self.head = checked.head

    def _claim(self) -> None:
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise OSError(errno.EBUSY, "another program is writing it", str(self.path)) from error

    def append(self, entry: Entry) -> None:
        """Write ``entry``; durable on return. Raises OSError, then nothing of it is in the log."""
        body = msgspec.json.encode(Line(self.head.lines, self._now_s(), self.head.hash, entry))
        own = _hash(body)
        line = body[:-1] + _HASH_FIELD + own.encode() + b'"}\n'
        size = os.fstat(self._fd).st_size
        try:
            written = 0
            while written < len(line):
                written += os.write(self._fd, line[written:])
            os.fdatasync(self._fd)
        except OSError:
            os.ftruncate(self._fd, size)
            raise
        self.head = Head(self.head.lines + 1, own)

    def close(self) -> None:
        if self._fd >= 0:
            fcntl.flock(self._fd, fcntl.LOCK_UN)  # at once, though a child that is being started may hold a copy
            os.close(self._fd)
            self._fd = -1

    def _cut(self, torn: bytes) -> None:
        """Move what a crash left of a line to a file beside the log."""
        beside = self.path.with_name(self.path.name + TORN_SUFFIX)
        side = os.open(beside, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            os.write(side, torn + b"\n")
            os.fsync(side)
        finally:
            os.close(side)
        os.ftruncate(self._fd, os.fstat(self._fd).st_size - len(torn))

    def __enter__(self) -> AuditLog:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def verify(path: Path) -> Checked:
    """Check the chain of the log at ``path``: finds lines that were edited, dropped (but for the last ones) or reordered."""
    return verify_bytes(path.read_bytes())


def verify_bytes(raw: bytes) -> Checked:
    """As `verify`, for the bytes of a log."""
    lines = raw.split(b"\n")
    checked = Checked(torn=lines.pop())
    previous = FIRST_HASH
    for number, line in enumerate(lines, start=1):
        own, reason = _check(line, number, previous)
        if reason:
            checked.problems.append(Problem(number, reason))
        checked.hashes.append(own)
        previous = own
    return checked


def missing_from(checked: Checked, anchor: Head) -> str:
    """Why the log cannot be the one that ended in ``anchor`` at some time; empty: it can."""
    if anchor.lines > len(checked.hashes):
        return f"it had {anchor.lines} lines when it was anchored and has {len(checked.hashes)} now: its end was cut off"
    if anchor.lines and checked.hashes[anchor.lines - 1] != anchor.hash:
        return f"line {anchor.lines} is not the one that was anchored: the chain was written anew"
    return ""


def read(path: Path) -> list[Line]:
    """The lines of the log at ``path`` that this version knows; `verify` says whether they are what was written."""
    known: list[Line] = []
    for line in path.read_bytes().split(b"\n")[:-1]:
        try:
            known.append(msgspec.json.decode(line, type=Line))
        except _UNREADABLE:
            continue
    return known


def _check(line: bytes, number: int, previous: str) -> tuple[str, str]:
    """Own hash of ``line``, and what is wrong with it."""
    body, tail = line[:-_TAIL_BYTES] + b"}", line[-_TAIL_BYTES:]
    own = _hash(body)
    if not tail.startswith(_HASH_FIELD) or not tail.endswith(b'"}'):
        return _hash(line), "it is no line of an audit log"
    if tail[len(_HASH_FIELD) : -2] != own.encode():
        return own, "it was edited: its hash is not that of its content"
    try:
        envelope = msgspec.json.decode(body, type=_Envelope)
    except _UNREADABLE:
        return own, "it is no line of an audit log"
    if envelope.prev_hash != previous:
        before = "lines before it are missing" if number == 1 else f"it does not follow line {number - 1}"
        return own, f"{before}: lines were dropped, put in or reordered here"
    if envelope.seq != number - 1:
        return own, f"entry {envelope.seq} stands where {number - 1} was expected"
    return own, ""


def _hash(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=32).hexdigest()

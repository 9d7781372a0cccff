"""The port: whole files by name, in a place that may be slow, full, gone or somebody else's."""

from __future__ import annotations

import contextlib
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from edgeagent_models.state_header import APART_SUFFIX, SUFFIX, Made

SEALED_SUFFIX = ".sealed"
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,120}")


@dataclass(frozen=True, slots=True)
class Stored:
    """One state there, with the hints that say what it is worth: all of it stands in its name, so that a listing is enough."""

    session: str
    """As whose seat it is parked; see `edgeagent.engine.host.Seat`."""
    fingerprint: str
    """See `edgeagent_models.fingerprint`."""
    made_ms: int
    """Unix time, of the file on the disk that it was."""
    expires_s: float
    priority: int
    cost_tokens: int
    size_bytes: int
    pinned: bool = False

    @property
    def name(self) -> str:
        """``SESSION/FINGERPRINT-MADE-EXPIRES-PRIORITY-TOKENS.sealed``."""
        hints = f"{self.made_ms}-{self.expires_s:.0f}-{self.priority}-{self.cost_tokens}"
        return f"{self.session}/{self.fingerprint}-{hints}{SEALED_SUFFIX}"

    @classmethod
    def of(cls, name: str, size_bytes: int) -> Stored | None:
        """What ``name`` says; None where it is none of ours."""
        session, _, last = name.rpartition("/")
        parts = last.removesuffix(SEALED_SUFFIX).split("-")
        if not session or "/" in session or not last.endswith(SEALED_SUFFIX) or len(parts) != 5:
            return None
        with contextlib.suppress(ValueError):
            made_ms, expires_s, priority, tokens = map(int, parts[1:])
            return cls(session, parts[0], made_ms, expires_s, priority, tokens, size_bytes)
        return None

    @classmethod
    def from_disk(cls, path: Path, made: Made) -> Stored:
        """Of the state in ``path``. Raises `OSError`."""
        status = path.stat()
        hints = made.hints
        return cls(
            path.name.removesuffix(path.suffix), made.fingerprint, status.st_mtime_ns // 1_000_000, hints.expires_s,
            hints.priority, made.cost_tokens, status.st_size,
        )  # fmt: skip


class StateStore(Protocol):
    """A place behind the disk. Every call may take for ever: callers limit it, and cancel it then.

    All raise `EnvironmentProblem` where the place is not there or refuses.
    """

    @property
    def where(self) -> str:
        """For people."""
        ...

    async def put(self, name: str, file: Path) -> None:
        """Keep what is in ``file``: nobody ever sees half of it."""
        ...

    async def get(self, name: str, file: Path, max_bytes: int) -> None:
        """Write what is kept to ``file``, a new one. Raises `BundleRefused` where it is gone or larger."""
        ...

    async def all(self, session: str = "") -> list[Stored]:
        """What is there, of one session or of all."""
        ...

    async def delete(self, name: str) -> None:
        """Also where there is none."""
        ...


def is_plain(session: str) -> bool:
    """Whether ``session``'s state can be a file."""
    return _PLAIN.fullmatch(session) is not None


def local_states(folder: Path, session: str) -> list[Path]:
    """The files of ``session``'s state in ``folder``."""
    return [path for suffix in (SUFFIX, APART_SUFFIX) if (path := folder / f"{session}{suffix}").is_file()]


def created(path: Path) -> BinaryIO:
    """A new file for its owner alone. Raises `OSError`."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.fdopen(os.open(path, flags, 0o600), "wb")

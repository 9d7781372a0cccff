"""Locks among the processes that serve one folder: held by `flock`, so that whoever is killed holds none."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from edgeagent.recording.problems import recording_problem

_AGAIN_S = 0.5


@contextmanager
def held(path: Path) -> Generator[None]:
    """Nobody else holds ``path`` meanwhile, neither another process nor another thread of this one.

    Raises `RecordingError` where the file cannot be made.
    """
    fd = _opened(path)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


@asynccontextmanager
async def held_once_free(path: Path) -> AsyncGenerator[None]:
    """As `held`, for something that another process may do for days."""
    fd = _opened(path)
    try:
        while True:
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            await asyncio.sleep(_AGAIN_S)
        yield
    finally:
        os.close(fd)


def _opened(path: Path) -> int:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise recording_problem(error, path) from error

"""Where a suite's workers play: on this machine, or spread over a Ray cluster. The same tasks, seeds and results."""

from __future__ import annotations

import asyncio
import contextlib
import os
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from edgeagent.bench.episode import LIMITS, Episode
from edgeagent.bench.miniwob import copy_pages, pages_root
from edgeagent.bench.suite import Hire
from edgeagent.bench.worker import MiniwobWorker
from edgeagent.cluster import Actor, Cluster
from edgeagent.errors import UsageError, WorkerLost
from edgeagent.limits import Limits
from edgeagent.runner import ModelChoice

_CLOSE_S = 20.0


@dataclass(frozen=True, slots=True)
class Played:
    """How every worker plays, wherever it is."""

    choice: ModelChoice
    keep: Path | None = None
    """Recordings are kept below this, on the machine where they were made."""
    limits: Limits = LIMITS


class Player:
    """The actor on a Ray cluster: a worker like those at home, with a copy of the pages from its own machine."""

    def __init__(self, played: Played) -> None:
        self._stack = contextlib.ExitStack()
        pages = self._stack.enter_context(_pages())
        self._worker = MiniwobWorker(pages, played.choice, played.keep, played.limits)

    async def play(self, task: str, seed: int) -> Episode:
        return await self._worker.play(task, seed)

    async def close(self) -> None:
        await self._worker.close()
        self._stack.close()


class ActorWorker:
    """A `Player` somewhere, as a worker of the suite."""

    def __init__(self, actor: Actor) -> None:
        self._actor = actor

    async def play(self, task: str, seed: int) -> Episode:
        return await self._actor.ask("play", task, seed)()

    async def close(self) -> None:
        with contextlib.suppress(WorkerLost, TimeoutError):
            async with asyncio.timeout(_CLOSE_S):
                await self._actor.ask("close")()
        with contextlib.suppress(WorkerLost):
            self._actor.end()


@contextmanager
def places(engine: Literal["local", "ray"], address: str, workers: int, played: Played) -> Generator[Hire]:
    """How to hire workers there. ``address``: the Ray cluster's, empty for one on this machine. Raises `EnvironmentProblem`."""
    if engine == "local":
        if address:
            raise UsageError("--ray-address goes with --engine ray")
        with _pages() as pages:
            yield lambda: MiniwobWorker(pages, played.choice, played.keep, played.limits)
        return
    cluster = Cluster(address, workers)
    try:
        yield lambda: ActorWorker(cluster.hire(Player, played))
    finally:
        cluster.close()


@contextmanager
def _pages() -> Generator[Path]:
    with tempfile.TemporaryDirectory(prefix="edgeagent-pages-") as scratch:
        os.chmod(scratch, 0o755)
        pages = Path(scratch) / "html"
        copy_pages(pages_root(), pages)
        yield pages

"""A suite of tasks over seeds, spread over workers; a crash is a failed episode, and the worker starts afresh.

An episode whose worker was lost with its machine is played again by another one: nobody outside the page saw it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from edgeagent.bench.episode import Episode
from edgeagent.errors import EnvironmentProblem, ModelUnusable, UsageError, WorkerLost

Progress = Callable[[Episode], None]
_TRIES = 3
"""For an episode whose workers are lost; then it is a crash like others."""


class Worker(Protocol):
    """Plays one episode at a time."""

    async def play(self, task: str, seed: int) -> Episode: ...

    async def close(self) -> None: ...


Hire = Callable[[], Worker]


async def run_suite(tasks: Sequence[str], seeds: Sequence[int], hire: Hire, workers: int, progress: Progress) -> list[Episode]:
    """Play every task at every seed; the episodes in the order of ``tasks`` and ``seeds``."""
    todo = [(task, seed) for task in tasks for seed in seeds]
    queue = iter(todo)
    done: dict[tuple[str, int], Episode] = {}

    async def work() -> None:
        place = _Place(hire)
        try:
            for task, seed in queue:
                done[task, seed] = await place.play(task, seed)
                progress(done[task, seed])
        finally:
            await place.worker.close()

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(max(1, min(workers, len(todo)))):
                group.create_task(work())
    except ExceptionGroup as failures:
        # Workers fail alike (the machine lacks something): the first says it for all.
        raise failures.exceptions[0] from None
    return [done[place] for place in todo]


class _Place:
    """One worker at a time; whatever broke, the next one starts afresh."""

    def __init__(self, hire: Hire) -> None:
        self._hire = hire
        self.worker = hire()

    async def play(self, task: str, seed: int) -> Episode:
        losses = 0
        while True:
            try:
                return await self.worker.play(task, seed)
            except (EnvironmentProblem, ModelUnusable, UsageError):
                raise
            except Exception as error:
                await self.worker.close()
                self.worker = self._hire()
                losses += 1
                if not isinstance(error, WorkerLost) or losses == _TRIES:
                    # The suite goes on: the episode counts as failed and its error is in the table.
                    return Episode(task, seed, error=f"{type(error).__name__}: {error}"[:500])


def parse_seeds(text: str) -> list[int]:
    """``"0:20"`` (end excluded), ``"7"`` or ``"1,5,9"``."""
    try:
        if ":" in text:
            first, end = (int(part) for part in text.split(":"))
            seeds = list(range(first, end))
        else:
            seeds = [int(part) for part in text.split(",")]
    except ValueError as error:
        raise UsageError(f"cannot read seeds {text!r}", "write a range like 0:20, or a list like 1,5,9") from error
    if not seeds or min(seeds) < 0:
        raise UsageError(f"no seeds in {text!r}", "write a range like 0:20, or a list like 1,5,9")
    return seeds


def parse_tasks(text: str, read: Callable[[str], str]) -> list[str]:
    """``"a,b"``, or ``"@FILE"`` with one name a line and ``#`` comments; ``read`` gives the file's text."""
    names = read(text[1:]).splitlines() if text.startswith("@") else text.split(",")
    tasks = [name.split("#")[0].strip() for name in names]
    tasks = list(dict.fromkeys(task for task in tasks if task))
    if not tasks:
        raise UsageError(f"no tasks in {text!r}", "write names like click-test,enter-text, or @FILE with one name a line")
    return tasks

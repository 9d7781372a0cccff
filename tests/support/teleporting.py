"""What tests of moving sessions share."""

from __future__ import annotations

from pathlib import Path

from edgeagent import events
from edgeagent.runner import Runner, RunRequest, RunResult
from edgeagent.sessions.leaving import ask_to_leave
from edgeagent.teleport.progress import Progress


def silent(progress: Progress) -> None:
    """Nobody looks."""


async def run_until_step(runner: Runner, request: RunRequest, steps: int) -> RunResult:
    """A new session that leaves after so many steps, as if it had been asked to meanwhile."""
    directories: list[Path] = []
    runner.on_opened = lambda _session, directory: directories.append(directory)

    def listen(fact: events.EventData) -> None:
        if isinstance(fact, events.Acted) and fact.step == steps:
            ask_to_leave(directories[0], "moves")

    runner.listeners.append(listen)
    return await runner.start(request)

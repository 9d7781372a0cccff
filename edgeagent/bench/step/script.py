"""A session on the spot: scripted actions on a page of the demo in the real sandbox. A model may be asked along."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path

from edgeagent.demo import form
from edgeagent.errors import EnvironmentProblem
from edgeagent.limits import Limits
from edgeagent.ports import Model, Prompt, Reply
from edgeagent.runner import ModelChoice, Runner, RunRequest
from edgeagent.sessions.store import SessionStore
from edgeagent.testing import as_reply
from edgeagent_harness.protocol.actions import Action, Click, Finish, Key, Type
from edgeagent_harness.protocol.geometry import Point
from edgeagent_harness.protocol.messages import Application, DesktopSpec

CYCLE: tuple[Action, ...] = (
    Click(Point(640, 140)),
    Type("Zoë 42"),
    Key(("tab",)),
    Type("é"),
    Key(("ctrl", "a")),
    Click(Point(20, 700)),
)
NO_LIMITS = Limits(max_steps=0, timeout_s=0, max_no_effect=0)


Ask = Callable[[Prompt, int], Awaitable[Reply]]
"""Puts the question of a step (counted from 1) to a model."""


class Script:
    """The `Model` port: ``count`` actions of `CYCLE`, then the end. ``ask`` is asked first; what that took is recorded."""

    def __init__(self, count: int, ask: Ask | None = None) -> None:
        self._count = count
        self._ask = ask

    async def complete(self, prompt: Prompt) -> Reply:
        done = len(prompt.history.steps)
        if done >= self._count:
            return as_reply(Finish())
        scripted = as_reply(CYCLE[done % len(CYCLE)])
        if self._ask is None:
            return scripted
        asked = await self._ask(prompt, done + 1)
        return replace(scripted, usage=asked.usage, timings_ms=asked.timings_ms, memory=asked.memory)


async def record(scratch: Path, steps: int, ask: Ask | None = None) -> Path:
    """Act ``steps`` times on a fresh desktop below ``scratch``; the directory of the recorded session."""
    store = SessionStore(scratch / "sessions")
    runner = Runner(store=store, open_model=_lend(Script(steps, ask)))
    result = await runner.start(RunRequest("fill in the form on the screen", page(scratch), limits=NO_LIMITS))
    if result.ended.outcome == "interrupted":  # by Ctrl-C, which the run took for itself
        raise asyncio.CancelledError
    if result.ended.outcome != "done":
        reason = f"the session to measure ended early: {result.ended.message or result.ended.outcome}"
        raise EnvironmentProblem(reason, "`edgeagent doctor` says what this machine lacks")
    return store.root / result.session


def page(scratch: Path) -> DesktopSpec:
    """A desktop of 1280x800 with a form of the demo in its browser; the form's server works in a directory of ``scratch``."""
    task = form.generate(0)
    home = Path(tempfile.mkdtemp(prefix="home-", dir=scratch))
    task.prepare(home)
    return DesktopSpec(home=str(home), applications=(Application(task.app, wait_window=False),), url=task.url)


def _lend(model: Model) -> Callable[[ModelChoice, int, Callable[[str], None]], AbstractAsyncContextManager[Model]]:
    return lambda _choice, _seed, _restarted: contextlib.nullcontext(model)

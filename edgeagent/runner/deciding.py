"""Which model decides in a run, and how its user has another one decide from the next step on, in the same sandbox."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Protocol, runtime_checkable

from edgeagent import events, offline
from edgeagent.errors import EdgeAgentError, EnvironmentProblem, UsageError
from edgeagent.history import History
from edgeagent.machine import available_mb
from edgeagent.ports import Model, Prompt, Reply
from edgeagent.remote_names import is_remote
from edgeagent.runner.attending import Attendance
from edgeagent.runner.request import ModelChoice

Opening = Callable[[ModelChoice], AbstractAsyncContextManager[Model]]
Noting = Callable[[events.EventData], Awaitable[None]]


@dataclass(slots=True)
class ModelSwitch:
    """Between whoever wants another model to decide in a run, and that run."""

    wanted: ModelChoice | None = None
    """Taken from here before the next decision; None: the model stays."""
    loading: Callable[[ModelChoice], None] = lambda _: None
    """Told that the model which was wanted is being loaded."""
    kept: Callable[[ModelChoice, EdgeAgentError], None] = lambda _choice, _why: None
    """Told why the model which was wanted does not decide: the one before goes on."""
    frees_mb: Callable[[], float] = lambda: 0.0
    """Memory that comes back when the model goes that decides now. Set by the run that follows this."""

    def room_mb(self) -> float:
        """Memory that another model will have, in MB: the one before is let go first."""
        return available_mb() + self.frees_mb()

    def take(self) -> ModelChoice | None:
        """What is wanted, once."""
        wanted, self.wanted = self.wanted, None
        return wanted


@runtime_checkable
class _Freeing(Protocol):
    """An engine on this machine."""

    def frees_mb(self) -> float: ...


class Deciding:
    """The `Model` port of a run: asks ``model``, which is ``choice``'s. Entered for as long as the run may decide."""

    model: Model

    def __init__(self, opening: Opening, choice: ModelChoice, use: Callable[[Model], None] = lambda _: None) -> None:
        """``use`` is told of each model that is opened, before it is asked; it may raise `EdgeAgentError` to refuse it."""
        self.choice = choice
        self._opening = opening
        self._use = use
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Deciding:
        await self._open(self.choice)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:  # fmt: skip
        await self._stack.__aexit__(kind, error, trace)

    async def complete(self, prompt: Prompt) -> Reply:
        return await self.model.complete(prompt)

    def frees_mb(self) -> float:
        """Memory that comes back when the model goes that decides now, in MB."""
        engine = getattr(self.model, "engine", None)
        return engine.frees_mb() if isinstance(engine, _Freeing) else 0.0

    async def follow(self, switch: ModelSwitch) -> events.ModelChanged | None:
        """Have the model decide that ``switch`` wants, if any and if it can be; what to write down of that."""
        switch.frees_mb = self.frees_mb
        before, wanted = self.choice, switch.take()
        if wanted is None or _same(wanted, before):
            return None
        wanted = replace(wanted, skip_unchanged=before.skip_unchanged)
        try:
            refuse_unusable(wanted, switch.room_mb())
        except EdgeAgentError as error:
            switch.kept(wanted, error)
            return None
        switch.loading(wanted)
        if (why := await self._change(wanted)) is not None:
            switch.kept(wanted, why)
            return None
        return changed(before, wanted)

    async def _change(self, choice: ModelChoice) -> EdgeAgentError | None:
        """Let the model go, then open ``choice``'s: both at once may be more than fits. Returns why that one cannot be had; then
        the one before was opened again. Raises `EdgeAgentError` if that cannot be had any more either."""
        await self._stack.aclose()
        try:
            refuse_unusable(choice, available_mb())  # as it is now, whatever was expected to come back
            await self._open(choice)
        except EdgeAgentError as error:
            await self._stack.aclose()
            await self._open(self.choice)
            return error
        self.choice = choice
        return None

    async def _open(self, choice: ModelChoice) -> None:
        self.model = await self._stack.enter_async_context(self._opening(choice))
        self._use(self.model)


@asynccontextmanager
async def attended(
    open_model: Callable[[Callable[[str], None]], AbstractAsyncContextManager[Model]],
    attendance: Attendance,
    history: Callable[[], History],
    note: Noting,
) -> AsyncGenerator[Model]:
    """The model that ``open_model`` opens, given whom to tell of its engine's restarts: looked after, and those noted."""
    notices: set[asyncio.Task[None]] = set()

    async def noted(why: str) -> None:
        await note(events.EngineRestarted(why))

    def restarted(why: str) -> None:
        notice = asyncio.ensure_future(noted(why))
        notices.add(notice)
        notice.add_done_callback(notices.discard)

    async with open_model(restarted) as model:
        async with attendance.of(model, history):
            yield model
        await asyncio.gather(*notices)


def refuse_unusable(choice: ModelChoice, free_mb: float) -> None:
    """Raises `EdgeAgentError` where it is known already that ``choice`` cannot decide, with ``free_mb`` of memory to be had."""
    if is_remote(choice.model):
        offline.require_network(f"the model {choice.model}")
        return
    files = [Path(name) for name in (choice.model, choice.mmproj) if name and name != "embedded"]
    for file in files:
        if not file.is_file():
            raise UsageError(f"{file} is not a file", "see `edgeagent models list`")
    size_mb = sum(file.stat().st_size for file in files) / 1e6
    if size_mb > free_mb:
        problem = f"{files[0].name} needs {size_mb / 1000:.1f} GB, of which {free_mb / 1000:.1f} GB are free"
        raise EnvironmentProblem(problem, "take a smaller one, or another quantization; `edgeagent models fit` says what fits")


def changed(before: ModelChoice, now: ModelChoice) -> events.ModelChanged:
    """As it is recorded."""
    who = events.NamedModel(before.model, before.mmproj, before.family)
    return events.ModelChanged(now.model, now.mmproj, now.family, who)


def _same(one: ModelChoice, other: ModelChoice) -> bool:
    return (one.model, one.mmproj, one.family) == (other.model, other.mmproj, other.family)

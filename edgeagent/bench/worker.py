"""A worker of the MiniWoB++ suite: one sandbox and one model, started at its first episode and kept until it is closed."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from pathlib import Path

from edgeagent.bench.episode import LIMITS, Episode, Stage, play
from edgeagent.bench.miniwob import MiniwobPage, desktop_spec
from edgeagent.desktop.browser_pipe import BrowserPipe
from edgeagent.errors import DesktopError
from edgeagent.limits import Limits
from edgeagent.ports import Model
from edgeagent.runner import ModelChoice, ModelFactory
from edgeagent.sessions.store import SessionStore


class MiniwobWorker:
    """Plays episodes one after another. Recordings are kept below ``keep``, or removed after each episode without it."""

    def __init__(
        self,
        pages: Path,
        choice: ModelChoice,
        keep: Path | None = None,
        limits: Limits = LIMITS,
        open_model: ModelFactory | None = None,
    ) -> None:
        self._pages = pages
        self._choice = choice
        self._keep = keep
        self._limits = limits
        self._open_model = open_model
        self._stack = AsyncExitStack()
        self._stage: Stage | None = None

    async def play(self, task: str, seed: int) -> Episode:
        """Play ``task`` at ``seed``; raises what kept it from being played to its end."""
        stage = self._stage = self._stage or await self._set_up()
        if self._keep:
            return await play(stage, task, seed, SessionStore(self._keep / f"{task}-{seed}"))
        with tempfile.TemporaryDirectory(prefix="edgeagent-bench-") as scratch:
            return await play(stage, task, seed, SessionStore(Path(scratch)))

    async def close(self) -> None:
        """End the sandbox and the model's process."""
        self._stage = None
        await self._stack.aclose()

    async def _set_up(self) -> Stage:
        from edgeagent.desktop import open_desktop

        spec = desktop_spec(self._pages)
        desktop = await self._stack.enter_async_context(open_desktop(spec))
        if desktop.debug_socket is None:
            raise DesktopError("the sandbox gave no debugging pipe of its browser")
        pipe = BrowserPipe(desktop.debug_socket)
        await pipe.attach()
        open_model = self._open_model or _real_model
        model = await self._stack.enter_async_context(open_model(self._choice, 0, _ignore))
        return Stage(desktop, MiniwobPage(pipe, self._pages), spec, model, self._choice, self._limits)


def _real_model(choice: ModelChoice, seed: int, restarted: Callable[[str], None]) -> AbstractAsyncContextManager[Model]:
    from edgeagent.engine import open_model

    return open_model(choice.model, choice.mmproj, seed, restarted)


def _ignore(_reason: str) -> None:
    """An engine that was restarted goes on from what each request carries."""

"""A move of one session to a backend, or back, on a thread of its own: whatever the network does, the UI stays awake."""

from __future__ import annotations

import asyncio
import queue
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from edgeagent.errors import EdgeAgentError
from edgeagent.sessions.store import SessionStore
from edgeagent.teleport.api import Api, connect
from edgeagent.teleport.backends import Connected, backend
from edgeagent.teleport.plan import Plan
from edgeagent.teleport.progress import Progress
from edgeagent.teleport.pulling import pull
from edgeagent.teleport.pushing import keep, push
from edgeagent.tui.loop_thread import LoopThread

Way = Literal["push", "pull", "keep"]
"""``keep``: have a session whose hand-over was cut off stay here after all."""


@dataclass(frozen=True, slots=True)
class Progressed:
    """It goes on."""

    progress: Progress


@dataclass(frozen=True, slots=True)
class MayLeave:
    """It waits for `MoveThread.answer`: this is what would leave, to the byte."""

    plan: Plan


@dataclass(frozen=True, slots=True)
class Over:
    """It has come to its end: ``problem`` says why it did not come through, if it did not."""

    problem: str = ""
    hint: str = ""

    @property
    def moved(self) -> bool:
        return not self.problem


MoveTold: TypeAlias = Progressed | MayLeave | Over


class MoveThread(LoopThread[MoveTold]):
    """Moves the session in ``directory``. The same again goes on where one was cut off."""

    def __init__(self, directory: Path, name: str, way: Way, agreed: str = "") -> None:
        """``agreed``: `Plan.leaving` of what the user has looked at and said yes to; it is not asked about again."""
        super().__init__(f"teleport {way}")
        self.name = name
        self.way: Way = way
        self._agreed = agreed
        self._store = SessionStore(directory.parent)
        self._session = directory.name
        self._answers: queue.SimpleQueue[bool] = queue.SimpleQueue()
        self._task: asyncio.Task[None] | None = None
        self._cancelled = False

    def answer(self, send: bool) -> None:
        """What the user says to `MayLeave`."""
        self._answers.put(send)

    def cancel(self) -> None:
        """Let go now; `whereabouts` says whose the session is then."""
        self._cancelled = True
        self._answers.put(False)
        self._on_loop(self._cancel)

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _run(self) -> MoveTold:
        self._task = asyncio.ensure_future(self._move())
        if self._cancelled:
            self._task.cancel()
        try:
            await self._task
        except asyncio.CancelledError:
            return Over("cancelled")
        except EdgeAgentError as error:
            return Over("cancelled") if self._cancelled else Over(str(error), error.hint)
        return Over()

    async def _move(self) -> None:
        known = backend(self.name)
        async with connect(known) as api:
            await self._along(known, api)

    async def _along(self, known: Connected, api: Api) -> None:
        match self.way:
            case "push":
                await push(self._store, self._session, self.name, known, api, self._progress, self._may_leave)
            case "pull":
                await pull(self._store, self._session, self.name, known, api, self._progress)
            case "keep":
                await keep(self._store, self._session, api)

    def _progress(self, progress: Progress) -> None:
        self.tell(Progressed(progress))

    def _may_leave(self, plan: Plan) -> bool:
        """This thread has nothing else to do meanwhile; the session's lock is held, so that the list stays what it is."""
        if plan.leaving == self._agreed:
            return True
        self.tell(MayLeave(plan))
        return self._answers.get()

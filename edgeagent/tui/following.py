"""Follows a session at a backend on a thread of its own: its events as they come into the copy here, and what is said to it."""

from __future__ import annotations

import asyncio
import secrets
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from edgeagent.errors import BundleRefused, EdgeAgentError, SessionBusy, TeleportError
from edgeagent.events import Event
from edgeagent.recording.reader import SessionReader
from edgeagent.teleport.api import Api, connect
from edgeagent.teleport.backends import backend
from edgeagent.teleport.mirroring import Mirror, follow
from edgeagent.teleport.wire import Command, CommandKind, Standing
from edgeagent.tui.loop_thread import LoopThread

AGAIN_S = 2.0
"""Between two tries to reach a backend that could not be reached."""


@dataclass(frozen=True, slots=True)
class Followed:
    """An event is in the copy here, with its screens."""

    event: Event


@dataclass(frozen=True, slots=True)
class Stood:
    """How it stands there, whenever that changes."""

    standing: Standing


@dataclass(frozen=True, slots=True)
class NotFollowing:
    """It cannot be followed at the moment; that is tried again."""

    why: str


@dataclass(frozen=True, slots=True)
class Ordered:
    """What came of something that was said to the run there; empty: it was taken."""

    kind: CommandKind
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Left:
    """Followed no more: the session is not there any more, nobody wants to, or it cannot be."""

    problem: str = ""
    hint: str = ""


FollowTold: TypeAlias = Followed | Stood | NotFollowing | Ordered | Left


class FollowThread(LoopThread[FollowTold]):
    """Follows the session in ``directory``, from its event number ``next_seq`` on."""

    def __init__(self, directory: Path, name: str, next_seq: int) -> None:
        super().__init__("follow")
        self.name = name
        self._directory = directory
        self._next_seq = next_seq
        self._api: Api | None = None
        self._task: asyncio.Task[None] | None = None
        self._cancelled = False
        self._orders: set[asyncio.Task[None]] = set()

    def stop(self) -> None:
        """Follow no more; the session goes on there."""
        self._cancelled = True
        self._on_loop(self._cancel)

    def order(self, kind: CommandKind, text: str = "") -> None:
        """Say something to the run there; `Ordered` tells what came of it."""
        command = Command(secrets.token_hex(16), kind, text)
        self._on_loop(lambda: self._keep(asyncio.ensure_future(self._order(command))))

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._orders.add(task)
        task.add_done_callback(self._orders.discard)

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _run(self) -> FollowTold:
        self._task = asyncio.ensure_future(self._until_home())
        if self._cancelled:
            self._task.cancel()
        try:
            await self._task
        except asyncio.CancelledError:
            return Left()
        except EdgeAgentError as error:
            return Left(str(error), error.hint)
        finally:
            for order in self._orders:
                order.cancel()
            await asyncio.gather(*self._orders, return_exceptions=True)
        return Left()

    async def _until_home(self) -> None:
        async with connect(backend(self.name)) as api:
            self._api = api
            while True:
                if await self._came_home(api):
                    return
                await asyncio.sleep(AGAIN_S)

    async def _came_home(self, api: Api) -> bool:
        """Follow for as long as the connection holds; whether the session is the client's again."""
        try:
            return await self._follow(api)
        except BundleRefused:
            raise
        except (SessionBusy, TeleportError) as error:
            self.tell(NotFollowing(str(error)))
            return False

    async def _follow(self, api: Api) -> bool:
        mirror = Mirror(self._directory)
        try:
            self._catch_up(mirror.next_seq)
            async with aclosing(follow(api, self._directory.name, mirror)) as told:
                async for one in told:
                    if isinstance(one, Standing):
                        self.tell(Stood(one))
                        if one.state == "home":
                            return True
                    else:
                        self._told_event(one)
        finally:
            mirror.close()
        return False

    def _catch_up(self, next_seq: int) -> None:
        """Tell what another follower has put into the copy here since it was read."""
        if next_seq > self._next_seq:
            with SessionReader.open(self._directory) as reader:
                for event in reader.events():
                    if event.seq >= self._next_seq:
                        self._told_event(event)

    def _told_event(self, event: Event) -> None:
        self._next_seq = event.seq + 1
        self.tell(Followed(event))

    async def _order(self, command: Command) -> None:
        if self._api is None:
            self.tell(Ordered(command.kind, f"{self.name} is not reached yet"))
            return
        try:
            await self._api.command(self._directory.name, command)
        except EdgeAgentError as error:
            self.tell(Ordered(command.kind, f"{error}. {error.hint}".rstrip()))
        else:
            self.tell(Ordered(command.kind))

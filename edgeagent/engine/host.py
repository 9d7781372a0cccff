"""One engine process for all runs that ask for the same model: each gets a sequence of its own.

Runs of one process may live on different event loops (the terminal app gives each a thread), so engines live on a thread of
their own. Runs of other processes come in over a `Relay`.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import itertools
import threading
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import cache, partial
from typing import Any, Protocol, TypeAlias, TypeVar

import msgspec

from edgeagent.engine.channel import OnDelta
from edgeagent.engine.watchdog import Engine
from edgeagent.errors import EngineError
from edgeagent_harness.isolation.canary import Canary, Targets
from edgeagent_models.protocol import EngineReply, EngineRequest, Fetch, Load

T = TypeVar("T")
Restarted: TypeAlias = Callable[[str], None]
"""Told why an engine had to be started again."""
SEQUENCES = 4
"""Of one engine; a fifth run of the same model gets a second process."""
AHEAD_S = 60.0
"""How long a place that was taken ahead is kept for a run that does not come."""


class Answering(Protocol):
    """Who answers requests: an engine's process, this or another one's host, or a server elsewhere."""

    async def request(self, request: EngineRequest, on_delta: OnDelta | None = None) -> EngineReply: ...


class Seat(Answering, Protocol):
    """One run's place at an engine. All its requests name ``sequence``."""

    @property
    def sequence(self) -> str: ...


class Seats(Protocol):
    """Where a run gets its place."""

    def taken(self, load: Load, restarted: Restarted, name: str = "") -> AbstractAsyncContextManager[Seat]:
        """A sequence (called ``name``, or anything) of an engine with ``load``'s model, which may be running already.

        Raises `ModelUnusable`, `SandboxRefused`.
        """
        ...


class Carrying(Protocol):
    """Carries states to and from a place behind the disk; raises nothing."""

    def prepared(self, load: Load) -> Load:
        """``load`` for an engine whose states are carried."""
        ...

    async def bring(self, load: Load, session: str) -> None:
        """Put what is kept of ``session`` where the engine looks."""
        ...

    async def before(self, load: Load, request: EngineRequest) -> None: ...

    async def after(self, load: Load, request: EngineRequest, reply: EngineReply) -> None: ...

    def carry_soon(self) -> None:
        """Send what waits to be sent, beside everything else."""
        ...

    async def settled(self) -> None:
        """Once nothing is being sent."""
        ...


class _Shared:
    """An engine of several runs. ``told`` has whom each of them wants told of restarts, by its sequence."""

    def __init__(self, load: Load) -> None:
        self.load = load
        self.engine = Engine("llama", load, self._tell_all)
        self.told: dict[str, Restarted] = {}

    def has_room_for(self, sequence: str) -> bool:
        return len(self.told) < SEQUENCES and sequence not in self.told

    def _tell_all(self, why: str) -> None:
        for restarted in self.told.values():
            restarted(why)


class _Ahead:
    """A place that a run will probably want: being taken, or there. Lives on the engines' loop."""

    def __init__(self, taking: asyncio.Task[_Shared]) -> None:
        self.taking = taking
        self.dropping: asyncio.TimerHandle | None = None


class HostedSeat:
    """A `Seat` at an engine of this process; use it on the loop that took it."""

    def __init__(self, host: EngineHost, shared: _Shared, sequence: str) -> None:
        self.sequence = sequence
        self._host = host
        self._shared = shared

    @property
    def pid(self) -> int:
        """Of the engine's process."""
        return self._shared.engine.pid

    def frees_mb(self) -> float:
        """Memory that comes back when this seat is left, in MB: none while other runs sit at the same engine."""
        return self._shared.engine.frees_mb() if len(self._shared.told) <= 1 else 0.0

    async def request(self, request: EngineRequest, on_delta: OnDelta | None = None) -> EngineReply:
        """See `Engine.request`."""
        loop = asyncio.get_running_loop()
        told = partial(_tell, loop, on_delta) if on_delta else None
        return await self._host.run(self._host.asked(self._shared, request, told))

    async def run_canary(self, targets: Targets) -> Canary:
        """See `Engine.run_canary`."""
        return await self._host.run(self._shared.engine.run_canary(targets))


class EngineHost:
    """The engines of this process. Nothing runs until the first seat is taken; an engine ends with its last one."""

    def __init__(self, carrier: Carrying | None = None) -> None:
        self._carrier = carrier
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="engines", daemon=True)
        self._starting = threading.Lock()
        self._engines: list[_Shared] = []
        self._taking = asyncio.Lock()
        self._numbers = itertools.count(1)
        self._ahead: dict[str, _Ahead] = {}

    @asynccontextmanager
    async def taken(self, load: Load, restarted: Restarted, name: str = "") -> AsyncGenerator[HostedSeat]:
        """See `Seats.taken`."""
        loop = asyncio.get_running_loop()
        taking = self._submit(self._take(load, partial(_tell, loop, restarted), name))
        try:
            shared, sequence = await asyncio.wrap_future(taking)
        except asyncio.CancelledError:
            taking.add_done_callback(self._give_back_unwanted)
            raise
        try:
            yield HostedSeat(self, shared, sequence)
        finally:
            await asyncio.shield(asyncio.wrap_future(self._submit(self._release(shared, sequence))))

    def expect(self, load: Load, name: str) -> None:
        """A run called ``name`` will probably begin: load its model, and bring back what is parked under its name, meanwhile.

        Dropped after `AHEAD_S` without another such word. From any thread; returns at once.
        """
        self._submit(self._expect(load, name))

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """What ``work`` comes to on the engines' loop; cancelling this cancels it there."""
        return await asyncio.wrap_future(self._submit(work))

    def wait(self, work: Coroutine[Any, Any, T]) -> T:
        """The same, for a caller without a loop."""
        return self._submit(work).result()

    def _submit(self, work: Coroutine[Any, Any, T]) -> concurrent.futures.Future[T]:
        with self._starting:
            if not self._thread.is_alive():
                self._thread.start()
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def settle(self, timeout_s: float) -> None:
        """Wait for what is being sent behind the disk, but not for long: what has not gone goes another time."""
        if self._carrier and self._thread.is_alive():
            with contextlib.suppress(TimeoutError):
                self.wait(asyncio.wait_for(self._carrier.settled(), timeout_s))

    # -- on the engines' loop

    async def asked(self, shared: _Shared, request: EngineRequest, on_delta: OnDelta | None) -> EngineReply:
        """What ``shared`` says to ``request``, with what it needs brought before, and what it lets go of carried after."""
        if self._carrier is None:
            return await shared.engine.request(request, on_delta)
        await self._carrier.before(shared.load, request)
        reply = await shared.engine.request(request, on_delta)
        await self._carrier.after(shared.load, request, reply)
        return reply

    async def _take(self, load: Load, restarted: Restarted, name: str) -> tuple[_Shared, str]:
        if name and (shared := await self._taken_ahead(self._shareable(load), name)):
            shared.told[name] = restarted
            return shared, name
        return await self._take_new(load, restarted, name)

    async def _take_new(self, load: Load, restarted: Restarted, name: str) -> tuple[_Shared, str]:
        load = self._shareable(load)
        bringing = asyncio.ensure_future(self._brought(load, name))
        sequence = name or f"run {next(self._numbers)}"
        async with self._taking:
            shared = next((one for one in self._engines if one.load == load and one.has_room_for(sequence)), None)
            if shared is None:
                shared = _Shared(load)
                await shared.engine.start()
                self._engines.append(shared)
            shared.told[sequence] = restarted
        try:
            await bringing
            await shared.engine.open_sequence(sequence)
        except BaseException:
            # Cancelled in mid-request it may be open all the same.
            await self._release(shared, sequence)
            raise
        return shared, sequence

    async def _brought(self, load: Load, name: str) -> None:
        """Beside the loading of the model."""
        if self._carrier and name:
            await self._carrier.bring(load, name)

    def _shareable(self, load: Load) -> Load:
        load = msgspec.structs.replace(load, max_sequences=SEQUENCES)
        return self._carrier.prepared(load) if self._carrier else load

    async def _expect(self, load: Load, name: str) -> None:
        ahead = self._ahead.get(name)
        if ahead is None:
            if any(name in shared.told for shared in self._engines):
                return  # it runs
            ahead = self._ahead[name] = _Ahead(asyncio.ensure_future(self._fetched(load, name)))
        if ahead.dropping:
            ahead.dropping.cancel()
        ahead.dropping = asyncio.get_running_loop().call_later(AHEAD_S, lambda: asyncio.ensure_future(self._drop_ahead(name)))

    async def _fetched(self, load: Load, name: str) -> _Shared:
        shared, _ = await self._take_new(load, _nobody, name)
        with contextlib.suppress(EngineError):  # then the first question takes longer
            await shared.engine.request(Fetch(0, name))
        return shared

    async def _taken_ahead(self, load: Load, name: str) -> _Shared | None:
        """The engine with ``name``'s place, if it was taken ahead and is what is wanted now."""
        ahead = self._ahead.get(name)
        if ahead is None:
            return None
        await asyncio.wait([ahead.taking])
        if self._ahead.get(name) is not ahead:
            return None  # its time was over meanwhile
        if ahead.taking.exception() is None and ahead.taking.result().load == load:
            del self._ahead[name]
            if ahead.dropping:
                ahead.dropping.cancel()
            return ahead.taking.result()
        await self._drop_ahead(name)
        return None

    async def _drop_ahead(self, name: str) -> None:
        ahead = self._ahead.pop(name, None)
        if ahead is None:
            return
        if ahead.dropping:
            ahead.dropping.cancel()
        await asyncio.wait([ahead.taking])
        if ahead.taking.exception() is None:
            await self._release(ahead.taking.result(), name)

    async def _release(self, shared: _Shared, sequence: str) -> None:
        del shared.told[sequence]
        if shared.told:
            with contextlib.suppress(EngineError):  # whoever stays is told with the next request
                await shared.engine.close_sequence(sequence)
        await self._close_unused(shared)

    async def _close_unused(self, shared: _Shared) -> None:
        if not shared.told and shared in self._engines:
            self._engines.remove(shared)
            await shared.engine.close()
        if self._carrier:
            self._carrier.carry_soon()

    def _give_back_unwanted(self, taking: concurrent.futures.Future[tuple[_Shared, str]]) -> None:
        """Whoever wanted it was cancelled in the moment in which it came."""
        if not taking.cancelled() and taking.exception() is None:
            self._submit(self._release(*taking.result()))


def _nobody(why: str) -> None:
    """Nobody asks that engine yet."""


def _tell(loop: asyncio.AbstractEventLoop, told: Callable[[str], None], what: str) -> None:
    with contextlib.suppress(RuntimeError):  # the loop is closed: nobody listens any more
        loop.call_soon_threadsafe(told, what)


@cache
def host() -> EngineHost:
    """This process's own. Raises `UsageError` and `EnvironmentProblem` where the user's state store cannot be used here."""
    from edgeagent import settings
    from edgeagent.state_store.settings import app_store, carrier_for

    return EngineHost(carrier_for(app_store(settings.read())))

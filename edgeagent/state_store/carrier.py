"""Carries states between the disk and the place behind it. Nothing here fails a step: what does not come is computed again.

Engines put what must leave their disk into a folder (`edgeagent_models.protocol.Load.leaving_folder`); what lies there is sent,
and what a session left is fetched before it is asked. One line of ``states.log`` says what became of each.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import shutil
import time
from functools import cached_property
from pathlib import Path

import msgspec

from edgeagent.engine.expected import fingerprint_of
from edgeagent.errors import EdgeAgentError
from edgeagent.folders import leaving_folder, parked_folder
from edgeagent.state_store.log import state_rates, states_log
from edgeagent.state_store.port import StateStore, Stored, is_plain, local_states
from edgeagent.state_store.rates import Rates
from edgeagent.state_store.sealing import unseal
from edgeagent.state_store.sending import Sending, said
from edgeagent.state_store.settings import StoreSettings, key_of
from edgeagent.teleport.sealing import Identity
from edgeagent_models.protocol import PARKED_BYTES, Completed, EngineReply, EngineRequest, Fetch, Load, Park, Parked

LIST_S = 5.0
"""For the place to say what it has."""
FETCH_S = 10.0
"""For a state, as long as it is not known how long computing it takes; never more than computing it."""
MAX_FETCH_S = 60.0
MIN_FREE_SHARE = 0.1
"""Of the disk: what stays free."""


class Carrier:
    """One process's. Use it on one event loop."""

    def __init__(self, settings: StoreSettings, store: StateStore) -> None:
        self._settings = settings
        self._store = store
        self._rates = Rates.kept(state_rates(), store.where)
        self._made_of: dict[Load, str] = {}
        self._carrying: asyncio.Task[None] | None = None
        self._sent_away: set[str] = set()

    @cached_property
    def _identity(self) -> Identity:
        return key_of(self._settings)

    def prepared(self, load: Load) -> Load:
        """``load`` for an engine whose states are carried."""
        return msgspec.structs.replace(load, leaving_folder=str(leaving_folder())) if load.parked_folder else load

    async def before(self, load: Load, request: EngineRequest) -> None:
        """``request`` is about to be put to an engine."""
        if isinstance(request, Fetch) and self._is_away(request.sequence):
            await self.bring(load, request.sequence)

    async def after(self, load: Load, request: EngineRequest, reply: EngineReply) -> None:
        """``reply`` was its answer."""
        if isinstance(reply, Completed):
            computed = reply.usage.prompt_tokens - reply.usage.cached_tokens
            took_ms = reply.timings_ms.get("prefill_ms", 0.0) + reply.timings_ms.get("encode_ms", 0.0)
            self._rates.computed(self._made_of.get(load, ""), computed, took_ms / 1000)
        elif isinstance(request, Park) and request.to_disk:
            if self._settings.copies and isinstance(reply, Parked) and reply.where == "disk":
                await asyncio.to_thread(_copy, request.sequence)
            self.carry_soon()

    def _is_away(self, session: str) -> bool:
        """Whether ``session``'s state had to leave the disk since it was brought."""
        here, leaving = local_states(parked_folder(), session), local_states(leaving_folder(), session)
        return not here and (bool(leaving) or session in self._sent_away)

    async def bring(self, load: Load, session: str) -> None:
        """Put what is kept of ``session`` where the engine looks, in the time that computing it would take at most."""
        if not (load.parked_folder and is_plain(session)):
            return
        try:
            parked_folder().mkdir(mode=0o700, parents=True, exist_ok=True)
            self._made_of[load] = self._made_of.get(load) or await asyncio.to_thread(fingerprint_of, load)
            if not await asyncio.to_thread(_taken_back, session):
                await self._fetch(self._made_of[load], session)
        except (EdgeAgentError, OSError, TimeoutError) as error:
            states_log(f"{session}: computed again, nothing came from {self._store.where}: {said(error)}")

    async def _fetch(self, fingerprint: str, session: str) -> None:
        here = local_states(parked_folder(), session)
        if not fingerprint or (here and not self._settings.copies):
            return
        async with asyncio.timeout(LIST_S):
            kept = await self._store.all(session)
        usable = [one for one in kept if (one.session, one.fingerprint) == (session, fingerprint) and one.expires_s > time.time()]
        if not usable:
            if kept:
                states_log(f"{session}: computed again, what is at {self._store.where} has expired or is another model's")
            return
        found = max(usable, key=lambda one: one.made_ms)
        if any(path.stat().st_mtime_ns // 1_000_000 >= found.made_ms for path in here):
            return
        if self._rates.too_slow("back", found.size_bytes, fingerprint, found.cost_tokens):
            states_log(f"{session}: computed again, that takes less than fetching {found.size_bytes} bytes")
            return
        usage = await asyncio.to_thread(shutil.disk_usage, parked_folder())
        if found.size_bytes > PARKED_BYTES or usage.free - 2 * found.size_bytes < usage.total * MIN_FREE_SHARE:
            states_log(f"{session}: computed again, the disk has no room for {found.size_bytes} bytes more")
            return
        await self._received(found)

    async def _received(self, found: Stored) -> None:
        began_s = time.perf_counter()
        scratch = parked_folder() / f".{found.session}.{secrets.token_hex(4)}.sealed"
        limit_s = self._rates.computing_s(found.fingerprint, found.cost_tokens) or FETCH_S
        try:
            try:
                async with asyncio.timeout(min(max(limit_s, 1.0), MAX_FETCH_S)):
                    await self._store.get(found.name, scratch, found.size_bytes)
                self._rates.moved("back", found.size_bytes, time.perf_counter() - began_s)
            except TimeoutError:
                self._rates.moved("back", _size_of(scratch), time.perf_counter() - began_s)
                raise
            await asyncio.to_thread(
                unseal, scratch, parked_folder(), found.session, found.fingerprint, self._identity, PARKED_BYTES
            )  # fmt: skip
        finally:
            with contextlib.suppress(OSError):
                scratch.unlink(missing_ok=True)
        took_s = time.perf_counter() - began_s
        states_log(f"{found.session}: {found.size_bytes} bytes came from {self._store.where} in {took_s:.2f} s")
        self._sent_away.discard(found.session)
        self._rates.keep(state_rates())
        if not self._settings.copies:
            async with asyncio.timeout(LIST_S):
                await self._store.delete(found.name)

    def carry_soon(self) -> None:
        """Send what waits to be sent, beside everything else."""
        if self._carrying is None or self._carrying.done():
            self._carrying = asyncio.create_task(self._carry())

    async def settled(self) -> None:
        """Once nothing is being sent; cancelling this does not stop it."""
        if self._carrying:
            await asyncio.wait([self._carrying])

    async def _carry(self) -> None:
        sending = Sending(self._store, self._rates, self._identity, self._settings.max_bytes)
        self._sent_away |= await sending.everything()
        self._rates.keep(state_rates())


def _taken_back(session: str) -> bool:
    """Whether ``session``'s state had not gone yet, and is where engines look again."""
    waiting = [] if local_states(parked_folder(), session) else local_states(leaving_folder(), session)
    for path in waiting:
        os.replace(path, parked_folder() / path.name)
    return bool(waiting)


def _size_of(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _copy(session: str) -> None:
    """Have a copy sent of what is on the disk: a file with a state is never changed, so a second name is one."""
    with contextlib.suppress(OSError):
        leaving_folder().mkdir(mode=0o700, parents=True, exist_ok=True)
        for path in local_states(parked_folder(), session):
            target = leaving_folder() / path.name
            target.unlink(missing_ok=True)
            os.link(path, target)

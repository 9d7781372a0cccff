"""Sends what engines put aside to the place behind the disk, as long as there is room and computing it again costs more."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from edgeagent.errors import EdgeAgentError
from edgeagent.folders import APART_SUFFIX, FORGET_SUFFIX, MEMO_SUFFIX, STATE_SUFFIX, leaving_folder, parked_folder
from edgeagent.state_store.log import states_log
from edgeagent.state_store.port import SEALED_SUFFIX, StateStore, Stored
from edgeagent.state_store.rates import Rates
from edgeagent.state_store.sealing import seal
from edgeagent.teleport.sealing import Identity
from edgeagent_models.retention import to_go
from edgeagent_models.state_header import made_with

ANSWER_S = 10.0
"""For the place to list or remove something."""
PUT_S = 120.0
"""For one state."""


@dataclass
class Sending:
    """One go at what lies in the folder. Of several processes one does it, and the others leave it to that one."""

    store: StateStore
    rates: Rates
    identity: Identity
    max_bytes: int

    async def everything(self) -> set[str]:
        """Send and forget all that is there; the sessions whose states are behind the disk now.

        Ends where the place does not answer: what is left waits.
        """
        sent: set[str] = set()
        with _alone() as alone:
            for path in sorted(leaving_folder().iterdir()) if alone else ():
                try:
                    if path.suffix == FORGET_SUFFIX:
                        await self._forget(path)
                    elif path.suffix in (STATE_SUFFIX, APART_SUFFIX) and await self._send(path):
                        sent.add(path.stem)
                except FileNotFoundError:
                    continue  # its session has taken it back meanwhile
                except RuntimeError:
                    break  # the interpreter is about to end, and starts no threads any more
                except (EdgeAgentError, TimeoutError, OSError) as error:
                    states_log(f"{path.stem}: waits, {self.store.where} did not take it: {said(error)}")
                    break
        return sent

    async def _forget(self, path: Path) -> None:
        async with asyncio.timeout(ANSWER_S):
            for one in await self.store.all(path.stem):
                await self.store.delete(one.name)
        os.unlink(path)

    async def _send(self, path: Path) -> bool:
        going = await asyncio.to_thread(_wanted, path)
        if going is None:
            return False
        if self.rates.too_slow("there", going.size_bytes, going.fingerprint, going.cost_tokens):
            size, where = going.size_bytes, self.store.where
            states_log(f"{going.session}: not sent, computing it again takes less than {size} bytes to {where}")
            os.unlink(path)
            return False
        with path.open("rb") as meant:
            sealed = path.with_name(f".{path.name}{SEALED_SUFFIX}")
            try:
                going = await asyncio.to_thread(self._sealed, going, path, sealed)
                kept = await self._put(going, sealed)
            finally:
                with contextlib.suppress(OSError):
                    os.unlink(sealed)
            if os.path.samestat(os.fstat(meant.fileno()), os.stat(path)):  # else a newer one waits by now
                os.unlink(path)
        return kept

    def _sealed(self, going: Stored, path: Path, sealed: Path) -> Stored:
        sealed.unlink(missing_ok=True)  # of a process that was killed
        memo = parked_folder() / f"{going.session}{MEMO_SUFFIX}"
        seal(path, memo, sealed, going.session, going.fingerprint, self.identity)
        return replace(going, size_bytes=sealed.stat().st_size)

    async def _put(self, going: Stored, sealed: Path) -> bool:
        """Whether there was room for it."""
        async with asyncio.timeout(ANSWER_S):
            there = await self.store.all()
        others = [one for one in there if one.session != going.session]
        making_room = to_go([*others, going], self.max_bytes, time.time())
        if going in making_room:
            states_log(f"{going.session}: not sent, what is at {self.store.where} is worth more than it")
            return False
        for one in making_room:
            async with asyncio.timeout(ANSWER_S):
                await self.store.delete(one.name)
        began_s = time.perf_counter()
        try:
            async with asyncio.timeout(PUT_S):
                await self.store.put(going.name, sealed)
        except TimeoutError:
            self.rates.moved("there", going.size_bytes, PUT_S)
            raise
        took_s = time.perf_counter() - began_s
        self.rates.moved("there", going.size_bytes, took_s)
        states_log(f"{going.session}: {going.size_bytes} bytes went to {self.store.where} in {took_s:.2f} s")
        for one in there:
            if one.session == going.session and one.name != going.name:
                async with asyncio.timeout(ANSWER_S):
                    await self.store.delete(one.name)
        return True


def _wanted(path: Path) -> Stored | None:
    """The state in ``path``; None, and removed, where nobody wants it any more."""
    made = made_with(path)
    if made is None or made.expires_s <= time.time() or not made.hints.priority:
        path.unlink()
        return None
    return Stored.from_disk(path, made)


def said(error: BaseException) -> str:
    """``error`` for a line of the log."""
    if isinstance(error, TimeoutError):
        return "it took too long"
    hint = getattr(error, "hint", "")
    return f"{error}; {hint}" if hint else str(error)


@contextmanager
def _alone() -> Generator[bool]:
    """Whether no other process sends now; meanwhile none begins."""
    if not leaving_folder().is_dir():
        yield False
        return
    fd = os.open(leaving_folder() / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield True
    except BlockingIOError:
        yield False
    finally:
        os.close(fd)

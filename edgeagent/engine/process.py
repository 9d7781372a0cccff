"""One engine process: spawned on a socketpair, many requests under way at once, each answered by its id."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import signal
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import msgspec

from edgeagent.engine.failures import raised
from edgeagent.errors import EngineError, EngineLost
from edgeagent.supervising import environment_for_children
from edgeagent_harness.protocol.wire import HEADER, WireError, body_length, pack
from edgeagent_models.protocol import (
    MAX_ENGINE_MESSAGE_BYTES,
    Abort,
    Delta,
    EngineFailed,
    EngineReply,
    EngineRequest,
    Shutdown,
)

EngineKind: TypeAlias = Literal["llama", "embedded", "chat-handler", "server"]
"""The last two are other programs that the step benchmark compares with."""
_PEERS = ("chat-handler", "server")
OnDelta: TypeAlias = Callable[[str], None]
SHUTDOWN_S = 3.0
KEPT_STDERR_BYTES = 4096
_DECODER = msgspec.msgpack.Decoder(EngineReply)


@dataclass(slots=True)
class _Waiting:
    answer: asyncio.Future[EngineReply]
    on_delta: OnDelta | None


class EngineProcess:
    """A running engine. Start it with `start`; a process that dies fails every request under way with `EngineLost`."""

    def __init__(
        self, process: asyncio.subprocess.Process, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:  # fmt: skip
        self._process = process
        self._reader = reader
        self._writer = writer
        self._ids = itertools.count(1)
        self._waiting: dict[int, _Waiting] = {}
        self._stderr = b""
        self._lost: EngineLost | None = None
        self._tasks = [asyncio.create_task(self._read_replies()), asyncio.create_task(self._read_stderr())]

    @classmethod
    async def start(cls, kind: EngineKind) -> EngineProcess:
        """Spawn an engine of ``kind``."""
        ours, theirs = socket.socketpair()
        with theirs:
            # -P: a file in the current directory must not stand in for a module of the engine.
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-P", "-m", _module(kind), "--engine", kind, "--fd", str(theirs.fileno()),
                pass_fds=[theirs.fileno()], stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE, start_new_session=True, env=_environment(),
            )  # fmt: skip
        reader, writer = await asyncio.open_connection(sock=ours)
        return cls(process, reader, writer)

    @property
    def pid(self) -> int:
        return self._process.pid

    async def request(self, request: EngineRequest, on_delta: OnDelta | None = None) -> EngineReply:
        """Send ``request`` (its id is set here) and wait for the answer; cancelling this aborts it in the engine.

        Raises what `edgeagent.engine.failures` makes of an `EngineFailed`, and `EngineLost` when the process dies.
        """
        if self._lost:
            raise self._lost
        number = next(self._ids)
        try:
            data = pack(msgspec.structs.replace(request, id=number), MAX_ENGINE_MESSAGE_BYTES)
        except WireError as error:
            raise EngineError(f"the request is too large for the engine: {error}") from error
        waiting = _Waiting(asyncio.get_running_loop().create_future(), on_delta)
        self._waiting[number] = waiting
        try:
            await self._send(data)
            reply = await waiting.answer
        except asyncio.CancelledError:
            # Not waited for: an engine that hangs reads nothing, and whoever cancels is in a hurry.
            self._writer.write(pack(Abort(0, number)))
            raise
        finally:
            self._waiting.pop(number, None)
        if isinstance(reply, EngineFailed):
            raise raised(reply)
        return reply

    async def close(self) -> None:
        """End the process, kindly first; returns when it is gone."""
        try:
            await asyncio.wait_for(self.request(Shutdown(0)), SHUTDOWN_S)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
        except EngineError:
            pass  # it is gone already
        self._writer.close()
        try:
            await asyncio.wait_for(self._process.wait(), SHUTDOWN_S)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _send(self, data: bytes) -> None:
        # The reading task notices a dead process and fails every request with the reason.
        with contextlib.suppress(ConnectionError):
            self._writer.write(data)
            await self._writer.drain()

    async def _read_replies(self) -> None:
        try:
            while True:
                header = await self._reader.readexactly(HEADER.size)
                body = await self._reader.readexactly(body_length(header, MAX_ENGINE_MESSAGE_BYTES))
                self._deliver(_DECODER.decode(body))
        except (asyncio.IncompleteReadError, ConnectionError):
            await self._lose("")
        except (WireError, msgspec.MsgspecError) as error:
            self._process.kill()
            await self._lose(f"it sent an invalid reply ({error})")

    def _deliver(self, reply: EngineReply) -> None:
        waiting = self._waiting.get(reply.id)
        if waiting is None:
            return
        if isinstance(reply, Delta):
            if waiting.on_delta:
                waiting.on_delta(reply.text)
        elif not waiting.answer.done():
            waiting.answer.set_result(reply)

    async def _lose(self, why: str) -> None:
        """The process is gone, or as good as gone: fail what is under way."""
        try:
            code = await asyncio.wait_for(self._process.wait(), SHUTDOWN_S)
        except TimeoutError:
            self._process.kill()
            code = await self._process.wait()
        words = self._stderr.decode("utf-8", "replace").strip().splitlines()
        last_words = f": {words[-1]}" if words else ""
        self._lost = EngineLost(f"the engine's process {self.pid} died, {why or _how(code)}{last_words}")
        for waiting in self._waiting.values():
            if not waiting.answer.done():
                waiting.answer.set_exception(self._lost)

    async def _read_stderr(self) -> None:
        assert self._process.stderr is not None
        while data := await self._process.stderr.read(KEPT_STDERR_BYTES):
            self._stderr = (self._stderr + data)[-KEPT_STDERR_BYTES:]


def _module(kind: EngineKind) -> str:
    return "edgeagent_models.peers" if kind in _PEERS else "edgeagent_models.serve"


def _environment() -> dict[str, str]:
    """Ours without secrets, with OpenMP's idle threads asleep: spinning ones starve everything else on a small machine."""
    return {**environment_for_children(), "OMP_WAIT_POLICY": "PASSIVE"}


def _how(code: int) -> str:
    if code >= 0:
        return f"exit status {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"

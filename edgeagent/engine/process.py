"""One engine process: spawned on a socketpair, asked over a `Channel`."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import sys
from typing import Literal, TypeAlias

from edgeagent.children import environment_for_children
from edgeagent.engine.channel import Channel, OnDelta
from edgeagent.errors import EngineError, EngineLost
from edgeagent_models.protocol import EngineReply, EngineRequest, Shutdown

EngineKind: TypeAlias = Literal["llama", "embedded", "chat-handler", "server"]
"""The last two are other programs that the step benchmark compares with."""
_PEERS = ("chat-handler", "server")
OPENMP = {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "1000"}
"""A thread that waits for the others looks so many times, some 20 us, then sleeps: threads that sleep between any two operations
of a graph eat up what a second core gains, and those that spin on starve everything else on a small machine."""
SHUTDOWN_S = 3.0
KEPT_STDERR_BYTES = 4096


class EngineProcess:
    """A running engine. Start it with `start`; a process that dies fails every request under way with `EngineLost`."""

    def __init__(
        self, process: asyncio.subprocess.Process, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:  # fmt: skip
        self._process = process
        self._stderr = b""
        self._channel = Channel(reader, writer, self._lost)
        self._reading = asyncio.create_task(self._read_stderr())

    @classmethod
    async def start(cls, kind: EngineKind) -> EngineProcess:
        """Spawn an engine of ``kind``."""
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                # -P: a file in the current directory must not stand in for a module of the engine.
                process = await asyncio.create_subprocess_exec(
                    sys.executable, "-P", "-m", _module(kind), "--engine", kind, "--fd", str(theirs.fileno()),
                    pass_fds=[theirs.fileno()], stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL,
                    stderr=asyncio.subprocess.PIPE, start_new_session=True, env=_environment(),
                )  # fmt: skip
            reader, writer = await asyncio.open_connection(sock=ours)
        except BaseException:
            ours.close()  # a process that was started ends when this does
            raise
        return cls(process, reader, writer)

    @property
    def pid(self) -> int:
        return self._process.pid

    async def request(self, request: EngineRequest, on_delta: OnDelta | None = None) -> EngineReply:
        """See `Channel.request`."""
        return await self._channel.request(request, on_delta)

    async def close(self) -> None:
        """End the process, kindly first; returns when it is gone."""
        try:
            await asyncio.wait_for(self.request(Shutdown(0)), SHUTDOWN_S)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
        except EngineError:
            pass  # it is gone already
        self._channel.hang_up()
        try:
            await asyncio.wait_for(self._process.wait(), SHUTDOWN_S)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
        await self._channel.close()
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)

    async def _lost(self, why: str) -> EngineLost:
        """The process is gone, or to go because of ``why``: what is told to all who wait."""
        if why:
            self._process.kill()
        try:
            code = await asyncio.wait_for(self._process.wait(), SHUTDOWN_S)
        except TimeoutError:
            self._process.kill()
            code = await self._process.wait()
        words = self._stderr.decode("utf-8", "replace").strip().splitlines()
        last_words = f": {words[-1]}" if words else ""
        return EngineLost(f"the engine's process {self.pid} died, {why or _how(code)}{last_words}")

    async def _read_stderr(self) -> None:
        assert self._process.stderr is not None
        while data := await self._process.stderr.read(KEPT_STDERR_BYTES):
            self._stderr = (self._stderr + data)[-KEPT_STDERR_BYTES:]


def _module(kind: EngineKind) -> str:
    return "edgeagent_models.peers" if kind in _PEERS else "edgeagent_models.serve"


def _environment() -> dict[str, str]:
    """Ours without secrets, with OpenMP's idle threads soon asleep."""
    return {**environment_for_children(), **OPENMP}


def _how(code: int) -> str:
    if code >= 0:
        return f"exit status {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"

"""Requests and replies over one stream: many under way at once, each answered by its id."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

import msgspec

from edgeagent.engine.failures import raised
from edgeagent.errors import EngineError, EngineLost
from edgeagent_harness.protocol.wire import HEADER, WireError, body_length, pack
from edgeagent_models.protocol import (
    MAX_ENGINE_MESSAGE_BYTES,
    Abort,
    Delta,
    EngineFailed,
    EngineReply,
    EngineRequest,
    EngineWasRestarted,
)

OnDelta: TypeAlias = Callable[[str], None]
_DECODER = msgspec.msgpack.Decoder(EngineReply)


async def receive(reader: asyncio.StreamReader) -> bytes:
    """The body of the next message. Raises `asyncio.IncompleteReadError` at the end, `WireError` for one that is too long."""
    header = await reader.readexactly(HEADER.size)
    return await reader.readexactly(body_length(header, MAX_ENGINE_MESSAGE_BYTES))


@dataclass(slots=True)
class _Waiting:
    answer: asyncio.Future[EngineReply]
    on_delta: OnDelta | None


class Channel:
    """One end of a stream to who answers. ``lost`` says, when it has ended, what became of them; its argument is why we ended
    it, empty where they did. ``restarted`` is told why an engine behind it was started again."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        lost: Callable[[str], Awaitable[EngineLost]],
        restarted: Callable[[str], None] = lambda why: None,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._ask_lost = lost
        self._restarted = restarted
        self._ids = itertools.count(1)
        self._waiting: dict[int, _Waiting] = {}
        self._lost: EngineLost | None = None
        self._reading = asyncio.create_task(self._read_replies())

    async def request(self, request: EngineRequest, on_delta: OnDelta | None = None) -> EngineReply:
        """Send ``request`` (its id is set here) and wait for the answer; cancelling this aborts it in the engine.

        Raises what `edgeagent.engine.failures` makes of an `EngineFailed`, and `EngineLost` when the stream ends.
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

    def hang_up(self) -> None:
        """Close our end."""
        self._writer.close()

    async def leave(self, timeout_s: float) -> None:
        """Ask for nothing more, and close once the other end has, or at the latest after ``timeout_s``."""
        with contextlib.suppress(OSError):
            self._writer.write_eof()
        await asyncio.wait([self._reading], timeout=timeout_s)
        await self.close()

    async def close(self) -> None:
        """Hang up and read no more."""
        self.hang_up()
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)
        with contextlib.suppress(ConnectionError):
            await self._writer.wait_closed()

    async def _send(self, data: bytes) -> None:
        # The reading task notices who is gone and fails every request with the reason.
        with contextlib.suppress(ConnectionError):
            self._writer.write(data)
            await self._writer.drain()

    async def _read_replies(self) -> None:
        try:
            while True:
                self._deliver(_DECODER.decode(await receive(self._reader)))
        except (asyncio.IncompleteReadError, ConnectionError):
            await self._lose("")
        except (WireError, msgspec.MsgspecError) as error:
            await self._lose(f"it sent an invalid reply ({error})")

    def _deliver(self, reply: EngineReply) -> None:
        if isinstance(reply, EngineWasRestarted):
            self._restarted(reply.why)
        waiting = self._waiting.get(reply.id)
        if waiting is None:
            return
        if isinstance(reply, Delta):
            if waiting.on_delta:
                waiting.on_delta(reply.text)
        elif not waiting.answer.done():
            waiting.answer.set_result(reply)

    async def _lose(self, why: str) -> None:
        """Nobody answers any more: fail what is under way."""
        self._lost = await self._ask_lost(why)
        for waiting in self._waiting.values():
            if not waiting.answer.done():
                waiting.answer.set_exception(self._lost)

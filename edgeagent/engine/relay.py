"""Lets runs in other processes (a backend's workers) have seats at the engines of this one, over a Unix socket.

A connection is one seat. It begins with `Take`, answered with `Ok` or `EngineFailed`, and then carries engine requests and their
replies as an engine's own socket does. It ends when either side closes it. Who may open the socket's folder may use it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import msgspec

from edgeagent.engine.channel import Channel, OnDelta, receive
from edgeagent.engine.failures import failure, raised
from edgeagent.engine.host import EngineHost, Restarted, Seat
from edgeagent.errors import EngineError, EngineLost
from edgeagent_harness.protocol.wire import WireError, pack
from edgeagent_models.protocol import (
    MAX_ENGINE_MESSAGE_BYTES,
    Abort,
    Delta,
    EngineFailed,
    EngineReply,
    EngineRequest,
    EngineWasRestarted,
    Load,
    Ok,
)

LEAVE_S = 10.0
"""For the engine to end, if this was its last seat."""


class Take(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a connection begins with: the model, and what the seat's sequence is to be called."""

    load: Load
    name: str


_TAKE = msgspec.msgpack.Decoder(Take)
_REQUEST = msgspec.msgpack.Decoder(EngineRequest)
_REPLY = msgspec.msgpack.Decoder(EngineReply)


class Relay:
    """Serves the seats of ``host`` at a socket in a folder of its own, from the first time that its `path` is asked for."""

    def __init__(self, host: EngineHost) -> None:
        self._host = host
        self._folder = ""
        self._server: asyncio.Server | None = None

    def path(self) -> str:
        """Where runs of other processes find their seats; give it to `RelayedSeats`."""
        path = os.path.join(self._folder or tempfile.mkdtemp(prefix="edgeagent-engines-"), "socket")
        if self._server is None:
            self._folder = os.path.dirname(path)
            self._server = self._host.wait(asyncio.start_unix_server(self._serve, path))
        return path

    def close(self) -> None:
        """Serve no more; who has a seat may keep it."""
        if self._server is not None:
            self._host.wait(_closed(self._server))
            self._server = None
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = ""

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _Guest(self._host, reader, writer).serve()


async def _closed(server: asyncio.Server) -> None:
    server.close()


class RelayedSeats:
    """The seats that another process serves at ``path``."""

    def __init__(self, path: str) -> None:
        self._path = path

    @asynccontextmanager
    async def taken(self, load: Load, restarted: Restarted, name: str = "") -> AsyncGenerator[Seat]:
        """See `Seats.taken`; ``name`` is needed. Raises `EngineLost` if nobody serves there."""
        try:
            reader, writer = await asyncio.open_unix_connection(self._path)
        except OSError as error:
            raise EngineLost(f"nobody shares an engine at {self._path}: {error.strerror}") from error
        try:
            writer.write(pack(Take(load, name), MAX_ENGINE_MESSAGE_BYTES))
            answer = _REPLY.decode(await receive(reader))
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            writer.close()
            raise EngineLost(_GONE) from error
        except BaseException:
            writer.close()
            raise
        if isinstance(answer, EngineFailed):
            writer.close()
            raise raised(answer)
        channel = Channel(reader, writer, _gone, restarted)
        try:
            yield _RelayedSeat(channel, name)
        finally:
            await channel.leave(LEAVE_S)


class _RelayedSeat:
    def __init__(self, channel: Channel, sequence: str) -> None:
        self.sequence = sequence
        self._channel = channel

    async def request(self, request: EngineRequest, on_delta: OnDelta | None = None) -> EngineReply:
        return await self._channel.request(request, on_delta)


class _Guest:
    """One connection, at the serving end."""

    def __init__(self, seats: EngineHost, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._seats = seats
        self._reader = reader
        self._writer = writer
        self._under_way: dict[int, asyncio.Task[None]] = {}

    async def serve(self) -> None:
        """Until the guest goes, or says what nobody understands."""
        try:
            take = _TAKE.decode(await receive(self._reader))
            async with self._seats.taken(take.load, self._tell_restart, take.name) as seat:
                self._say(Ok(0))
                await self._serve_at(seat)
        except EngineError as error:
            self._say(failure(0, error))
        except (asyncio.IncompleteReadError, ConnectionError, WireError, msgspec.MsgspecError):
            pass  # whoever had the seat is gone, or speaks nonsense: it is given up below
        finally:
            with contextlib.suppress(ConnectionError):
                await self._writer.drain()
            self._writer.close()

    async def _serve_at(self, seat: Seat) -> None:
        try:
            while True:
                request = _REQUEST.decode(await receive(self._reader))
                if isinstance(request, Abort):
                    if task := self._under_way.get(request.target):
                        task.cancel()
                else:
                    task = asyncio.create_task(self._answer(seat, request))
                    self._under_way[request.id] = task
                    task.add_done_callback(lambda _, number=request.id: self._under_way.pop(number))
        finally:
            tasks = list(self._under_way.values())
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _answer(self, seat: Seat, request: EngineRequest) -> None:
        number = request.id
        try:
            reply = await seat.request(request, lambda text: self._say(Delta(number, text)))
        except EngineError as error:
            self._say(failure(number, error))
            return
        self._say(msgspec.structs.replace(reply, id=number))

    def _tell_restart(self, why: str) -> None:
        self._say(EngineWasRestarted(0, why))

    def _say(self, reply: EngineReply) -> None:
        if not self._writer.is_closing():
            self._writer.write(pack(reply, MAX_ENGINE_MESSAGE_BYTES))


_GONE = "the process that shares its engines is gone"


async def _gone(why: str) -> EngineLost:
    return EngineLost(why or _GONE)

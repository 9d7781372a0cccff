"""Framed messages with descriptors over a unix stream socket, for asyncio. One reader and any number of senders."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import msgspec

from edgeagent_harness.protocol.stream import MAX_FDS, close_all
from edgeagent_harness.protocol.wire import HEADER, MAX_MESSAGE_BYTES, UNREADABLE, WireError, body_length, pack

T = TypeVar("T")
_CHUNK_BYTES = 64 * 1024


class Channel(Generic[T]):
    """Messages of type ``T`` come out; anything goes in. Owns its socket."""

    def __init__(
        self,
        sock: socket.socket,
        decoder: msgspec.msgpack.Decoder[T],
        max_bytes: int = MAX_MESSAGE_BYTES,
        max_fds: int = MAX_FDS,
    ) -> None:
        sock.setblocking(False)
        self._sock = sock
        self._decoder = decoder
        self._max_bytes = max_bytes
        self._max_fds = max_fds
        """Of the peer, not yet taken: one that sends more would use up this process's descriptors."""
        self._buffer = bytearray()
        self._fds: list[int] = []
        self._send_lock = asyncio.Lock()

    async def receive(self) -> T | None:
        """The next message, or None at the end of the stream. Raises `WireError` for anything else."""
        header = await self._exactly(HEADER.size)
        if header is None:
            return None
        body = await self._exactly(body_length(header, self._max_bytes))
        if body is None:
            raise WireError("stream ended between a message's length and its body")
        try:
            return self._decoder.decode(body)
        except UNREADABLE as error:
            raise WireError(f"unreadable message: {error}") from error

    def take_fds(self) -> list[int]:
        """Descriptors that came with the messages so far; the caller owns them now."""
        fds, self._fds = self._fds, []
        return fds

    async def send(self, message: msgspec.Struct, fds: Sequence[int] = ()) -> None:
        """Send ``message``; ``fds`` travel with its first byte. Raises OSError when the peer is gone."""
        data = memoryview(pack(message))
        loop = asyncio.get_running_loop()
        async with self._send_lock:
            if fds:
                while True:
                    try:
                        data = data[socket.send_fds(self._sock, [data], list(fds)) :]
                        break
                    except BlockingIOError:
                        await _ready(self._sock, loop.add_writer, loop.remove_writer)
            await loop.sock_sendall(self._sock, data)

    def close(self) -> None:
        close_all(self.take_fds())
        self._sock.close()

    async def _exactly(self, count: int) -> bytes | None:
        while len(self._buffer) < count:
            chunk = await self._read()
            if not chunk:
                if self._buffer:
                    raise WireError(f"stream ended after {len(self._buffer)} of {count} bytes")
                return None
            self._buffer += chunk
        data = bytes(self._buffer[:count])
        del self._buffer[:count]
        return data

    async def _read(self) -> bytes:
        loop = asyncio.get_running_loop()
        while True:
            try:
                chunk, fds, _, _ = socket.recv_fds(self._sock, _CHUNK_BYTES, MAX_FDS)
            except BlockingIOError:
                await _ready(self._sock, loop.add_reader, loop.remove_reader)
            except ConnectionResetError:
                return b""
            else:
                self._fds.extend(fds)
                if len(self._fds) > self._max_fds:
                    close_all(self.take_fds())
                    raise WireError(f"peer sent more than {self._max_fds} descriptors")
                return chunk


async def _ready(sock: socket.socket, add: Callable[..., None], remove: Callable[[socket.socket], bool]) -> None:
    """Wait until ``sock`` is readable or writable, as ``add`` watches for."""
    done = asyncio.get_running_loop().create_future()
    add(sock, lambda: done.done() or done.set_result(None))
    try:
        await done
    finally:
        remove(sock)

"""One end of a brokered connection: bytes read ahead, bytes counted."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable

_CHUNK_BYTES = 64 * 1024
_FLUSH_S = 2.0


class Peer:
    """A stream with what was read of it but not yet taken. ``received`` and ``sent`` hear of every byte."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        received: Callable[[int], None],
        sent: Callable[[int], None],
    ) -> None:
        self.pending = bytearray()
        self._reader = reader
        self._writer = writer
        self._received = received
        self._sent = sent

    @classmethod
    async def of(cls, sock: socket.socket, received: Callable[[int], None], sent: Callable[[int], None]) -> Peer:
        """A peer on the connected ``sock``, which it then owns."""
        reader, writer = await asyncio.open_connection(sock=sock)
        return cls(reader, writer, received, sent)

    async def more(self) -> bool:
        """Wait for more bytes and add them to ``pending``; False at the end of the stream."""
        chunk = await self._reader.read(_CHUNK_BYTES)
        self._received(len(chunk))
        self.pending += chunk
        return bool(chunk)

    def take(self, count: int | None = None) -> bytes:
        """The first ``count`` bytes of ``pending``, or all of it."""
        taken = bytes(self.pending[:count])
        del self.pending[: len(taken)]
        return taken

    async def send(self, data: bytes) -> None:
        """Send ``data``, waiting while the other side takes nothing."""
        self._writer.write(data)
        self._sent(len(data))
        await self._writer.drain()

    def finish(self) -> None:
        """No more will be sent; receiving goes on."""
        if self._writer.can_write_eof() and not self._writer.is_closing():
            self._writer.write_eof()

    async def flush(self) -> None:
        """Wait until everything is sent, however slowly the other side takes it."""
        self._writer.transport.set_write_buffer_limits(0)
        with contextlib.suppress(OSError):
            await self._writer.drain()

    async def close(self) -> None:
        """Send what is still to be sent, for a moment, and end it."""
        self._writer.close()
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(_FLUSH_S):
                await self._writer.wait_closed()
                return
        self.abort()

    def abort(self) -> None:
        """End it at once, whatever is still to be sent."""
        self._writer.transport.abort()

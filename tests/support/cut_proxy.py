"""A TCP proxy that damages what passes: cuts connections after some bytes, or flips one."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field


@dataclass
class CutProxy:
    """Forwards to ``port`` on loopback; use as an async context manager."""

    port: int
    rng: random.Random
    cut_after: int = -1
    """Bytes from now on, over all connections and both ways; then every connection is cut, once. -1: none."""
    flip_at: int = -1
    """This byte from now on (client to server) is changed. -1: none."""
    listening: int = 0
    _writers: set[asyncio.StreamWriter] = field(default_factory=set[asyncio.StreamWriter])

    async def __aenter__(self) -> CutProxy:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.listening)
        self.listening = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for writer in list(self._writers):
            writer.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            onward = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            writer.close()
            return
        self._writers |= {writer, onward[1]}
        try:
            await asyncio.gather(self._pump(reader, onward[1], True), self._pump(onward[0], writer, False))
        finally:
            for one in (writer, onward[1]):
                self._writers.discard(one)
                one.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, out: bool) -> None:
        try:
            while data := await reader.read(4096):
                data = self._damaged(data, out)
                writer.write(data)
                await writer.drain()
            if writer.can_write_eof():
                writer.write_eof()
        except OSError:  # a killed server resets: the other side is told, not left waiting
            writer.transport.abort()

    def _damaged(self, data: bytes, out: bool) -> bytes:
        if out and self.flip_at >= 0:
            if self.flip_at < len(data):
                changed = bytearray(data)
                changed[self.flip_at] ^= 0xFF
                data, self.flip_at = bytes(changed), -1
            else:
                self.flip_at -= len(data)
        if self.cut_after >= 0:
            if self.cut_after < len(data):
                data, self.cut_after = data[: self.cut_after], -1
                for writer in list(self._writers):
                    writer.transport.abort()
            else:
                self.cut_after -= len(data)
        return data

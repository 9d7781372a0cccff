"""The way out of the sandbox: 127.0.0.1:3128 inside, the egress broker's socket behind it. A byte pump that understands nothing.

Started by init as ``python -m edgeagent_harness.inside.bridge READY_FD FILTER_FD`` where the policy has an allowlist. Whoever
takes it over gains nothing: it can open no file, start no program, and reach nothing but what every application reaches through
it.
"""

from __future__ import annotations

import asyncio
import os
import sys
from typing import cast

from edgeagent_harness.inside import landlock, tighten
from edgeagent_harness.inside.way_out import ADDRESS, BROKER

_CONNECTIONS = 256
"""At once, as many as the broker takes; further ones are closed."""
_BUFFERED_BYTES = 256 * 1024


class End(asyncio.Protocol):
    """One end of a bridged connection: what it receives, its peer sends."""

    def __init__(self) -> None:
        self.peer: End | None = None
        self.finished = False
        self._early = bytearray()
        """What came before there was a peer: some versions of asyncio read once more after `pause_reading`."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.set_write_buffer_limits(_BUFFERED_BYTES)

    def data_received(self, data: bytes) -> None:
        if self.peer:
            self.peer.transport.write(data)
        else:
            self._early += data

    def join(self, peer: End) -> None:
        """From now on what one of the two receives, the other sends."""
        self.peer, peer.peer = peer, self
        peer.transport.write(bytes(self._early))
        if self.finished:
            peer.transport.write_eof()

    def eof_received(self) -> bool:
        """Pass on that one direction is over; the connection stays while the other is not."""
        self.finished = True
        if self.peer and not self.peer.transport.is_closing():
            self.peer.transport.write_eof()
        return self.peer is None or not self.peer.finished

    def connection_lost(self, exc: Exception | None) -> None:
        if self.peer is None:
            return
        if exc:
            self.peer.transport.abort()
        else:
            self.peer.transport.close()

    def pause_writing(self) -> None:
        if self.peer and not self.peer.transport.is_closing():
            self.peer.transport.pause_reading()

    def resume_writing(self) -> None:
        if self.peer and not self.peer.transport.is_closing():
            self.peer.transport.resume_reading()


class Entrance(End):
    """The end of an application, which waits until the broker's end is there."""

    open_now = 0
    """Connections at this moment."""

    def __init__(self) -> None:
        super().__init__()
        self._dialling: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        Entrance.open_now += 1
        if Entrance.open_now > _CONNECTIONS:
            self.transport.abort()
            return
        self.transport.pause_reading()
        self._dialling = asyncio.get_running_loop().create_task(self._dial())

    def connection_lost(self, exc: Exception | None) -> None:
        Entrance.open_now -= 1
        super().connection_lost(exc)

    async def _dial(self) -> None:
        try:
            _, peer = await asyncio.get_running_loop().create_unix_connection(End, BROKER)
        except OSError:
            self.transport.abort()
            return
        if self.transport.is_closing():
            peer.transport.close()
        else:
            self.join(peer)
            self.transport.resume_reading()


async def _serve(ready_fd: int, program: bytes) -> None:
    server = await asyncio.get_running_loop().create_server(Entrance, *ADDRESS)
    tighten.hide_memory()
    if abi := landlock.abi_version():
        landlock.restrict((), abi)
    tighten.install_filter(program)
    os.write(ready_fd, b"ready\n")
    os.close(ready_fd)
    await server.serve_forever()


def main() -> None:
    """Serve until killed: the bridge ends with the sandbox."""
    ready_fd, filter_fd = (int(word) for word in sys.argv[1:3])
    with open(filter_fd, "rb") as stream:
        stream.seek(0)
        program = stream.read()
    asyncio.run(_serve(ready_fd, program))


if __name__ == "__main__":
    main()

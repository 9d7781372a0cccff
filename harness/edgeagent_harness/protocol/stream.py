"""Blocking framed messages with descriptors over a unix stream socket: for processes that have no event loop."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from typing import Generic, TypeVar

import msgspec

from edgeagent_harness.protocol.wire import HEADER, MAX_MESSAGE_BYTES, UNREADABLE, WireError, body_length, pack

T = TypeVar("T")
MAX_FDS = 8


def send(sock: socket.socket, message: msgspec.Struct, fds: Sequence[int] = ()) -> None:
    """Send ``message``; ``fds`` travel with its first byte."""
    data = memoryview(pack(message))
    if fds:
        data = data[socket.send_fds(sock, [data], list(fds)) :]
    sock.sendall(data)


class Receiver(Generic[T]):
    """Reads messages of one type, and the descriptors that came with them, from a blocking socket."""

    def __init__(self, sock: socket.socket, decoder: msgspec.msgpack.Decoder[T], max_bytes: int = MAX_MESSAGE_BYTES) -> None:
        self._sock = sock
        self._decoder = decoder
        self._max_bytes = max_bytes

    def receive(self) -> tuple[T, list[int]] | None:
        """The next message, or None at the end of the stream. Raises `WireError` for anything else."""
        fds: list[int] = []
        header = self._exactly(HEADER.size, fds)
        if not header:
            return None
        body = self._exactly(body_length(header, self._max_bytes), fds)
        try:
            return self._decoder.decode(body), fds
        except UNREADABLE as error:
            close_all(fds)
            raise WireError(f"unreadable message: {error}") from error

    def _exactly(self, count: int, fds: list[int]) -> bytes:
        data = bytearray()
        while len(data) < count:
            chunk, received, _, _ = socket.recv_fds(self._sock, count - len(data), MAX_FDS)
            fds.extend(received)
            if not chunk:
                if data:
                    raise WireError(f"stream ended after {len(data)} of {count} bytes")
                return b""
            data += chunk
        return bytes(data)


def close_all(fds: Sequence[int]) -> None:
    """Close each of ``fds``."""
    for fd in fds:
        os.close(fd)

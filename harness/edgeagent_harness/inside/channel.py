"""The executor's end of the control socket: framed messages in, framed replies out, never blocking on a read."""

from __future__ import annotations

import socket
from collections import deque

import msgspec

from edgeagent_harness.protocol.executor_wire import (
    MAX_EXECUTOR_MESSAGE_BYTES,
    Cancel,
    ExecutorReply,
    ExecutorRequest,
    Grab,
    Held,
    ReleaseAll,
)
from edgeagent_harness.protocol.wire import HEADER, body_length, pack

_READ_BYTES = 64 * 1024


class Disconnected(Exception):
    """The supervisor closed its end."""


class Channel:
    """Requests from the supervisor. Read what is there with `receive`, then `take` them one by one."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._buffer = bytearray()
        self._decoder = msgspec.msgpack.Decoder[ExecutorRequest](ExecutorRequest)
        self._waiting: deque[ExecutorRequest] = deque()

    def fileno(self) -> int:
        return self._socket.fileno()

    def receive(self) -> None:
        """Read what lies ready. Raises `Disconnected`, `WireError` (length beyond the cap) or `msgspec.ValidationError`."""
        while True:
            try:
                data = self._socket.recv(_READ_BYTES, socket.MSG_DONTWAIT)
            except BlockingIOError:
                break
            except ConnectionError as error:
                raise Disconnected from error
            if not data:
                raise Disconnected
            self._buffer += data
        self._split()

    def _split(self) -> None:
        while len(self._buffer) >= HEADER.size:
            end = HEADER.size + body_length(bytes(self._buffer[: HEADER.size]), MAX_EXECUTOR_MESSAGE_BYTES)
            if len(self._buffer) < end:
                return
            body = bytes(self._buffer[HEADER.size : end])
            del self._buffer[:end]
            self._waiting.append(self._decoder.decode(body))

    def take(self) -> ExecutorRequest | None:
        """The oldest request, or None."""
        return self._waiting.popleft() if self._waiting else None

    def take_overtaking(self) -> Cancel | ReleaseAll | Held | Grab | None:
        """The oldest request that need not wait for the action under way; others keep their order."""
        for request in self._waiting:
            if isinstance(request, Cancel | ReleaseAll | Held | Grab):
                self._waiting.remove(request)
                return request
        return None

    def send(self, reply: ExecutorReply) -> None:
        """Send ``reply`` whole. Raises `Disconnected`."""
        try:
            self._socket.sendall(pack(reply, MAX_EXECUTOR_MESSAGE_BYTES))
        except ConnectionError as error:
            raise Disconnected from error

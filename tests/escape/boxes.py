"""Starts sandboxes for the suite: the product's supervisor as a process, spoken with over its socket."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from edgeagent_harness.protocol import messages, stream

R = TypeVar("R")


class Box:
    """The app's end of one supervisor."""

    def __init__(self, sock: socket.socket, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self.notices: list[messages.Reply] = []
        self._sock = sock
        self._receiver = stream.Receiver(sock, msgspec.msgpack.Decoder(messages.Reply))
        self._ids = iter(range(1, 1_000_000))
        sock.settimeout(40)

    def ask(self, kind: type[Any], expected: type[R], **fields: Any) -> R:
        """Send a request of ``kind``; returns its reply. Notices that come before it are kept."""
        request = kind(next(self._ids), **fields)
        stream.send(self._sock, request)
        while True:
            reply = self.next()
            if getattr(reply, "id", None) == request.id:
                assert isinstance(reply, expected), reply
                return reply
            self.notices.append(reply)

    def next(self) -> messages.Reply:
        """The next message, whatever it is. Raises EOFError."""
        received = self._receiver.receive()
        if received is None:
            raise EOFError("the supervisor closed its socket")
        stream.close_all(received[1])
        return received[0]

    def next_notice(self, kind: type[R]) -> R:
        """The next notice of ``kind``, which may have come already."""
        while True:
            notice = self.notices.pop(0) if self.notices else self.next()
            if isinstance(notice, kind):
                return notice

    def start(self, spec: messages.DesktopSpec) -> messages.Started:
        self.ask(messages.Hello, messages.Welcome)
        return self.ask(messages.Start, messages.Started, spec=spec)

    def close(self) -> None:
        """End the sandbox and the supervisor."""
        with contextlib.suppress(OSError, EOFError):
            self.ask(messages.Close, messages.Done)
        self._sock.close()
        self.process.wait(20)


@contextlib.contextmanager
def supervisor(hijacked: Path | None = None, leaked: Sequence[int] = (), uid: int | None = None, **env: str) -> Iterator[Box]:
    """A supervisor that waits for `Box.start`. ``leaked``: descriptors that it inherits although it should not."""
    ours, theirs = socket.socketpair()
    fd = str(theirs.fileno())
    argv = [sys.executable, "-P", "-m", "edgeagent_harness.outside", "serve", "--fd", fd]
    if hijacked:
        argv = [sys.executable, "-P", "-m", "escape.hijack", fd, str(hijacked)]
    environment = {**os.environ, "PYTHONPATH": ":".join(filter(None, sys.path)), **env}
    who: dict[str, Any] = {} if uid is None else {"user": uid, "group": uid, "extra_groups": []}
    process: subprocess.Popen[Any] = subprocess.Popen(
        argv, pass_fds=(theirs.fileno(), *leaked), env=environment, stdin=subprocess.DEVNULL, cwd="/", **who
    )
    theirs.close()
    box = Box(ours, process)
    try:
        yield box
    finally:
        box.close()

"""Requests to a supervisor over its socket, each matched with its reply, and notices as they come."""

from __future__ import annotations

import asyncio
import itertools
import socket
from collections.abc import Callable, Sequence
from typing import TypeVar

import msgspec

from edgeagent import errors
from edgeagent_harness.protocol import audit, messages
from edgeagent_harness.protocol.channel import Channel
from edgeagent_harness.protocol.wire import WireError

R = TypeVar("R", bound=messages.Reply)

_ERRORS: dict[str, type[errors.EdgeAgentError]] = {
    "usage": errors.UsageError,
    "environment": errors.SandboxRefused,
    "desktop_lost": errors.DesktopLost,
    "violation": errors.PolicyStopped,
    "stopped": errors.StoppedAtDesktop,
    "protocol": errors.DesktopError,
    "internal": errors.DesktopError,
}


class Connection:
    """One supervisor. After its end every request raises `DesktopLost` with the reason."""

    def __init__(
        self,
        sock: socket.socket,
        on_exited: Callable[[messages.ApplicationExited], None],
        on_audited: Callable[[audit.Entry], None],
    ) -> None:
        decoder: msgspec.msgpack.Decoder[messages.Reply] = msgspec.msgpack.Decoder(messages.Reply)
        self._channel: Channel[messages.Reply] = Channel(sock, decoder)
        self._on_exited = on_exited
        self._on_audited = on_audited
        self._ids = itertools.count(1)
        self._pending: dict[int, asyncio.Future[messages.Reply]] = {}
        self.lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        """Resolved with the reason once the desktop is gone."""
        self._loss: errors.EdgeAgentError = errors.DesktopLost("the desktop is gone")
        self._reader = asyncio.create_task(self._read())

    def new_id(self) -> int:
        """An id for the next request."""
        return next(self._ids)

    async def request(self, request: messages.Request, expected: type[R], fds: Sequence[int] = ()) -> R:
        """Send ``request`` with ``fds`` and await its reply. A supervisor's `Failed` is raised as the error that it names."""
        if self.lost.done():
            raise self._loss
        answer: asyncio.Future[messages.Reply] = asyncio.get_running_loop().create_future()
        self._pending[request.id] = answer
        try:
            await self._channel.send(request, fds)
            reply = await answer
        except (BrokenPipeError, ConnectionResetError) as error:
            raise self._loss if self.lost.done() else errors.DesktopLost("the sandbox's supervisor is gone") from error
        finally:
            self._pending.pop(request.id, None)
        if isinstance(reply, messages.Failed):
            raise _ERRORS[reply.code](reply.message)
        if not isinstance(reply, expected):
            raise errors.DesktopError(f"the supervisor answered {type(request).__name__} with {type(reply).__name__}")
        return reply

    def take_fds(self) -> list[int]:
        """Descriptors that came with the replies so far."""
        return self._channel.take_fds()

    async def close(self) -> None:
        """Give back the socket; the supervisor ends itself and the sandbox at the latest now."""
        self._reader.cancel()
        await asyncio.gather(self._reader, return_exceptions=True)
        self._lose(errors.DesktopLost("the desktop was closed"))
        self._channel.close()

    async def _read(self) -> None:
        loss: errors.EdgeAgentError = errors.DesktopLost("the sandbox's supervisor ended")
        try:
            while (reply := await self._channel.receive()) is not None:
                self._handle(reply)
        except WireError as error:
            loss = errors.DesktopLost(f"the sandbox's supervisor sent {error}")
        except errors.RecordingError as error:  # nothing goes on that cannot be audited
            loss = error
        self._lose(loss)

    def _handle(self, reply: messages.Reply) -> None:
        match reply:
            case messages.DesktopLost(reason=reason, by_user=True):
                self._lose(errors.StoppedAtDesktop(reason))
            case messages.DesktopLost(reason=reason, violation=violation):
                self._lose(errors.PolicyStopped(reason) if violation else errors.DesktopLost(reason))
            case messages.ApplicationExited():
                self._on_exited(reply)
            case messages.Audited(entry=entry):
                self._on_audited(entry)
            case _:
                answer = self._pending.get(reply.id)
                if answer and not answer.done():
                    answer.set_result(reply)

    def _lose(self, loss: errors.EdgeAgentError) -> None:
        if not self.lost.done():
            self._loss = loss
            self.lost.set_result(str(loss))
        for answer in self._pending.values():
            if not answer.done():
                answer.set_exception(self._loss)

"""Starts an egress broker as a process of its own and speaks with it: the supervisor for a sandbox, the app for itself."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from edgeagent_harness.errors import EnvironmentLacks, HarnessError
from edgeagent_harness.policy.types import Endpoint
from edgeagent_harness.protocol import egress_wire
from edgeagent_harness.protocol.audit import Connection
from edgeagent_harness.protocol.channel import Channel
from edgeagent_harness.protocol.wire import WireError

_START_TIMEOUT_S = 10.0
_END_TIMEOUT_S = 2.0
_BACKLOG = 128
_COMMAND = (sys.executable, "-P", "-m", "edgeagent_harness.outside.egress")


class EgressBroker:
    """Made by `start`, ended by `close`. Clients connect to `socket_path`, which speaks HTTP (a proxy's) and SOCKS5."""

    def __init__(self, process: subprocess.Popen[bytes], control: socket.socket, directory: Path) -> None:
        self._process = process
        decoder: msgspec.msgpack.Decoder[egress_wire.Reply] = msgspec.msgpack.Decoder(egress_wire.Reply)
        self._control_socket = control
        self._control = Channel(control, decoder)
        self._directory = directory
        self._ids = itertools.count(1)
        self._pending: dict[int, asyncio.Future[int]] = {}
        self._serving: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._reader: asyncio.Task[None] | None = None
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done once the broker has ended, whyever."""

    @property
    def socket_path(self) -> Path:
        """Where it listens; only this user can reach it."""
        return self._directory / "proxy.sock"

    @property
    def pid(self) -> int:
        """The broker's process."""
        return self._process.pid

    @classmethod
    async def start(
        cls, settings: egress_wire.Configure, on_listed: Callable[[Connection], None], command: Sequence[str] = _COMMAND
    ) -> EgressBroker:
        """A broker that will serve as ``settings`` say; ``on_listed`` hears of each connection.

        Clients may connect at once, and are served as soon as it is up (see `serving`).
        """
        directory = Path(tempfile.mkdtemp(prefix="edgeagent-egress-"))
        ours, theirs = socket.socketpair()
        with theirs, socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(directory / "proxy.sock"))
            listener.listen(_BACKLOG)
            fds = (theirs.fileno(), listener.fileno())
            process = _spawn(command, fds)
        broker = cls(process, ours, directory)
        broker._reader = asyncio.create_task(broker._read(on_listed))
        try:
            with contextlib.suppress(OSError):
                await broker._control.send(settings)
        except BaseException:  # cancelled: nobody else knows of its process
            await broker.close()
            raise
        return broker

    async def serving(self) -> None:
        """Wait until it is up. Raises `EnvironmentLacks`."""
        await asyncio.wait([self._serving, self.gone], timeout=_START_TIMEOUT_S, return_when=asyncio.FIRST_COMPLETED)
        if not self._serving.done():
            await self.close()
            raise EnvironmentLacks("the egress broker did not start; what it printed stands above")

    async def replace(self, endpoints: tuple[Endpoint, ...]) -> int:
        """Let ``endpoints`` hold instead of the former; returns how many connections that closed. Raises `BrokerGone`."""
        return await self._ask(egress_wire.Replace(next(self._ids), endpoints))

    async def allow(self, endpoint: Endpoint) -> None:
        """Let ``endpoint`` be reached too, until the broker ends. Raises `BrokerGone`."""
        await self._ask(egress_wire.Allow(next(self._ids), endpoint))

    def hide(self) -> None:
        """Remove the socket's path; what has it open or mounted keeps it."""
        shutil.rmtree(self._directory, ignore_errors=True)

    async def close(self) -> None:
        """End it after it listed what was still open. Safe to call twice."""
        self.hide()
        with contextlib.suppress(OSError):
            self._control_socket.shutdown(socket.SHUT_WR)
        try:
            await asyncio.wait([self.gone], timeout=_END_TIMEOUT_S)
        finally:  # also where this is cancelled
            self._process.kill()
            self._process.wait()
            if self._reader:
                self._reader.cancel()
                await asyncio.gather(self._reader, return_exceptions=True)
            self._control.close()

    async def _ask(self, request: egress_wire.Replace | egress_wire.Allow) -> int:
        if self.gone.done():
            raise BrokerGone
        answer = self._pending[request.id] = asyncio.get_running_loop().create_future()
        try:
            await self._control.send(request)
            await asyncio.wait([answer, self.gone], return_when=asyncio.FIRST_COMPLETED)
        except OSError as error:
            raise BrokerGone from error
        finally:
            self._pending.pop(request.id, None)
        if not answer.done():
            raise BrokerGone
        return answer.result()

    async def _read(self, on_listed: Callable[[Connection], None]) -> None:
        try:
            while (reply := await self._control.receive()) is not None:
                match reply:
                    case egress_wire.Serving():
                        self._serving.set_result(None)
                    case egress_wire.Listed(entry=entry):
                        on_listed(entry)
                    case egress_wire.Replaced(id=number, closed_connections=closed):
                        if answer := self._pending.get(number):
                            answer.set_result(closed)
        except (WireError, OSError) as error:
            print(f"egress broker: {error}", file=sys.stderr)
        finally:
            self.gone.set_result(None)


def _spawn(command: Sequence[str], fds: tuple[int, ...]) -> subprocess.Popen[bytes]:
    return subprocess.Popen([*command, *map(str, fds)], stdin=subprocess.DEVNULL, pass_fds=fds, cwd="/")


class BrokerGone(HarnessError):
    """The egress broker has ended; nothing can leave any more."""

    code = "desktop_lost"

    def __init__(self) -> None:
        super().__init__("the egress broker has ended; nothing can leave the sandbox any more")

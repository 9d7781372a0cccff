"""The bridge loses, adds and holds back nothing, and once confined it can do nothing but move bytes."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path

import pytest

from edgeagent_harness.inside import bridge
from edgeagent_harness.outside.containment import bridge_filter

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

CONFINED = """
import os, socket, sys
from edgeagent_harness.inside import landlock, tighten
attempts = {
    "open": lambda: os.open("/etc/passwd", os.O_RDONLY),
    "create": lambda: os.open("/tmp/made-by-bridge", os.O_CREAT | os.O_WRONLY),
    "list": lambda: os.listdir("/"),
    "exec": lambda: os.execv("/bin/true", ["true"]),
    "fork": os.fork,
    "inet": lambda: socket.socket(socket.AF_INET),
    "netlink": lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW),
    "kill": lambda: os.kill(os.getppid(), 0),
    "bind": lambda: socket.socket(socket.AF_UNIX).bind("/tmp/made-by-bridge.sock"),
}
def outcomes(names):
    for name in names:
        try:
            attempts[name]()
        except PermissionError:
            yield name
program = sys.stdin.buffer.read()
assert list(outcomes(["open", "list", "inet", "netlink", "kill"])) == [], "the control"
landlock.restrict((), landlock.abi_version()) if landlock.abi_version() else None
tighten.install_filter(program)
assert list(outcomes(attempts)) == list(attempts), list(outcomes(attempts))
socket.socket(socket.AF_UNIX)
print("confined")
"""


@contextlib.asynccontextmanager
async def bridged(directory: Path, serve: Serve, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[int]:
    """The port of a bridge to a broker's socket that ``serve`` answers."""
    path = str(directory / "broker.sock")
    monkeypatch.setattr(bridge, "BROKER", path)
    broker = await asyncio.start_unix_server(serve, path)
    server = await asyncio.get_running_loop().create_server(bridge.Entrance, "127.0.0.1")
    async with broker, server:
        yield server.sockets[0].getsockname()[1]


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(65536):
        writer.write(chunk)
        await writer.drain()
    writer.write(b"end")
    writer.close()


async def test_every_byte_both_ways_and_half_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = bytes(range(256)) * 20_000
    async with bridged(tmp_path, echo, monkeypatch) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)

        async def send() -> None:
            writer.write(sent)
            await writer.drain()
            writer.write_eof()

        _, received = await asyncio.gather(send(), reader.read(-1))
        writer.close()
    assert received == sent + b"end"


async def test_a_slow_reader_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def pour(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(200):
            writer.write(b"x" * 65536)
            await asyncio.wait_for(writer.drain(), 10)
        writer.close()

    async with bridged(tmp_path, pour, monkeypatch) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
        await asyncio.sleep(0.5)
        assert len(await reader.read(-1)) == 200 * 65536
        writer.close()


async def test_what_comes_before_the_broker_is_reached_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python before 3.11.4 reads once more after pause_reading."""
    entrances: list[bridge.Entrance] = []

    class Early(bridge.Entrance):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            entrances.append(self)
            super().connection_made(transport)
            self.data_received(b"early ")

    monkeypatch.setattr(bridge, "Entrance", Early)
    async with bridged(tmp_path, echo, monkeypatch) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"late")
        writer.write_eof()
        assert await reader.read(-1) == b"early lateend"
        writer.close()


async def test_without_a_broker_the_client_is_told_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bridge, "BROKER", str(tmp_path / "nothing"))
    server = await asyncio.get_running_loop().create_server(bridge.Entrance, "127.0.0.1")
    async with server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.sockets[0].getsockname()[1])
        with contextlib.suppress(ConnectionError):
            assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()


def test_confined() -> None:
    done = subprocess.run(
        [sys.executable, "-c", CONFINED], input=bridge_filter.program(), capture_output=True, timeout=30, check=False
    )
    assert (done.returncode, done.stdout) == (0, b"confined\n"), done.stderr.decode()

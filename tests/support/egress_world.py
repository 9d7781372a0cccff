"""A made-up internet for tests of the egress broker: names, servers and what they received. See `egress_namespaces`."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import ssl
import subprocess
import sys
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from support import egress_namespaces

HOLD = Path(egress_namespaces.__file__)
WEB, OTHER_WEB = egress_namespaces.FAR[:2]

Answers = Callable[[], list[str]]


@dataclass
class Arrived:
    """One connection that a server got, with all bytes that came in it."""

    server: str
    """``address:port``."""
    data: bytearray = field(default_factory=bytearray)


@dataclass
class World:
    """Names resolve as ``names`` says; every server answers HTTP (with TLS on 443 and 8443) and notes what it got."""

    pid: int
    certificate: Path
    names: dict[str, list[str] | Answers]
    arrived: list[Arrived] = field(default_factory=list[Arrived])
    asked: list[str] = field(default_factory=list[str])
    """Names that DNS was asked for."""
    respond: Callable[[bytes], bytes] | None = None
    """Instead of the usual answer to a request; the server then ends the connection."""

    def enter(self) -> tuple[str, ...]:
        """Words in front of a command that make it run in the near namespace."""
        words = ("nsenter", "-t", str(self.pid), "-n", "-m")
        if os.geteuid() == 0:
            return words
        return (*words, "-U", "--preserve-credentials", "unshare", "-U", "--map-user=1000", "--map-group=1000")

    def bytes_at(self, server: str) -> bytes:
        """All that ``server`` received."""
        return b"".join(bytes(arrived.data) for arrived in self.arrived if arrived.server == server)

    def forget(self) -> None:
        self.arrived.clear()
        self.asked.clear()


@contextlib.asynccontextmanager
async def world(directory: Path, names: dict[str, list[str] | Answers]) -> AsyncGenerator[World]:
    """A `World` whose servers run in this event loop."""
    ours, theirs = socket.socketpair()
    holder = _hold_namespaces(theirs, directory)
    try:
        sockets = await asyncio.to_thread(_receive, ours)
        made = World(holder.pid, certificate(directory, [name for name in names if "*" not in name]), names)
        async with contextlib.AsyncExitStack() as stack:
            await _serve(made, sockets, directory, stack)
            yield made
        await asyncio.sleep(0.05)  # for what was aborted to end
    finally:
        ours.close()
        holder.wait(5)


def _hold_namespaces(channel: socket.socket, directory: Path) -> subprocess.Popen[bytes]:
    unshare = ["unshare", "-n", "-m", *([] if os.geteuid() == 0 else ["-r"])]
    argv = [*unshare, sys.executable, str(HOLD), str(channel.fileno()), str(directory)]
    with channel:
        return subprocess.Popen(argv, pass_fds=(channel.fileno(),), stdin=subprocess.DEVNULL)


def _receive(channel: socket.socket) -> dict[str, socket.socket]:
    channel.settimeout(20)
    found: dict[str, socket.socket] = {}
    while True:
        message, fds, _, _ = socket.recv_fds(channel, 200, 1)
        name = json.loads(message)
        if not fds:
            channel.settimeout(None)
            return found
        found[name] = socket.socket(fileno=fds[0])
        found[name].setblocking(False)
        channel.send(b"x")


async def _serve(made: World, sockets: dict[str, socket.socket], directory: Path, stack: contextlib.AsyncExitStack) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.certificate)
    inner = directory / "tls.sock"
    tls = await asyncio.start_unix_server(lambda reader, writer: _answer(reader, writer, None, made), inner, ssl=context)
    stack.callback(tls.close)
    for name, sock in sockets.items():
        if name == "dns":
            transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(lambda: _Names(made), sock=sock)
            stack.callback(transport.close)
            continue
        secure = name.endswith("443")

        async def handle(
            reader: asyncio.StreamReader, writer: asyncio.StreamWriter, name: str = name, secure: bool = secure
        ) -> None:
            arrived = Arrived(name)
            made.arrived.append(arrived)
            stack.callback(writer.transport.abort)  # of a client that vanished nobody hears
            with contextlib.suppress(ConnectionError):
                await (_relay(reader, writer, arrived, inner) if secure else _answer(reader, writer, arrived, made))

        server = await asyncio.start_server(handle, sock=sock)
        stack.callback(server.close)


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, arrived: Arrived | None, made: World) -> None:
    """Answer one request with its first line, and note every byte until the client is done."""
    data = arrived.data if arrived else bytearray()
    try:
        while b"\r\n\r\n" not in data:
            chunk = await reader.read(65536)
            data += chunk
            if not chunk:
                return
        body = b"you asked for " + bytes(data).split(b"\r\n")[0]
        usual = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
        writer.write(made.respond(bytes(data)) if made.respond else usual)
        await writer.drain()
        while not made.respond and (chunk := await reader.read(65536)):
            data += chunk
    finally:
        writer.close()


async def _relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, arrived: Arrived, inner: Path) -> None:
    """Note the raw bytes on their way to the server that speaks TLS."""
    inner_reader, inner_writer = await asyncio.open_unix_connection(inner)

    async def one_way(source: asyncio.StreamReader, target: asyncio.StreamWriter, note: bool) -> None:
        try:
            while chunk := await source.read(65536):
                if note:
                    arrived.data += chunk
                target.write(chunk)
                await target.drain()
        except ConnectionError:
            pass
        finally:
            target.close()

    await asyncio.gather(one_way(reader, inner_writer, True), one_way(inner_reader, writer, False))


class _Names(asyncio.DatagramProtocol):
    """A DNS server for A and AAAA, with a TTL of 0."""

    def __init__(self, made: World) -> None:
        self._made = made

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        labels, at = [], 12
        while data[at]:
            labels.append(data[at + 1 : at + 1 + data[at]].decode("latin-1"))
            at += 1 + data[at]
        question, kind = data[12 : at + 5], int.from_bytes(data[at + 1 : at + 3])
        name = ".".join(labels).lower()
        self._made.asked.append(name)
        self._transport.sendto(self._reply(data[:2], name, kind, question), addr)

    def _reply(self, number: bytes, name: str, kind: int, question: bytes) -> bytes:
        known = self._made.names.get(name)
        addresses = (known() if callable(known) else known) if known is not None else []
        family = {1: socket.AF_INET, 28: socket.AF_INET6}.get(kind)
        fitting = [address for address in addresses if (":" in address) == (family == socket.AF_INET6)] if family else []
        answers = b"".join(
            b"\xc0\x0c" + kind.to_bytes(2) + b"\0\1\0\0\0\0" + len(raw).to_bytes(2) + raw
            for raw in (socket.inet_pton(family, address) for address in fitting if family)
        )
        flags = b"\x81\x80" if known is not None else b"\x81\x83"
        return number + flags + b"\0\1" + len(fitting).to_bytes(2) + b"\0\0\0\0" + question + answers


def certificate(directory: Path, names: list[str]) -> Path:
    """A self-signed certificate with its key for ``names``."""
    path = directory / "server.pem"
    alternatives = ",".join(f"DNS:{name}" for name in names)
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-subj", "/CN=test", "-addext", f"subjectAltName={alternatives}", "-keyout", path, "-out", directory / "cert.pem"],
        check=True, capture_output=True,
    )  # fmt: skip
    path.write_bytes(path.read_bytes() + (directory / "cert.pem").read_bytes())
    return path

"""The program's own connections go through a broker too: decided, and listed as the app's, with their bytes."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import pytest
from support.egress_world import certificate

from edgeagent import egress as egress_module
from edgeagent.egress import AppEgress
from edgeagent.errors import EgressDenied, EnvironmentProblem
from edgeagent_harness.policy.types import Egress, EgressMode, Endpoint
from edgeagent_harness.protocol.audit import Connection

REQUEST = b"GET /x HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(ANSWER)
    await writer.drain()
    writer.close()


async def test_plain_and_denied() -> None:
    entries: list[Connection] = []
    server = await asyncio.start_server(serve, "127.0.0.1")
    port = server.sockets[0].getsockname()[1]
    async with server, AppEgress(Egress("allowlist", (Endpoint("127.0.0.1", port),)), entries.append) as egress:
        reader, writer = await egress.connect("127.0.0.1", port)
        writer.write(REQUEST % port)
        assert (await reader.read()).endswith(b"hi")
        writer.close()
        with pytest.raises(EgressDenied, match=r"evil\.example:443: not among network\.egress\.endpoints"):
            await egress.connect("evil.example", 443)
        with pytest.raises(EgressDenied, match="cannot be asked for"):
            await egress.connect("evil\r\nexample", 443)
    listed = [(entry.client, entry.protocol, entry.host, entry.port, entry.decision) for entry in entries]
    assert listed == [
        ("app", "connect", "127.0.0.1", port, "allowed"),
        ("app", "connect", "evil.example", 443, "denied"),
    ]
    assert entries[0].bytes_out > 0
    assert entries[0].bytes_in == len(ANSWER)


async def test_tls(tmp_path: Path) -> None:
    """To an address the policy names: TLS has no server name there."""
    entries: list[Connection] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate(tmp_path, ["allowed.example"]))
    server = await asyncio.start_server(serve, "127.0.0.1", ssl=context)
    port = server.sockets[0].getsockname()[1]
    trusting = ssl.create_default_context()
    trusting.check_hostname = False
    trusting.verify_mode = ssl.CERT_NONE
    async with server, AppEgress(Egress("allowlist", (Endpoint("127.0.0.1", port),)), entries.append) as egress:
        reader, writer = await egress.connect("127.0.0.1", port)
        await writer.start_tls(trusting)
        writer.write(REQUEST % port)
        assert (await reader.readexactly(len(ANSWER))) == ANSWER
        writer.close()
    assert entries[0].decision == "allowed"
    assert entries[0].bytes_in > len(ANSWER)


@pytest.mark.parametrize("mode", ["deny", "offline"])
async def test_nothing_without_an_allowlist(mode: EgressMode) -> None:
    entries: list[Connection] = []
    async with AppEgress(Egress(mode, (Endpoint("127.0.0.1", 1),)), entries.append) as egress:
        with pytest.raises(EgressDenied):
            await egress.connect("127.0.0.1", 1)


async def test_not_in_offline_mode(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(what: str) -> None:
        raise EnvironmentProblem(f"{what} needs the network")

    monkeypatch.setattr(egress_module.offline, "require_network", refuse)
    with pytest.raises(EnvironmentProblem):
        await AppEgress(Egress("allowlist"), lambda _: None).__aenter__()

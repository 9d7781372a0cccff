"""No hostile request gets through the egress broker: nothing arrives anywhere, no denied name is resolved, each has its entry."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from fault.egress_cases import ENDPOINTS, NAMES, PLAIN, Case, Control
from fault.egress_tunnel_cases import TUNNELS
from support.egress_client import Broker, exchange, started
from support.egress_requests import connect, get, socks
from support.egress_world import WEB, World, world

from edgeagent_harness.protocol.egress_wire import Limits

LIMITS = Limits(connections=6, header_bytes=8192, head_s=1.5, idle_s=4.0, connection_bytes=200_000)
ALL = (*PLAIN, *TUNNELS)
PERMITTED = {endpoint.host for endpoint in ENDPOINTS}

pytestmark = pytest.mark.asyncio(loop_scope="module")


@dataclass
class Rig:
    world: World
    broker: Broker
    certificate: Path


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def rig(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Rig]:
    directory = tmp_path_factory.mktemp("world")
    async with world(directory, dict(NAMES)) as made, started(made, ENDPOINTS, limits=LIMITS) as broker:
        yield Rig(made, broker, directory / "cert.pem")


async def allowed_control(rig: Rig, kind: Control) -> None:
    """The honest request of this kind goes through: the broker is alive, and what is denied is denied for its own sake."""
    rig.world.forget()
    if kind == "http":
        answer = await exchange(rig.broker.path, get("http://allowed.example/fine"))
        assert answer.endswith(b"you asked for GET /fine HTTP/1.1")
    elif kind == "socks5":
        answer = await exchange(rig.broker.path, socks("allowed.example", 80, get("/fine", "allowed.example")))
        assert answer.endswith(b"you asked for GET /fine HTTP/1.1")
    else:
        reader, writer = await asyncio.open_unix_connection(rig.broker.path)
        writer.write(connect("allowed.example:443"))
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
        await writer.start_tls(ssl.create_default_context(cafile=rig.certificate), server_hostname="allowed.example")
        writer.write(get("/fine", "allowed.example"))
        assert (await reader.read(500)).endswith(b"you asked for GET /fine HTTP/1.1")
        writer.close()
    entry = await rig.broker.entry()
    assert (entry.decision, entry.protocol, entry.host, entry.address) == ("allowed", kind, "allowed.example", WEB)
    assert entry.bytes_in > 0
    assert entry.bytes_out == len(rig.world.bytes_at(f"{WEB}:{443 if kind == 'connect' else 80}"))


@pytest.mark.parametrize("case", ALL, ids=lambda case: case.name.replace(" ", "-"))
async def test_hostile(rig: Rig, case: Case) -> None:
    rig.world.forget()
    answer = await exchange(rig.broker.path, case.sent, half_close=case.half_close)
    entry = await rig.broker.entry()
    assert answer.startswith(case.answer), answer[:200]
    assert b"you asked for" not in answer
    assert entry.decision == "denied"
    assert re.search(case.why, entry.reason), entry.reason
    assert not case.host or entry.host == case.host
    assert (entry.bytes_out, entry.bytes_in) == (0, 0)
    assert b"".join(bytes(arrived.data) for arrived in rig.world.arrived) == b""
    for name in rig.world.asked:
        assert name in PERMITTED or name.endswith(".wild.example"), f"{name} was resolved"
    await allowed_control(rig, case.control)


async def test_how_many() -> None:
    assert len(ALL) >= 60
    assert len({case.name for case in ALL}) == len(ALL)

"""The egress broker while it runs: new endpoints, limits, changing DNS, the three responses to a violation, its end."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import signal
import ssl
from collections.abc import AsyncGenerator, Callable, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from support.egress_client import Broker, exchange, started
from support.egress_requests import connect, get, socks
from support.egress_world import OTHER_WEB, WEB, World, world

from edgeagent_harness.broker import BrokerGone
from edgeagent_harness.policy.types import Endpoint
from edgeagent_harness.protocol.egress_wire import Limits

pytestmark = pytest.mark.asyncio(loop_scope="module")

A80, A443, B80 = Endpoint("allowed.example", 80), Endpoint("allowed.example", 443), Endpoint("b.example", 80)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def internet(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[World]:
    names: dict[str, list[str] | Callable[[], list[str]]] = {
        "allowed.example": [WEB],
        "b.example": [OTHER_WEB],
        "loopback.example": ["127.0.0.1"],
        "nobody.example": ["93.184.216.99"],
    }
    async with world(tmp_path_factory.mktemp("world"), names) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="module", autouse=True)
async def forget(internet: World) -> None:
    internet.forget()
    internet.respond = None


async def tunnel(broker: Broker, certificate: Path) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """An open TLS tunnel in which one request was answered."""
    reader, writer = await asyncio.open_unix_connection(broker.path)
    writer.write(connect("allowed.example:443"))
    await reader.readuntil(b"\r\n\r\n")
    await writer.start_tls(ssl.create_default_context(cafile=certificate), server_hostname="allowed.example")
    writer.write(get("/fine", "allowed.example"))
    assert b"you asked for" in await reader.read(500)
    return reader, writer


async def ended(reader: asyncio.StreamReader) -> bool:
    with contextlib.suppress(ConnectionError, ssl.SSLError):
        async with asyncio.timeout(5):
            return await reader.read() == b""
    return True


def certificate(internet: World) -> Path:
    return internet.certificate.with_name("cert.pem")


async def test_a_tunnel_that_is_no_longer_permitted_is_closed_and_counted(internet: World) -> None:
    async with started(internet, (A80, A443)) as broker:
        reader, writer = await tunnel(broker, certificate(internet))
        assert await broker.process.replace((A443, B80)) == 0
        writer.write(b"still here")
        assert await broker.process.replace((A80,)) == 1
        assert await ended(reader)
        entry = await broker.entry()
        assert (entry.decision, entry.reason) == (
            "allowed",
            "allowed.example:443; closed: the endpoints changed and permit it no longer",
        )
        assert entry.bytes_out > 500
        assert (await exchange(broker.path, connect("allowed.example:443"))).startswith(b"HTTP/1.1 403")
        writer.close()


async def test_new_endpoints_while_a_name_is_being_resolved(internet: World) -> None:
    """A request that was permitted when it came, and is not when it is dialled, does not get out."""
    asked = asyncio.Event()

    def slowly() -> list[str]:
        asked.set()
        return []  # no address yet: the resolver goes on asking

    internet.names["slow.example"] = slowly
    async with started(internet, (Endpoint("slow.example", 80),)) as broker:
        request = asyncio.create_task(exchange(broker.path, get("http://slow.example/")))
        await asked.wait()
        await broker.process.replace(())
        assert b"you asked" not in await request
        assert internet.arrived == []
    del internet.names["slow.example"]


async def test_one_more_place_is_allowed_and_stays_so(internet: World) -> None:
    async with started(internet, (A80,)) as broker:
        assert (await exchange(broker.path, get("http://b.example/"))).startswith(b"HTTP/1.1 403")
        await broker.process.allow(B80)
        assert (await exchange(broker.path, get("http://b.example/"))).startswith(b"HTTP/1.1 200")
        await broker.process.replace(())
        assert (await exchange(broker.path, get("http://b.example/"))).startswith(b"HTTP/1.1 200")
        assert (await exchange(broker.path, get("http://allowed.example/"))).startswith(b"HTTP/1.1 403")


async def test_a_name_that_changes_its_address(internet: World) -> None:
    """Rebinding: what was checked is dialled, and each request checks anew."""
    answers: Iterator[list[str]] = itertools.chain([[WEB], [WEB]], itertools.repeat(["127.0.0.1"]))
    internet.names["rebind.example"] = lambda: next(answers)
    async with started(internet, (Endpoint("rebind.example", 80),)) as broker:
        first = await exchange(broker.path, get("http://rebind.example/"))
        first_entry, asked = await broker.entry(), list(internet.asked)
        second = await exchange(broker.path, get("http://rebind.example/"))
        entry = await broker.entry()
    assert first.startswith(b"HTTP/1.1 200")
    assert first_entry.address == WEB
    assert asked == ["rebind.example"] * 2, "once for IPv4, once for IPv6, and not again to dial"
    assert second.startswith(b"HTTP/1.1 403")
    assert (entry.decision, entry.address) == ("denied", "127.0.0.1")
    assert internet.bytes_at("127.0.0.1:80") == b""


async def test_log_mode_permits_and_lists(internet: World) -> None:
    async with started(internet, (A80,), "log") as broker:
        assert (await exchange(broker.path, get("http://b.example/x"))).startswith(b"HTTP/1.1 200")
        entry = await broker.entry()
        assert (entry.decision, entry.reason, entry.address) == ("would_deny", "not among network.egress.endpoints", OTHER_WEB)
        assert (await exchange(broker.path, get("http://allowed.example/"))).startswith(b"HTTP/1.1 200")
        assert (await broker.entry()).decision == "allowed"


@pytest.mark.parametrize(
    "sent",
    [
        get("http://loopback.example/"),
        get("http://169.254.169.254/"),
        get("http://127.0.0.1/"),
        get("http://2130706433/"),
        socks(b"\x7f\0\0\1", 80, kind=1),
        get("http://b.example/", "allowed.example"),
        connect("b.example:443", b"no TLS"),
    ],
)
async def test_log_mode_permits_nothing_that_can_never_be(internet: World, sent: bytes) -> None:
    async with started(internet, (A80,), "log") as broker:
        assert b"you asked" not in await exchange(broker.path, sent)
        assert (await broker.entry()).decision == "denied"
    assert all(not arrived.data for arrived in internet.arrived)


async def test_more_connections_than_permitted(internet: World) -> None:
    async with started(internet, (A80,), limits=Limits(connections=3)) as broker:
        held = [await asyncio.open_unix_connection(broker.path) for _ in range(3)]
        for _, writer in held:
            writer.write(b"GET http://allowed")
        await asyncio.sleep(0.2)
        assert await exchange(broker.path, get("http://allowed.example/")) == b""
        assert "more than 3 connections" in (await broker.entry()).reason
        held[0][1].close()
        await broker.entry()
        assert (await exchange(broker.path, get("http://allowed.example/"))).startswith(b"HTTP/1.1 200")
        for _, writer in held:
            writer.close()


async def test_bytes_of_one_connection_are_limited(internet: World) -> None:
    internet.respond = lambda _: b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 300_000
    async with started(internet, (A80,), limits=Limits(connection_bytes=100_000)) as broker:
        answer = await exchange(broker.path, get("http://allowed.example/"))
        entry = await broker.entry()
    assert len(answer) < 200_000
    assert "more than 100000 bytes in one connection" in entry.reason
    assert entry.bytes_in > 99_000


async def test_bytes_of_all_connections_are_limited(internet: World) -> None:
    internet.respond = lambda _: b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 30_000
    async with started(internet, (A80,), limits=Limits(total_bytes=100_000)) as broker:
        answers = [await exchange(broker.path, get("http://allowed.example/")) for _ in range(5)]
    assert [len(answer) > 30_000 for answer in answers] == [True, True, True, False, False]


async def test_an_idle_tunnel_ends(internet: World) -> None:
    async with started(internet, (A443,), limits=Limits(idle_s=0.5)) as broker:
        reader, writer = await tunnel(broker, certificate(internet))
        assert await ended(reader)
        assert "no byte for 0.5 s" in (await broker.entry()).reason
        writer.close()


async def test_a_client_that_reads_nothing_is_not_waited_for_without_end(internet: World) -> None:
    internet.respond = lambda _: b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 5_000_000
    async with started(internet, (A80,), limits=Limits(idle_s=0.5)) as broker:
        _, writer = await asyncio.open_unix_connection(broker.path, limit=1024)
        writer.write(get("http://allowed.example/"))
        assert "no byte for 0.5 s" in (await broker.entry()).reason
        writer.close()


async def test_a_slow_client_gets_all_of_it(internet: World) -> None:
    body = b"x" * 2_000_000
    internet.respond = lambda _: b"HTTP/1.1 200 OK\r\n\r\n" + body
    async with started(internet, (A80,)) as broker:
        reader, writer = await asyncio.open_unix_connection(broker.path, limit=1024)
        writer.write(get("http://allowed.example/"))
        await asyncio.sleep(3)
        chunks = [chunk async for chunk in _chunks(reader)]
        assert b"".join(chunks).count(b"x") >= len(body)
        writer.close()


async def _chunks(reader: asyncio.StreamReader) -> AsyncGenerator[bytes]:
    while chunk := await reader.read(65536):
        yield chunk


async def test_half_closed_tunnel_carries_the_rest(internet: World) -> None:
    async with started(internet, (A80,)) as broker:
        answer = await exchange(
            broker.path, connect("allowed.example:80", b"GET /rest HTTP/1.1\r\nHost: allowed.example\r\n\r\n"), True
        )
    assert answer.endswith(b"you asked for GET /rest HTTP/1.1")


async def test_nobody_there(internet: World) -> None:
    async with started(
        internet, (Endpoint("nobody.example", 80), Endpoint("none.example", 80)), limits=Limits(dial_s=0.5)
    ) as broker:
        assert (await exchange(broker.path, get("http://nobody.example/"))).startswith(b"HTTP/1.1 502")
        entry = await broker.entry()
        assert entry.decision == "allowed"
        assert "no connection to 93.184.216.99 port 80" in entry.reason
        assert b"does not resolve" in await exchange(broker.path, get("http://none.example/"))


async def test_what_is_open_at_the_end_is_listed(internet: World) -> None:
    async with started(internet, (A443,)) as broker:
        reader, writer = await tunnel(broker, certificate(internet))
        await broker.process.close()
        assert (await broker.entry()).reason == "allowed.example:443; closed: the session ended"
        assert await ended(reader)
        writer.close()


async def test_the_broker_gives_up_what_it_does_not_need(internet: World) -> None:
    async with started(internet, (A80,)) as broker:
        status = await asyncio.to_thread(Path(f"/proc/{broker.process.pid}/status").read_text)
    assert "NoNewPrivs:\t1\n" in status
    assert "Seccomp:\t2\n" in status


async def test_it_ends_with_whoever_started_it_and_says_when_it_is_gone(internet: World) -> None:
    async with started(internet, (A80,)) as broker:
        os.kill(broker.process.pid, signal.SIGKILL)
        async with asyncio.timeout(5):
            await broker.process.gone
        with pytest.raises(BrokerGone):
            await broker.process.replace(())

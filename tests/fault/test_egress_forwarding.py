"""What the egress broker forwards is what it judged: written anew, one request to a connection, responses checked too."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable

import pytest
import pytest_asyncio
from support.egress_client import Broker, exchange, started
from support.egress_requests import connect, get, socks
from support.egress_world import WEB, World, world

from edgeagent_harness.policy.types import Endpoint

pytestmark = pytest.mark.asyncio(loop_scope="module")

URL = "http://allowed.example/a"
AT = f"{WEB}:80"
Setting = tuple[World, Broker]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Setting]:
    names: dict[str, list[str] | Callable[[], list[str]]] = {"allowed.example": [WEB], "other.example": [WEB]}
    endpoints = (Endpoint("allowed.example", 80), Endpoint("other.example", 8080))
    async with world(tmp_path_factory.mktemp("world"), names) as made, started(made, endpoints) as broker:
        yield made, broker


@pytest_asyncio.fixture(loop_scope="module")
async def setting(running: Setting) -> Setting:
    running[0].forget()
    running[0].respond = None
    return running


async def arrived(setting: Setting, sent: bytes) -> tuple[bytes, bytes]:
    """The answer to ``sent``, and what the server got of it."""
    made, broker = setting
    answer = await exchange(broker.path, sent)
    entry = await broker.entry()
    assert entry.decision == "allowed"
    got = made.bytes_at(AT)
    assert entry.bytes_out == len(got)
    return answer, got


async def test_hop_by_hop_headers_stay_here(setting: Setting) -> None:
    extra = (
        "Connection: keep-alive, X-Mine\r\nX-Mine: 1\r\nKeep-Alive: 5\r\nProxy-Connection: x\r\n"
        "Proxy-Authorization: Basic eA==\r\nTE: trailers\r\nTrailer: X\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\nX-Kept: 1\r\n"
    )
    _, got = await arrived(setting, get(URL, extra=extra))
    assert got.lower() == b"get /a http/1.1\r\nhost: allowed.example\r\nx-kept: 1\r\nconnection: close\r\n\r\n"


async def test_host_in_another_spelling_is_written_in_ours(setting: Setting) -> None:
    _, got = await arrived(setting, get("HTTP://ALLOWED.Example.:80/a", "allowed.EXAMPLE"))
    assert b"host: allowed.example\r\n" in got.lower()
    assert got.startswith(b"GET /a HTTP/1.1\r\n")


async def test_a_second_request_behind_the_first_is_not_served(setting: Setting) -> None:
    answer, got = await arrived(setting, get(URL) + get("http://allowed.example/second") + get("http://evil.example/"))
    assert answer.count(b"HTTP/1.1") == 2  # the status line, and the request line in the body
    assert got.count(b"HTTP/1.1") == 1
    assert b"second" not in got


async def test_a_request_within_a_body_stays_a_body(setting: Setting) -> None:
    inner = b"GET /inner HTTP/1.1\r\nHost: evil.example\r\n\r\n"
    _, got = await arrived(setting, get(URL, method="POST", extra=f"Content-Length: {len(inner)}\r\n") + inner + b"GET /after")
    assert got.endswith(b"\r\n\r\n" + inner)
    assert b"after" not in got


async def test_chunks_are_written_anew(setting: Setting) -> None:
    body = b'3;ext="x"\r\nabc\r\n0002\r\nde\r\n0\r\nX-Trailer: evil\r\n\r\nGET /after HTTP/1.1\r\n\r\n'
    _, got = await arrived(setting, get(URL, method="POST", extra="Transfer-Encoding: CHUNKED\r\n") + body)
    head, _, rest = got.partition(b"\r\n\r\n")
    assert b"transfer-encoding: chunked" in head.lower()
    assert rest == b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"


@pytest.mark.parametrize(
    "body",
    [
        b"-3\r\nabc\r\n0\r\n\r\n",
        b"3\r\nabcd\r\n0\r\n\r\n",
        b"0x3\r\nabc\r\n0\r\n\r\n",
    ],
)
async def test_a_bad_chunk_ends_it(setting: Setting, body: bytes) -> None:
    made, broker = setting
    await exchange(broker.path, get(URL, method="POST", extra="Transfer-Encoding: chunked\r\n") + body)
    entry = await broker.entry()
    assert "a body that does not end as announced" in entry.reason
    assert not made.bytes_at(AT).endswith(b"0\r\n\r\n"), "the server must not take it for a whole request"


async def test_a_short_body_is_not_completed(setting: Setting) -> None:
    made, broker = setting
    sent = get(URL, method="POST", extra="Content-Length: 50\r\n") + b"only this"
    await exchange(broker.path, sent, half_close=True)
    assert "does not end as announced" in (await broker.entry()).reason
    assert made.bytes_at(AT).endswith(b"only this") or not made.bytes_at(AT)


async def test_it_says_continue_itself(setting: Setting) -> None:
    extra = "Content-Length: 2\r\nExpect: 100-continue\r\n"
    answer, got = await arrived(setting, get(URL, method="POST", extra=extra) + b"ok")
    assert b"200 OK" in answer
    assert b"expect" not in got.lower()


async def test_an_old_client_is_served(setting: Setting) -> None:
    answer, got = await arrived(setting, b"GET http://allowed.example/a HTTP/1.0\r\n\r\n")
    assert b"you asked for" in answer
    assert b"host: allowed.example" in got.lower()


async def test_a_name_of_another_port_keeps_it(setting: Setting) -> None:
    made, broker = setting
    await exchange(broker.path, get("http://other.example:8080/"))
    await broker.entry()
    assert b"host: other.example:8080\r\n" in made.bytes_at(f"{WEB}:8080").lower()


@pytest.mark.parametrize("opening", [connect("allowed.example:80"), socks("allowed.example", 80)], ids=["connect", "socks5"])
async def test_plain_http_in_a_tunnel_is_judged_and_written_anew(setting: Setting, opening: bytes) -> None:
    request = b"GET /a?q HTTP/1.1\r\nHost: allowed.example\r\nConnection: X-B\r\nX-B: 1\r\n\r\n"
    answer, got = await arrived(setting, opening + request + b"GET /second HTTP/1.1\r\nHost: evil.example\r\n\r\n")
    assert answer.endswith(b"you asked for GET /a?q HTTP/1.1")
    assert b"x-b" not in got.lower()
    assert b"second" not in got


BAD_RESPONSES = {
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "no HTTP": b"SSH-2.0-server\r\n\r\n\r\n",
    "a proxy's password": b"HTTP/1.1 407 Who\r\nProxy-Authenticate: Basic realm=x\r\nContent-Length: 0\r\n\r\n",
    "switching protocols": b"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\nraw",
    "endless head": b"HTTP/1.1 200 OK\r\nX: " + b"a" * 200_000,
    "nothing": b"",
    "NUL in a header": b"HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n",
}


@pytest.mark.parametrize("response", BAD_RESPONSES.values(), ids=BAD_RESPONSES)
async def test_a_bad_response_becomes_ours(setting: Setting, response: bytes) -> None:
    made, broker = setting

    def respond(_request: bytes) -> bytes:
        return response

    made.respond = respond
    answer = await exchange(broker.path, get(URL))
    assert answer.startswith(b"HTTP/1.1 502 Bad Gateway\r\n")
    assert b"Proxy-Authenticate" not in answer
    assert (await broker.entry()).reason.startswith("allowed.example:80; ")


async def test_what_follows_a_response_is_dropped(setting: Setting) -> None:
    made, _ = setting
    made.respond = lambda _: (
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nSet-Cookie: a=1\r\nKeep-Alive: 9\r\n\r\nokHTTP/1.1 200 OK\r\n\r\nmore"
    )
    answer, _ = await arrived(setting, get(URL))
    assert answer.endswith(b"\r\n\r\nok")
    assert b"set-cookie: a=1" in answer.lower()
    assert b"keep-alive" not in answer.lower()

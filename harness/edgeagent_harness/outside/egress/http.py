"""HTTP/1.1 as a forward proxy: one request to a connection, CONNECT, and plain HTTP within a tunnel."""

from __future__ import annotations

import asyncio
import contextlib

import h11

from edgeagent_harness.outside.egress.case import Case
from edgeagent_harness.outside.egress.http_head import check_host, check_raw, end_to_end, forwarded
from edgeagent_harness.outside.egress.outcomes import Malformed, PastLimit, Refusal, Unreachable
from edgeagent_harness.outside.egress.peer import Peer
from edgeagent_harness.policy.decide import BadTarget, Wanted, split_absolute, split_authority

_END_OF_HEAD = b"\r\n\r\n"
_RESPONSE_HEAD_BYTES = 64 * 1024
_PROXY_AUTHENTICATION = 407
_REASONS = {400: "Bad Request", 403: "Forbidden", 429: "Too Many Requests", 502: "Bad Gateway"}
_ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"


async def serve(case: Case, client: Peer) -> Wanted | None:
    """Serve what ``client`` asks for; a CONNECT only as far as to its tunnel, which is then returned. Raises a `Refusal`."""
    server: h11.Connection | None = None
    try:
        server, request = await _read_request(case, client)
        if request.method == b"CONNECT":
            case.protocol = "connect"
            wanted = _connect_target(request)
            await case.admit(wanted)
            await client.send(_ESTABLISHED)
            return wanted
        wanted = _forward_target(request, None)
        await _forward(client, server, request, wanted, await case.admit(wanted))
    except Refusal as refusal:
        await _tell(client, server, refusal)
        raise
    return None


async def serve_within(case: Case, client: Peer, origin: Wanted, upstream: Peer) -> None:
    """Serve a plain request in an open tunnel to ``origin``. Raises a `Refusal`."""
    server: h11.Connection | None = None
    try:
        server, request = await _read_request(case, client)
        wanted = _forward_target(request, origin)
        case.judge(wanted)
        await _forward(client, server, request, wanted, upstream)
    except Refusal as refusal:
        await _tell(client, server, refusal)
        raise


async def _read_request(case: Case, client: Peer) -> tuple[h11.Connection, h11.Request]:
    """The request's head. Raises a `Refusal`."""
    limits = case.limits
    try:
        async with asyncio.timeout(limits.head_s):
            head = await _read_head(client, limits.header_bytes)
    except TimeoutError as error:
        raise PastLimit(f"no complete head within {limits.head_s:g} s") from error
    check_raw(head)
    server = h11.Connection(h11.SERVER, max_incomplete_event_size=limits.header_bytes)
    try:
        server.receive_data(head)
        event = server.next_event()
    except h11.RemoteProtocolError as error:
        raise Malformed(f"no valid HTTP request: {error}") from error
    if not isinstance(event, h11.Request) or event.http_version not in (b"1.0", b"1.1"):
        raise Malformed("no HTTP/1.0 or HTTP/1.1 request")
    return server, event


async def _read_head(client: Peer, limit: int) -> bytes:
    while (end := client.pending.find(_END_OF_HEAD)) < 0:
        if len(client.pending) > limit:
            raise PastLimit(f"a head of more than {limit} bytes")
        if not await client.more():
            raise Malformed("the connection ended within a head" if client.pending else "nothing was asked for")
    if end > limit:
        raise PastLimit(f"a head of more than {limit} bytes")
    return client.take(end + len(_END_OF_HEAD))


def _connect_target(request: h11.Request) -> Wanted:
    try:
        host, port = split_authority(request.target.decode("ascii"))
    except (BadTarget, UnicodeDecodeError) as error:
        raise Malformed(f"CONNECT to no host and port: {error}") from error
    check_host(request, host, port)
    if any(name in (b"content-length", b"transfer-encoding") for name, _ in request.headers):
        raise Malformed("CONNECT with a body")
    return Wanted(host, port)


def _forward_target(request: h11.Request, origin: Wanted | None) -> Wanted:
    """What a plain request asks for: by its absolute URL, or within a tunnel to ``origin`` by its path."""
    target = request.target.decode("ascii")
    try:
        if origin:
            if not target.startswith("/") or target.startswith("//"):
                raise BadTarget("within a tunnel a request names a path only")
            host, port, path = split_absolute(f"http://{origin.host}:{origin.port}{target}")
        else:
            host, port, path = split_absolute(target)
    except BadTarget as error:
        raise Malformed(f"a request for no URL that is forwarded: {error}") from error
    check_host(request, host, port)
    return Wanted(host, port, request.method.decode("ascii"), path)


async def _forward(client: Peer, server: h11.Connection, request: h11.Request, wanted: Wanted, upstream: Peer) -> None:
    """Carry ``request`` to ``upstream`` and its response back, both written anew."""
    peer = h11.Connection(h11.CLIENT, max_incomplete_event_size=_RESPONSE_HEAD_BYTES)
    try:
        head = peer.send(forwarded(request, wanted.host, wanted.port, wanted.path))
    except h11.LocalProtocolError as error:
        raise Malformed(f"a request that cannot be forwarded: {error}") from error
    await upstream.send(head or b"")
    body = asyncio.create_task(_send_body(client, server, upstream, peer))
    answer = asyncio.create_task(_return_response(client, server, upstream, peer))
    try:
        await asyncio.wait([body, answer], return_when=asyncio.FIRST_COMPLETED)
        if body.done() or not answer.done():
            with contextlib.suppress(OSError):  # a server may answer before it took all of the body
                await body
        await answer
    finally:
        for task in (body, answer):
            task.cancel()
        await asyncio.gather(body, answer, return_exceptions=True)


async def _send_body(client: Peer, server: h11.Connection, upstream: Peer, peer: h11.Connection) -> None:
    while True:
        try:
            event = server.next_event()
        except h11.RemoteProtocolError as error:
            raise Malformed(f"a body that does not end as announced: {error}") from error
        if event is h11.NEED_DATA:
            if server.they_are_waiting_for_100_continue:
                go_on = server.send(h11.InformationalResponse(status_code=100, headers=[]))
                await client.send(go_on or b"")
            if not client.pending:
                await client.more()
            server.receive_data(client.take())
        elif isinstance(event, h11.Data):
            await upstream.send(peer.send(h11.Data(data=event.data)) or b"")
        else:
            await upstream.send(peer.send(h11.EndOfMessage()) or b"")
            return


async def _return_response(client: Peer, server: h11.Connection, upstream: Peer, peer: h11.Connection) -> None:
    while True:
        try:
            event = peer.next_event()
            if event is h11.NEED_DATA:
                await upstream.more()
                peer.receive_data(upstream.take())
            elif isinstance(event, h11.Response):
                await client.send(server.send(_for_client(event)) or b"")
            elif isinstance(event, h11.Data):
                await client.send(server.send(h11.Data(data=event.data)) or b"")
            elif isinstance(event, h11.EndOfMessage):
                await client.send(server.send(h11.EndOfMessage()) or b"")
                return
            elif not isinstance(event, h11.InformationalResponse):
                raise Unreachable("the server ended without a response")
        except (h11.RemoteProtocolError, h11.LocalProtocolError, Malformed) as error:
            raise Unreachable(f"the server's response is no valid HTTP: {error}") from error


def _for_client(response: h11.Response) -> h11.Response:
    if response.status_code == _PROXY_AUTHENTICATION:
        raise Unreachable("the server asked for a proxy's password")
    headers = [*end_to_end(response.headers), (b"connection", b"close")]
    return h11.Response(status_code=response.status_code, headers=headers, reason=response.reason)


async def _tell(client: Peer, server: h11.Connection | None, refusal: Refusal) -> None:
    """Answer with ``refusal``, if no response has begun and the client still listens."""
    if server and server.our_state not in (h11.SEND_RESPONSE, h11.ERROR):
        return
    text = f"edgeagent: {refusal.reason}\n".encode()
    head = (
        f"HTTP/1.1 {refusal.status} {_REASONS[refusal.status]}\r\nContent-Type: text/plain; charset=utf-8\r\n"
        f"X-Content-Type-Options: nosniff\r\nContent-Length: {len(text)}\r\nConnection: close\r\n\r\n"
    )
    with contextlib.suppress(OSError):
        await client.send(head.encode() + text)

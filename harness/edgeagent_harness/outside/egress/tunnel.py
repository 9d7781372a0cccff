"""What flows in a tunnel: TLS for the host that was asked for, or plain HTTP, which is then forwarded request by request."""

from __future__ import annotations

import asyncio
from typing import Literal

from edgeagent_harness.outside.egress import http, tls
from edgeagent_harness.outside.egress.case import Case
from edgeagent_harness.outside.egress.outcomes import Denied, PastLimit
from edgeagent_harness.outside.egress.peer import Peer
from edgeagent_harness.policy.decide import TLS_PORT, Wanted
from edgeagent_harness.policy.names import BadHost, canonical


async def serve(case: Case, client: Peer, wanted: Wanted, upstream: Peer) -> None:
    """Serve the open tunnel to ``wanted`` until both ends are done. Raises a `Refusal`."""
    if await _read_opening(case, client, wanted) == "http":
        await http.serve_within(case, client, wanted, upstream)
    else:
        await _pump(client, upstream)


async def _read_opening(case: Case, client: Peer, wanted: Wanted) -> Literal["tls", "http"]:
    """Wait for the client's first bytes and check them; they stay in ``client.pending``."""
    limits = case.limits
    try:
        async with asyncio.timeout(limits.head_s):
            if not client.pending and not await client.more():
                raise Denied("a tunnel that was closed before a first byte")
            first = client.pending[0]
            if first != tls.HANDSHAKE and wanted.port != TLS_PORT and ord("A") <= first <= ord("Z"):
                return "http"
            check_server_name(await _read_hello(client, limits.header_bytes), wanted)
    except TimeoutError as error:
        raise PastLimit(f"no complete ClientHello within {limits.head_s:g} s") from error
    return "tls"


def check_server_name(hello: tls.Hello, wanted: Wanted) -> None:
    """Refuse a ClientHello that is not for ``wanted``. Raises `Denied`."""
    if hello.encrypted_name:
        raise Denied("a ClientHello with an encrypted server name (ECH), so the real one is hidden")
    if not hello.server_name:
        if wanted.host.address is None:
            raise Denied("a ClientHello without a server name")
        return  # RFC 6066 has no server name for IP addresses
    try:
        named = canonical(hello.server_name)
    except BadHost as error:
        raise Denied(f"a ClientHello with a server name that is none: {error}") from error
    if named != wanted.host:
        raise Denied(f"the ClientHello names {named}, the tunnel was asked for {wanted.host}")


async def _pump(client: Peer, upstream: Peer) -> None:
    """Carry bytes both ways until both directions have ended."""
    ways = [asyncio.create_task(_one_way(client, upstream)), asyncio.create_task(_one_way(upstream, client))]
    try:
        await asyncio.gather(*ways)
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)


async def _read_hello(client: Peer, limit: int) -> tls.Hello:
    while (length := tls.hello_length(bytes(client.pending), limit)) is None:
        if not await client.more():
            raise Denied("the connection ended within a ClientHello")
    return tls.parse_hello(bytes(client.pending[:length]))


async def _one_way(source: Peer, target: Peer) -> None:
    if source.pending:
        await target.send(source.take())
    while await source.more():
        await target.send(source.take())
    target.finish()

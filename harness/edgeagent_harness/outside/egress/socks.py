"""SOCKS5 (RFC 1928): no authentication, CONNECT only. A strict reader of its three messages.

The kept sans-I/O library (socksio) is the client's side only. A NUL byte in a host name was the hole of another product: names
go through the same `canonical` as everywhere.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress

from edgeagent_harness.outside.egress.case import Case
from edgeagent_harness.outside.egress.outcomes import Denied, Malformed, PastLimit, Refusal, Unreachable
from edgeagent_harness.outside.egress.peer import Peer
from edgeagent_harness.policy.decide import Wanted
from edgeagent_harness.policy.names import BadHost, Host, canonical

VERSION = 5
_NO_AUTHENTICATION, _NO_ACCEPTABLE_METHOD = 0, 0xFF
_CONNECT = 1
_IPV4, _NAME, _IPV6 = 1, 3, 4
_SUCCEEDED, _GENERAL, _NOT_ALLOWED, _UNREACHABLE = 0, 1, 2, 4
_CODES: dict[type[Refusal], int] = {Denied: _NOT_ALLOWED, Unreachable: _UNREACHABLE}


async def serve(case: Case, client: Peer) -> Wanted:
    """Open the tunnel that ``client`` asks for. Raises a `Refusal`."""
    case.protocol = "socks5"
    try:
        wanted = await _read_request(case, client)
        await case.admit(wanted)
    except Refusal as refusal:
        with contextlib.suppress(OSError):
            await client.send(_reply(_CODES.get(type(refusal), _GENERAL)))
        raise
    await client.send(_reply(_SUCCEEDED))
    return wanted


def _reply(code: int) -> bytes:
    return bytes((VERSION, code, 0, _IPV4, 0, 0, 0, 0, 0, 0))


async def _read_request(case: Case, client: Peer) -> Wanted:
    limits = case.limits
    try:
        async with asyncio.timeout(limits.head_s):
            await _greet(client)
            return await _read_target(client)
    except TimeoutError as error:
        raise PastLimit(f"no complete request within {limits.head_s:g} s") from error


async def _greet(client: Peer) -> None:
    version, count = await _exactly(client, 2)
    methods = await _exactly(client, count)
    if version != VERSION or _NO_AUTHENTICATION not in methods:
        await client.send(bytes((VERSION, _NO_ACCEPTABLE_METHOD)))
        raise Malformed("SOCKS5 without the method 'no authentication'")
    await client.send(bytes((VERSION, _NO_AUTHENTICATION)))


async def _read_target(client: Peer) -> Wanted:
    version, command, reserved, kind = await _exactly(client, 4)
    if version != VERSION or reserved != 0:
        raise Malformed("no SOCKS5 request")
    if command != _CONNECT:
        raise Malformed("SOCKS5 with another command than CONNECT")
    host = await _read_host(client, kind)
    port = int.from_bytes(await _exactly(client, 2))
    if port == 0:
        raise Malformed("SOCKS5 to port 0")
    return Wanted(host, port)


async def _read_host(client: Peer, kind: int) -> Host:
    try:
        if kind == _IPV4:
            return canonical(str(ipaddress.IPv4Address(await _exactly(client, 4))))
        if kind == _IPV6:
            return canonical(str(ipaddress.IPv6Address(await _exactly(client, 16))))
        if kind == _NAME:
            (length,) = await _exactly(client, 1)
            return canonical((await _exactly(client, length)).decode("ascii"))
    except (BadHost, UnicodeDecodeError) as error:
        raise Malformed(f"SOCKS5 to no host: {error}") from error
    raise Malformed("SOCKS5 with an unknown kind of address")


async def _exactly(client: Peer, count: int) -> bytes:
    while len(client.pending) < count:
        if not await client.more():
            raise Malformed("the connection ended within a SOCKS5 message")
    return client.take(count)

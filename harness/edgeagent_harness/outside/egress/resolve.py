"""From a permitted name to a connection: resolve once, check every address, dial one of those very addresses."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from edgeagent_harness.outside.egress.outcomes import Denied, Unreachable
from edgeagent_harness.policy.addresses import not_public
from edgeagent_harness.policy.names import Address, Host
from edgeagent_harness.policy.types import Endpoint
from edgeagent_harness.protocol.egress_wire import Limits

_MAX_DIALLED = 4
_THREADS = 16


class Resolver(Protocol):
    """What tells a name's addresses."""

    async def resolve(self, name: str) -> list[Address]:
        """All addresses of ``name``. Raises OSError if there are none."""
        ...


class SystemResolver:
    """As every other program of this machine resolves: hosts file, DNS, whatever is configured."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_THREADS, "resolve")

    async def resolve(self, name: str) -> list[Address]:
        """See `Resolver`."""
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(self._threads, _look_up, name)
        return list(dict.fromkeys(ipaddress.ip_address(address) for address in found))


def _look_up(name: str) -> list[str]:
    return [str(entry[4][0]) for entry in socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)]


async def addresses_of(resolver: Resolver, host: Host, limits: Limits) -> list[Address]:
    """The addresses of ``host``; its own if it is one. Raises `Unreachable`."""
    if host.address is not None:
        return [host.address]
    try:
        async with asyncio.timeout(limits.resolve_s):
            found = await resolver.resolve(host.name)
    except TimeoutError as error:
        raise Unreachable(f"{host} was not resolved within {limits.resolve_s:g} s") from error
    except OSError as error:
        raise Unreachable(f"{host} does not resolve") from error
    if not found:
        raise Unreachable(f"{host} does not resolve")
    return found


def check(addresses: Iterable[Address], port: int, endpoints: Iterable[Endpoint]) -> None:
    """Refuse if one of ``addresses`` is not public, unless an endpoint names that very address with ``port``.

    One bad address refuses all: a name that has a public address beside a private one is how rebinding looks. Raises `Denied`.
    """
    named = {endpoint.host for endpoint in endpoints if endpoint.port == port}
    for address in addresses:
        kind = not_public(address) or ("this machine's own" if _is_own(address) else "")
        if kind and str(address) not in named:
            reason = f"resolves to {address}, which is {kind}; only an endpoint with that address and port would permit it"
            raise Denied(reason, str(address))


async def dial(addresses: list[Address], port: int, limits: Limits) -> tuple[socket.socket, Address]:
    """A connection to the first of ``addresses`` that answers; nothing is resolved again. Raises `Unreachable`."""
    problem = ""
    for address in addresses[:_MAX_DIALLED]:
        sock = socket.socket(_family(address), socket.SOCK_STREAM)
        sock.setblocking(False)
        try:
            async with asyncio.timeout(limits.dial_s):
                await asyncio.get_running_loop().sock_connect(sock, (str(address), port))
        except (OSError, TimeoutError) as error:
            sock.close()
            problem = f"{address} port {port}: {error or 'no answer in time'}"
        except BaseException:
            sock.close()
            raise
        else:
            _set_up(sock, limits)
            return sock, address
    raise Unreachable(f"no connection to {problem}", str(addresses[0]))


def _set_up(sock: socket.socket, limits: Limits) -> None:
    """A slow server is waited for; one whose host does not answer the kernel's own probes is not (tcp(7))."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, max(1, round(limits.silent_s / 3)))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, max(1, round(limits.silent_s / 6)))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(limits.silent_s * 1000))


def _is_own(address: Address) -> bool:
    """Whether this machine itself has ``address``: a connection to it would reach services meant for the machine."""
    with socket.socket(_family(address), socket.SOCK_DGRAM) as sock:
        try:
            sock.connect((str(address), 9))  # sends nothing: it only picks a source address
            return str(ipaddress.ip_address(sock.getsockname()[0])) == str(address)
        except OSError:
            return False


def _family(address: Address) -> socket.AddressFamily:
    return socket.AF_INET if address.version == 4 else socket.AF_INET6

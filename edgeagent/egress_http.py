"""HTTP clients whose every connection goes through the program's own egress broker: for the model hub and for remote models.

The broker decides on each by name and address, and lists it. Proxies in the environment are not asked.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from pathlib import Path
from typing import cast

import httpcore2
import httpx2

from edgeagent.egress import Asking
from edgeagent.errors import EgressDenied, EgressUnreachable

_READ_BYTES = 64 * 1024
_CONNECT_S = 15.0
"""The broker itself gives up on a place after 10 s for each of its addresses."""


class BrokerTransport(httpx2.HTTPTransport):
    """For `httpx2.Client`. Raises `EgressDenied` for what the policy does not permit."""

    def __init__(self, broker_socket: Path) -> None:
        super().__init__(trust_env=False)
        context = httpx2.create_ssl_context(trust_env=False)
        self._pool = httpcore2.ConnectionPool(ssl_context=context, network_backend=_Backend(broker_socket))


class AsyncBrokerTransport(httpx2.AsyncHTTPTransport):
    """For `httpx2.AsyncClient`; ``context``: what certificates are checked with, by default the usual authorities."""

    def __init__(self, broker_socket: Path, context: ssl.SSLContext | None = None) -> None:
        super().__init__(trust_env=False)
        context = context or httpx2.create_ssl_context(trust_env=False)
        self._pool = httpcore2.AsyncConnectionPool(ssl_context=context, network_backend=_AsyncBackend(broker_socket))


class _Backend(httpcore2.NetworkBackend):
    """Connects to the broker, whatever the place, and asks it for a tunnel there."""

    def __init__(self, broker_socket: Path) -> None:
        self._socket = str(broker_socket)
        self._connections = httpcore2.SyncBackend()

    def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, local_address: str | None = None,
        socket_options: Iterable[object] | None = None,
    ) -> httpcore2.NetworkStream:  # fmt: skip
        asking = Asking(host, port)
        try:
            stream = self._connections.connect_unix_socket(self._socket, timeout)
        except httpcore2.ConnectError as error:
            raise EgressDenied(f"{host}:{port}: the egress broker has ended") from error
        try:
            stream.write(asking.request, timeout)
            while not asking.open_after(stream.read(_READ_BYTES, timeout or _CONNECT_S)):
                pass
        except EgressUnreachable as error:
            stream.close()
            raise httpcore2.ConnectError(str(error)) from error
        except BaseException:
            stream.close()
            raise
        return stream


class _AsyncBackend(httpcore2.AsyncNetworkBackend):
    """The same for asyncio."""

    def __init__(self, broker_socket: Path) -> None:
        self._socket = str(broker_socket)
        self._connections = cast(httpcore2.AsyncNetworkBackend, httpcore2.AnyIOBackend())

    async def connect_tcp(
        self, host: str, port: int, timeout: float | None = None,  # noqa: ASYNC109
        local_address: str | None = None, socket_options: Iterable[object] | None = None,
    ) -> httpcore2.AsyncNetworkStream:  # fmt: skip
        asking = Asking(host, port)
        try:
            stream = await self._connections.connect_unix_socket(self._socket, timeout)
        except httpcore2.ConnectError as error:
            raise EgressDenied(f"{host}:{port}: the egress broker has ended") from error
        try:
            await stream.write(asking.request, timeout)
            while not asking.open_after(await stream.read(_READ_BYTES, timeout or _CONNECT_S)):
                pass
        except EgressUnreachable as error:
            await stream.aclose()
            raise httpcore2.ConnectError(str(error)) from error
        except BaseException:
            await stream.aclose()
            raise
        return stream

    async def sleep(self, seconds: float) -> None:
        await self._connections.sleep(seconds)

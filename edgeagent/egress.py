"""This program's own way out: a broker like the sandbox's, with the same decisions and the same audit.

Whatever in the app needs another machine opens its connections here, and nowhere else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType

import h11

from edgeagent import offline
from edgeagent.errors import EgressDenied, EnvironmentProblem
from edgeagent_harness.broker import EgressBroker
from edgeagent_harness.errors import EnvironmentLacks
from edgeagent_harness.policy.types import Egress, Response
from edgeagent_harness.protocol.audit import Connection
from edgeagent_harness.protocol.egress_wire import Configure

_HEAD_BYTES = 64 * 1024
_MEND = "name host and port in the policy's network.egress.endpoints"
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class AppEgress:
    """Connections of the app by ``egress``; ``on_audited`` hears of each. Use as an async context manager.

    Where the policy has no allowlist there is no broker, and every connection is denied.
    """

    def __init__(self, egress: Egress, on_audited: Callable[[Connection], None], response: Response = "deny") -> None:
        self._egress = egress
        self._response: Response = response
        self._on_audited = on_audited
        self._broker: EgressBroker | None = None

    async def __aenter__(self) -> AppEgress:
        """Start the broker. Raises `EnvironmentProblem`, in offline mode always."""
        offline.require_network("a connection to another machine")
        if self._egress.mode == "allowlist":
            settings = Configure("app", self._egress.endpoints, self._response)
            self._broker = await EgressBroker.start(settings, self._on_audited)
            try:
                await self._broker.serving()
            except EnvironmentLacks as error:
                raise EnvironmentProblem(str(error)) from error
        return self

    async def __aexit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        if self._broker:
            await self._broker.close()

    async def connect(self, host: str, port: int) -> Streams:
        """A tunnel to ``host`` for TLS with that name (``start_tls``), or for one plain HTTP request. Raises `EgressDenied`."""
        target = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        if self._broker is None:
            raise EgressDenied(f"{target}: network.egress.mode is {self._egress.mode}", _MEND)
        proxy = h11.Connection(h11.CLIENT, max_incomplete_event_size=_HEAD_BYTES)
        try:
            request = proxy.send(h11.Request(method="CONNECT", target=target, headers=[("Host", target)])) or b""
        except h11.LocalProtocolError as error:
            raise EgressDenied(f"{target!r} cannot be asked for: {error}") from error
        reader, writer = await asyncio.open_unix_connection(self._broker.socket_path)
        try:
            writer.write(request)
            await _await_tunnel(reader, proxy, target)
        except BaseException:
            writer.close()
            raise
        return reader, writer


async def _await_tunnel(reader: asyncio.StreamReader, proxy: h11.Connection, target: str) -> None:
    """Read the broker's answer; in a tunnel that is open nothing follows it before the client's first bytes."""
    status, text = 0, b""
    while True:
        event = proxy.next_event()
        if event is h11.NEED_DATA:
            proxy.receive_data(await reader.read(_HEAD_BYTES))
        elif isinstance(event, h11.Response):
            if event.status_code == 200:
                return
            status = event.status_code
        elif isinstance(event, h11.Data):
            text += bytes(event.data)
        else:
            reason = text.decode(errors="replace").strip().removeprefix("edgeagent: ")
            raise EgressDenied(f"{target}: {reason or f'the egress broker answered {status}'}", _MEND)

"""This program's own way out: a broker like the sandbox's, with the same decisions and the same audit.

Whatever in the app needs another machine opens its connections here, and nowhere else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

import h11

from edgeagent import offline
from edgeagent.errors import EgressDenied, EgressUnreachable, EnvironmentProblem
from edgeagent_harness.broker import EgressBroker
from edgeagent_harness.errors import EnvironmentLacks
from edgeagent_harness.policy.types import Egress, Response
from edgeagent_harness.protocol.audit import Connection
from edgeagent_harness.protocol.egress_wire import Configure

_UNREACHABLE = 502
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
            except BaseException as error:  # also a cancellation: nobody else would end its process
                await self._broker.close()
                if isinstance(error, EnvironmentLacks):
                    raise EnvironmentProblem(str(error)) from error
                raise
        return self

    async def __aexit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        if self._broker:
            await self._broker.close()

    @property
    def broker_socket(self) -> Path:
        """Where the broker listens. Raises `EgressDenied` where the policy has none."""
        if self._broker is None:
            raise EgressDenied(f"network.egress.mode is {self._egress.mode}", _MEND)
        return self._broker.socket_path

    async def connect(self, host: str, port: int) -> Streams:
        """A tunnel to ``host`` for TLS with that name (``start_tls``), or for one plain HTTP request. Raises `EgressDenied`."""
        asking = Asking(host, port)
        reader, writer = await asyncio.open_unix_connection(self.broker_socket)
        try:
            writer.write(asking.request)
            while not asking.open_after(await reader.read(_HEAD_BYTES)):
                pass
        except BaseException:
            writer.close()
            raise
        return reader, writer


class Asking:
    """One question for a tunnel, without I/O: send `request`, then give `open_after` what comes until it says so."""

    def __init__(self, host: str, port: int) -> None:
        self._target = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self._proxy = h11.Connection(h11.CLIENT, max_incomplete_event_size=_HEAD_BYTES)
        self._status, self._text = 0, b""
        try:
            asked = h11.Request(method="CONNECT", target=self._target, headers=[("Host", self._target)])
            self.request = self._proxy.send(asked) or b""
        except h11.LocalProtocolError as error:
            raise EgressDenied(f"{self._target!r} cannot be asked for: {error}") from error

    def open_after(self, data: bytes) -> bool:
        """Whether the tunnel is open now; nothing follows the broker's answer before the client's first bytes.

        Raises `EgressDenied` with the broker's reason.
        """
        self._proxy.receive_data(data)
        while True:
            try:
                event = self._proxy.next_event()
            except h11.RemoteProtocolError as error:
                raise EgressDenied(f"{self._target}: the egress broker did not answer: {error}") from error
            if event is h11.NEED_DATA:
                return False
            if isinstance(event, h11.Response):
                if event.status_code == 200:
                    return True
                self._status = event.status_code
            elif isinstance(event, h11.Data):
                self._text += bytes(event.data)
            else:
                reason = self._text.decode(errors="replace").strip().removeprefix("edgeagent: ")
                problem = f"{self._target}: {reason or f'the egress broker answered {self._status}'}"
                raise EgressUnreachable(problem) if self._status == _UNREACHABLE else EgressDenied(problem, _MEND)

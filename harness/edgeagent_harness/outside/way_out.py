"""A sandbox's way out, where its policy has an allowlist: the broker, what it lists, and what changes while it runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from edgeagent_harness.broker import EgressBroker
from edgeagent_harness.errors import UsageProblem
from edgeagent_harness.policy.hosts import canonical_endpoint_host
from edgeagent_harness.policy.parse import parse
from edgeagent_harness.policy.types import Endpoint, Policy
from edgeagent_harness.protocol import audit, egress_wire


class End(Protocol):
    """How a sandbox is ended."""

    def __call__(self, reason: str, violation: bool = False) -> None: ...


class WayOut:
    """Made by `open`; `close` it when the sandbox is gone."""

    def __init__(self, broker: EgressBroker, policy_name: str, tell: Callable[[audit.Entry], None]) -> None:
        self._broker = broker
        self._policy_name = policy_name
        self._tell = tell
        self._open = True

    @classmethod
    async def open(cls, policy: Policy, name: str, tell: Callable[[audit.Entry], None], end: End) -> WayOut:
        """Start the broker of ``policy``; it need not be up yet.

        ``tell`` hears of every connection, ``end`` is called for what ends the sandbox.
        """
        kills = policy.violations.egress == "kill_sandbox"

        def listed(entry: audit.Connection) -> None:
            tell(entry)
            if kills and entry.decision == "denied":
                end(f"on_violation.egress: {entry.host or 'a request'} port {entry.port}: {entry.reason}", violation=True)

        settings = egress_wire.Configure("sandbox", policy.egress.endpoints, policy.violations.egress)
        way_out = cls(await EgressBroker.start(settings, listed), name, tell)

        def gone(_: object) -> None:
            if way_out._open:
                end("the egress broker ended")

        way_out._broker.gone.add_done_callback(gone)
        return way_out

    @property
    def socket_path(self) -> str:
        """The broker's socket, to be mounted into the sandbox."""
        return str(self._broker.socket_path)

    async def up(self) -> None:
        """Wait until it serves. The socket is mounted by then: its path on the host is taken away. Raises `EnvironmentLacks`."""
        await self._broker.serving()
        self._broker.hide()

    async def reload(self, policy_yaml: str) -> None:
        """Let the endpoints of ``policy_yaml`` hold. Raises `UsageProblem` if it cannot be read: then the old ones do."""
        try:
            egress = parse(policy_yaml, self._policy_name).egress
        except UsageProblem as problem:
            self._tell(audit.PolicyChanged(False, f"the old endpoints hold: {problem}"[:500]))
            raise
        closed = await self._broker.replace(egress.endpoints)
        shown = tuple(f"{endpoint.host}:{endpoint.port}" for endpoint in egress.endpoints)
        self._tell(audit.PolicyChanged(True, closed_connections=closed, endpoints=shown))

    async def allow(self, host: str, port: int) -> None:
        """Let the user's ``host`` be reached too for the rest of this session. Raises `UsageProblem`."""
        try:
            endpoint = Endpoint(canonical_endpoint_host(host), port)
        except ValueError as error:
            raise UsageProblem(f"{host!r} cannot be allowed: {error}") from error
        await self._broker.allow(endpoint)
        self._tell(audit.UserAllowed(endpoint.host, port, "session"))

    async def close(self) -> None:
        """End the broker; what is still open is listed first."""
        self._open = False
        await self._broker.close()


def refuse_changes() -> UsageProblem:
    """The error for a sandbox that has no way out whose endpoints could change."""
    return UsageProblem(
        "this session was started without a way out of the sandbox (network.egress.mode is deny or offline), and nothing can "
        "give it one while it runs; start a new one with mode: allowlist"
    )

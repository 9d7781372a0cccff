"""One client connection from its acceptance to its audit entry: admitted or refused, counted, limited."""

from __future__ import annotations

import asyncio
import ipaddress
import time
from dataclasses import dataclass, field
from typing import Literal, Protocol

from edgeagent_harness.outside.egress import resolve
from edgeagent_harness.outside.egress.outcomes import Denied, PastLimit
from edgeagent_harness.outside.egress.peer import Peer
from edgeagent_harness.policy.decide import Wanted, decide
from edgeagent_harness.policy.types import Egress
from edgeagent_harness.protocol.audit import Connection, Decision
from edgeagent_harness.protocol.egress_wire import Configure, Limits

_SHOWN_CHARACTERS = 200


class Rules(Protocol):
    """What holds now, for all connections; the broker."""

    settings: Configure
    resolver: resolve.Resolver
    total_bytes: int
    """Of all connections so far."""

    @property
    def egress(self) -> Egress:
        """The endpoints as they are at this moment."""
        ...


@dataclass(slots=True)
class Case:
    """The state of one connection. It is in one task's hands, but `Broker.replace` may cancel it."""

    rules: Rules
    protocol: Literal["http", "connect", "socks5"] = "http"
    wanted: Wanted | None = None
    """Set once it is admitted (before anything is resolved)."""
    upstream: Peer | None = None
    ended_because: str = ""
    """Set before the task is cancelled for a reason of ours."""
    address: str = ""
    bytes_out: int = 0
    bytes_in: int = 0
    _reason: str = ""
    _shown: Wanted | None = None
    _decision: Decision = "denied"
    _began_s: float = field(default_factory=time.monotonic)
    _idle: asyncio.Timeout | None = None

    @property
    def limits(self) -> Limits:
        """What this connection may use."""
        return self.rules.settings.limits

    @property
    def log_only(self) -> bool:
        """Whether what the endpoints do not permit is listed, and permitted all the same."""
        return self.rules.settings.response == "log"

    async def admit(self, wanted: Wanted) -> Peer:
        """Decide on ``wanted``, then resolve, check and dial. Raises a `Refusal`."""
        self.judge(wanted)
        self.wanted = wanted
        limits = self.limits
        addresses = await resolve.addresses_of(self.rules.resolver, wanted.host, limits)
        resolve.check(addresses, wanted.port, self.rules.egress.endpoints)
        sock, address = await resolve.dial(addresses, wanted.port, limits)
        self.address = str(address)
        self.upstream = await Peer.of(sock, self._count_in, self._count_out)
        return self.upstream

    def judge(self, wanted: Wanted) -> None:
        """Raise `Denied` unless ``wanted`` is permitted, or denials are only listed."""
        self._shown = wanted
        ruling = decide(self.rules.egress, wanted)
        self._reason = ruling.reason
        if ruling.permitted:
            self._decision = "allowed" if self._decision != "would_deny" else "would_deny"
        elif self.log_only:
            self._decision = "would_deny"
        else:
            self._decision = "denied"
            raise Denied(ruling.reason)

    def still_permitted(self) -> bool:
        """Whether what was admitted would be admitted by the endpoints as they are now."""
        if self.wanted is None or self.log_only:
            return True
        egress = self.rules.egress
        try:
            if self.address:
                resolve.check([ipaddress.ip_address(self.address)], self.wanted.port, egress.endpoints)
        except Denied:
            return False
        return decide(egress, self.wanted).permitted

    def refused(self, reason: str, address: str = "") -> None:
        """Note that the connection ends because of ``reason`` without having been served."""
        self._decision = "denied"
        self._reason = reason
        self.address = address or self.address

    def failed(self, reason: str) -> None:
        """Note that a permitted connection did not come about, or broke."""
        self._reason = f"{self._reason}; {reason}" if self._reason else reason

    def entry(self) -> Connection:
        """What the audit lists of this connection."""
        shown = self._shown
        return Connection(
            decision=self._decision,
            client=self.rules.settings.client,
            protocol=self.protocol,
            host=shown.host.name if shown else "",
            port=shown.port if shown else 0,
            reason=self._reason[:500],
            method=shown.method[:_SHOWN_CHARACTERS] if shown else "",
            path=shown.path[:_SHOWN_CHARACTERS] if shown else "",
            address=self.address,
            bytes_out=self.bytes_out,
            bytes_in=self.bytes_in,
            duration_ms=round((time.monotonic() - self._began_s) * 1000, 3),
        )

    # -- limits -----------------------------------------------------------------------------------------------------------

    def watch_idleness(self) -> asyncio.Timeout:
        """A timeout that every byte in either direction puts off."""
        self._idle = asyncio.timeout(self.limits.idle_s)
        return self._idle

    def active(self, _count: int = 0) -> None:
        """Bytes came from the client or went to it."""
        if self._idle and self._idle.when() is not None:
            self._idle.reschedule(asyncio.get_running_loop().time() + self.limits.idle_s)

    def _count_out(self, count: int) -> None:
        self.bytes_out += count
        self._count(count)

    def _count_in(self, count: int) -> None:
        self.bytes_in += count
        self._count(count)

    def _count(self, count: int) -> None:
        self.active()
        self.rules.total_bytes += count
        limits = self.limits
        if self.bytes_in + self.bytes_out > limits.connection_bytes:
            raise PastLimit(f"more than {limits.connection_bytes} bytes in one connection")
        if self.rules.total_bytes > limits.total_bytes:
            raise PastLimit(f"more than {limits.total_bytes} bytes in this session")

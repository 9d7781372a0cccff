"""Messages between a broker of egress and whoever started it, over the broker's control socket."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import msgspec

from edgeagent_harness.policy.types import Endpoint, Response
from edgeagent_harness.protocol.audit import Connection


class _Message(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type"):
    """Base of all messages."""


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the broker lets its clients use. Defaults hold for every session; tests set smaller ones."""

    connections: int = 256
    """At once; one more is closed unread."""
    header_bytes: int = 32 * 1024
    """Of one request's or response's head, or of a ClientHello."""
    head_s: float = 10.0
    """From accepting a connection to the end of its request's head, and again to the end of the ClientHello."""
    resolve_s: float = 10.0
    dial_s: float = 10.0
    """For each address, of which at most four are tried."""
    idle_s: float = 300.0
    """Without a byte in either direction."""
    silent_s: float = 30.0
    """Without a sign of life from the other host itself, its keepalives included: the network between is gone."""
    connection_bytes: int = 8 << 30
    """Of one connection, both directions together."""
    total_bytes: int = 64 << 30
    """Of all connections of this broker, both directions together."""


class Configure(_Message, frozen=True, tag="configure"):
    """First message to a broker."""

    client: Literal["sandbox", "app"]
    endpoints: tuple[Endpoint, ...]
    response: Response
    """``on_violation.egress``. ``kill_sandbox`` denies here; ending the sandbox is up to whoever gets the entries."""
    limits: Limits = Limits()


class Replace(_Message, frozen=True, tag="replace"):
    """These endpoints hold from now on, beside those that were allowed one by one."""

    id: int
    endpoints: tuple[Endpoint, ...]


class Allow(_Message, frozen=True, tag="allow"):
    """The user permits one more place for as long as this broker lives."""

    id: int
    endpoint: Endpoint


Request: TypeAlias = Configure | Replace | Allow


class Serving(_Message, frozen=True, tag="serving"):
    """Configured; connections are accepted."""


class Replaced(_Message, frozen=True, tag="replaced"):
    """Reply to `Replace` and `Allow`."""

    id: int
    closed_connections: Annotated[int, msgspec.Meta(ge=0)]
    """That the new endpoints permit no longer."""


class Listed(_Message, frozen=True, tag="listed"):
    """Notice: one connection for the audit."""

    entry: Connection


Reply: TypeAlias = Serving | Replaced | Listed

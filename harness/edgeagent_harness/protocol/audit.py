"""What the audit lists: one frozen type and one tag each. Supervisor and egress broker send them; the app writes them.

Nothing that these texts quote is trusted: paths and names inside are cut to size, and shown with control characters escaped.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import msgspec

Text = Annotated[str, msgspec.Meta(max_length=500)]
Decision = Literal["allowed", "denied", "would_deny"]
"""``would_deny``: permitted, as ``on_violation`` says ``log`` for it."""


class _Entry(msgspec.Struct, frozen=True, tag_field="kind", omit_defaults=True):
    """Base of all entries. Unknown fields are tolerated: an audit outlives versions."""


class SandboxStarted(_Entry, frozen=True, tag="sandbox_started"):
    """The header: what holds from here on. The first entry, and again after each restart of the sandbox."""

    policy: Text
    """Name of the profile or file."""
    policy_sha256: Text
    layers: tuple[Text, ...]
    missing: tuple[Text, ...] = ()
    accepted_missing: tuple[Text, ...] = ()
    degraded: tuple[Text, ...] = ()
    """Layers that hold by a weaker means, with the reason."""


class SandboxEnded(_Entry, frozen=True, tag="sandbox_ended"):
    """The sandbox is gone."""

    reason: Text
    violation: bool = False
    """Whether a violation of class ``kill_sandbox`` ended it."""


class Connection(_Entry, frozen=True, tag="connection"):
    """The broker's decision on one request; a permitted one is listed when it ends, with its bytes."""

    decision: Decision
    client: Literal["sandbox", "app"]
    protocol: Literal["http", "connect", "socks5"]
    host: Text
    port: int
    reason: Text = ""
    """Why it was denied, or the endpoint that permits it."""
    method: Text = ""
    path: Text = ""
    address: Text = ""
    """The address that was dialled, or the one that was refused."""
    bytes_out: int = 0
    bytes_in: int = 0
    duration_ms: float = 0.0


class SystemCall(_Entry, frozen=True, tag="system_call"):
    """A denied system call was tried inside."""

    decision: Decision
    call: Text
    pid: int
    command: Text = ""
    count: int = 1
    """So many alike in a row since the last entry."""


class Executed(_Entry, frozen=True, tag="executed"):
    """A program was started inside. Told by the program's caller: a hint for people, no proof."""

    path: Text
    pid: int
    command: Text = ""


class LimitPassed(_Entry, frozen=True, tag="limit_passed"):
    """More was used than the policy allows; both in ``unit``."""

    limit: Literal["memory", "pids", "cpu", "disk", "timeout"]
    used: float
    allowed: float
    unit: Text = ""


class PolicyChanged(_Entry, frozen=True, tag="policy_changed"):
    """The endpoints were read anew, or could not be: then the old ones hold."""

    accepted: bool
    reason: Text = ""
    closed_connections: int = 0
    endpoints: tuple[Text, ...] = ()


class UserAllowed(_Entry, frozen=True, tag="user_allowed"):
    """The user permitted a host that was denied."""

    host: Text
    port: int
    scope: Literal["session", "always"]


class GateDecision(_Entry, frozen=True, tag="gate"):
    """What the gate said to an action of the model."""

    decision: Literal["allowed", "asked", "denied", "would_deny"]
    rule: Text
    action: Text
    reason: Text = ""


class SessionStopped(_Entry, frozen=True, tag="session_stopped"):
    """The governor stopped a session; in the governor's own log."""

    session: Text
    reason: Text
    pid: int = 0
    by: Text = ""
    """The signal that it ended after."""
    failed: Text = ""
    """Why it could not be stopped."""


Entry: TypeAlias = (
    SandboxStarted
    | SandboxEnded
    | Connection
    | SystemCall
    | Executed
    | LimitPassed
    | PolicyChanged
    | UserAllowed
    | GateDecision
    | SessionStopped
)

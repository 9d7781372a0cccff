"""Entries of the audit that a person should hear of while a run goes on, in words, each with what can be done about it."""

from __future__ import annotations

from edgeagent.counts import counted
from edgeagent_harness.policy.hosts import endpoint_text
from edgeagent_harness.policy.types import Endpoint
from edgeagent_harness.protocol import audit


class AuditNews:
    """Remembers what was told: a page that asks for a denied host a hundred times is told once."""

    def __init__(self) -> None:
        self._denied: set[tuple[str, int]] = set()

    def words(self, session: str, entry: audit.Entry) -> str:
        """What to tell of ``entry`` of ``session``; empty: nothing."""
        match entry:
            case audit.Connection(decision="denied", client="sandbox", host=host, port=port) if host:
                if (host, port) in self._denied:
                    return ""
                self._denied.add((host, port))
                place = endpoint_text(Endpoint(host, port))
                return f"denied: {place} ({entry.reason}); to allow it: edgeagent policy allow {place} --session {session}"
            case audit.PolicyChanged(accepted=True, reason=reason, closed_connections=closed):
                parts = [
                    "the policy was read anew",
                    f"{counted(closed, 'connection')} closed" if closed else "",
                    reason,
                ]
                return "; ".join(part for part in parts if part)
            case audit.PolicyChanged(reason=reason):
                return f"the policy's old endpoints still hold: {reason}"
            case audit.UserAllowed(host=host, port=port):
                self._denied.discard((host, port))
                return f"allowed by the user: {endpoint_text(Endpoint(host, port))}"
            case _:
                return ""

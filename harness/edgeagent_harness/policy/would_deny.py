"""What ``on_violation: log`` let through: kept while it happens, told in one list at the end."""

from __future__ import annotations

from edgeagent_harness.protocol import audit

MAX_LISTED = 200
"""Different ones; the audit has them all."""


class WouldDeny:
    """Hears every entry of the audit and keeps those that the policy would have denied."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}

    def add(self, entry: audit.Entry) -> None:
        """Keep ``entry`` if it is one."""
        words = _words(entry)
        if words and (words in self._counts or len(self._counts) < MAX_LISTED):
            self._counts[words] = self._counts.get(words, 0) + (entry.count if isinstance(entry, audit.SystemCall) else 1)

    def lines(self) -> tuple[str, ...]:
        """One line for each different one, in the order of their first time, with how often it came."""
        return tuple(f"{words} ({count} times)" if count > 1 else words for words, count in self._counts.items())


def _words(entry: audit.Entry) -> str:
    match entry:
        case audit.Connection(decision="would_deny"):
            return f"connection to {entry.host}:{entry.port}: {entry.reason}"
        case audit.SystemCall(decision="would_deny"):
            return f"system call {entry.call} by {entry.command or 'a program'}"
        case audit.GateDecision(decision="would_deny"):
            return f"{entry.action}: {entry.rule}"
        case _:
            return ""

"""How a connection can end before it is served. The error tree of the broker; each becomes an audit entry."""

from __future__ import annotations


class Refusal(Exception):
    """Base: the client is told ``status`` and the text."""

    status = 403

    def __init__(self, reason: str, address: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.address = address
        """The address that was the reason, if one was."""


class Denied(Refusal):
    """The policy does not permit it."""


class Malformed(Refusal):
    """Not a request in the one form that is accepted."""

    status = 400


class Unreachable(Refusal):
    """Permitted, but the name does not resolve or nothing answers."""

    status = 502


class PastLimit(Refusal):
    """A limit on size, time or number was passed."""

    status = 429

"""What a serving stack is told beside a request: whose it is, so that a session finds its cache again, and what will come of it.

Headers are ignored by whoever does not know them. Hints stand in the body, in the form of NVIDIA Dynamo, which refuses unknown
fields, as other servers do: whoever refuses them gets none any more.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import msgspec

from edgeagent_models.protocol import Complete

_HEADERS = ("x-dynamo-session-id", "x-session-id")
DEFAULT_PRIORITY = 5
"""Higher is served earlier."""


@dataclass(frozen=True, slots=True)
class Tags:
    """Of one session."""

    session: str
    """Its name to the server: the same in all its requests, on whatever machine, and tells nothing else."""
    priority: int = DEFAULT_PRIORITY

    @classmethod
    def of(cls, tenant: str, session: str) -> Tags:
        return cls(hashlib.blake2b(f"{tenant}/{session}".encode(), digest_size=16).hexdigest())

    @property
    def headers(self) -> dict[str, str]:
        return dict.fromkeys(_HEADERS, self.session)

    def hinted(self, body: bytes, request: Complete) -> bytes:
        """``body`` with what the scheduler may use: how long the answer can be, and that the same prompt goes on soon."""
        hints = {"priority": self.priority, "osl": request.sampling.max_tokens, "speculative_prefill": True}
        return msgspec.json.encode({**msgspec.json.decode(body, type=dict[str, msgspec.Raw]), "nvext": {"agent_hints": hints}})

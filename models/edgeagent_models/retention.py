"""Which parked states go when there are too many: the rule alone. Pure.

What a state is worth: how much its owner wants it, times what it would cost to compute it again, for each byte that it takes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TypeVar


class Hints(Protocol):
    """What the rule goes by."""

    @property
    def priority(self) -> int: ...

    @property
    def expires_s(self) -> float:
        """Unix time."""
        ...

    @property
    def cost_tokens(self) -> int:
        """Tokens that would have to be computed again."""
        ...

    @property
    def size_bytes(self) -> int: ...

    @property
    def pinned(self) -> bool:
        """Goes after all that are not."""
        ...


H = TypeVar("H", bound=Hints)


def worth(entry: Hints) -> float:
    """Tokens saved for each byte, weighted by priority."""
    return entry.priority * entry.cost_tokens / max(1, entry.size_bytes)


def to_go(entries: Iterable[H], limit_bytes: int, now_s: float) -> list[H]:
    """What must go so that the rest takes at most ``limit_bytes``: what has expired, then the least worth first."""
    held = list(entries)
    going = [entry for entry in held if entry.expires_s <= now_s]
    staying = sorted((entry for entry in held if entry.expires_s > now_s), key=lambda entry: (entry.pinned, worth(entry)))
    too_much = sum(entry.size_bytes for entry in held) - sum(entry.size_bytes for entry in going) - limit_bytes
    for entry in staying:
        if too_much <= 0:
            break
        going.append(entry)
        too_much -= entry.size_bytes
    return going

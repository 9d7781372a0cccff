"""What was measured of a place and of engines: whether a state is worth its way there and back."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path
from typing import Literal

import msgspec

RATE_TTL_S = 86_400.0
"""A place that was slow is tried again after so long."""
MIN_TOKENS = 256
"""Computed at once: less says nothing."""
Way = Literal["there", "back"]


class Rate(msgspec.Struct, frozen=True):
    """Of one way."""

    bytes_per_s: float
    measured_s: float
    """Unix time."""


class Rates(msgspec.Struct):
    """Kept in a file of its own: losing it costs a transfer that is not worth it."""

    where: str
    """The place that was measured."""
    ways: dict[Way, Rate] = {}
    tokens_per_s: dict[str, float] = {}
    """By an engine's fingerprint."""

    @classmethod
    def kept(cls, path: Path, where: str) -> Rates:
        """What is in ``path`` of the place ``where``."""
        with contextlib.suppress(OSError, msgspec.MsgspecError, UnicodeDecodeError):
            found = msgspec.json.decode(path.read_bytes(), type=cls)
            return found if found.where == where else cls(where, {}, found.tokens_per_s)
        return cls(where)

    def keep(self, path: Path) -> None:
        scratch = path.with_name(f".{path.name}.{os.getpid()}")
        with contextlib.suppress(OSError):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            scratch.write_bytes(msgspec.json.encode(self))
            os.replace(scratch, path)

    def moved(self, way: Way, size_bytes: int, took_s: float) -> None:
        """So much went that ``way`` in ``took_s``, or was still on it."""
        self.ways[way] = Rate(max(1, size_bytes) / max(took_s, 1e-3), time.time())

    def computed(self, fingerprint: str, tokens: int, took_s: float) -> None:
        """An engine took ``took_s`` for so many tokens of a prompt."""
        if tokens >= MIN_TOKENS and took_s > 0:
            before = self.tokens_per_s.get(fingerprint, tokens / took_s)
            self.tokens_per_s[fingerprint] = (before + tokens / took_s) / 2

    def computing_s(self, fingerprint: str, tokens: int) -> float | None:
        """How long computing ``tokens`` again would take; None if that is not known."""
        rate = self.tokens_per_s.get(fingerprint)
        return tokens / rate if rate else None

    def moving_s(self, way: Way, size_bytes: int) -> float | None:
        """How long so much would be on its ``way``; None if that is not known, or no more."""
        rate = self.ways.get(way) or self.ways.get("there")
        return size_bytes / rate.bytes_per_s if rate and time.time() - rate.measured_s < RATE_TTL_S else None

    def too_slow(self, way: Way, size_bytes: int, fingerprint: str, tokens: int) -> bool:
        """Whether computing again takes less, as far as both are known."""
        moving_s, computing_s = self.moving_s(way, size_bytes), self.computing_s(fingerprint, tokens)
        return moving_s is not None and computing_s is not None and moving_s > computing_s

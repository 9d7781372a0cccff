"""What a hand-over tells of itself while it goes on; the command line and the terminal app only render it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from edgeagent.teleport.plan import Plan

Stage = Literal["preparing", "uploading", "verifying", "handing_over", "there", "returning", "fetching", "returned"]


@dataclass(frozen=True, slots=True)
class Entered:
    """A stage began."""

    stage: Stage
    session: str
    backend: str


@dataclass(frozen=True, slots=True)
class Previewed:
    """This is what would leave."""

    plan: Plan


@dataclass(frozen=True, slots=True)
class Moved:
    """Bytes of chunks that went over so far, of those that were missing there (or here)."""

    done: int
    total: int
    had: int
    """Bytes that were there already."""


Progress: TypeAlias = Entered | Previewed | Moved
Tell: TypeAlias = Callable[[Progress], None]

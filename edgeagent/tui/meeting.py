"""A backend is met on a thread of its own, by whichever face of the app asks."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TypeAlias

from edgeagent.errors import EdgeAgentError
from edgeagent.teleport.backends import Connected
from edgeagent.teleport.meeting import meet
from edgeagent.tui.loop_thread import LoopThread

NOTES = (
    "A machine of yours, or one that you trust as much, that goes on with sessions. There:",
    "  edgeagent cloud token create me",
    "  edgeagent cloud serve --host ADDRESS --tls-cert PEM --tls-key PEM",
)


@dataclass(frozen=True, slots=True)
class Met:
    """It answered, took the token, and showed its keys."""

    found: Connected


@dataclass(frozen=True, slots=True)
class NotMet:
    """It did not come to that."""

    problem: str
    hint: str


MeetTold: TypeAlias = Met | NotMet


class MeetThread(LoopThread[MeetTold]):
    """Meets ``unknown``."""

    def __init__(self, unknown: Connected) -> None:
        super().__init__("meet a backend")
        self._unknown = unknown
        self._task: asyncio.Task[Connected] | None = None

    def cancel(self) -> None:
        """Nobody waits for it any more."""
        self._on_loop(lambda: self._task.cancel() if self._task else None)

    async def _run(self) -> MeetTold:
        self._task = asyncio.ensure_future(meet(self._unknown))
        try:
            return Met(await self._task)
        except asyncio.CancelledError:
            return NotMet("let go", "")
        except EdgeAgentError as error:
            return NotMet(str(error), error.hint)


def shown_key(found: Connected) -> str:
    """What its user is asked to compare."""
    models = f"\nIt has servers for {', '.join(found.models)}." if found.models else ""
    shown = f"It took the token, and shows this ed25519 key:\n  {found.signer}\n"
    return f"{shown}Is it the one that `edgeagent cloud serve` printed there?{models}"

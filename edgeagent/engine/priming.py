"""Uses the time in which an action is carried out: the engine is told how the next prompt will probably begin."""

from __future__ import annotations

import asyncio
import contextlib

from edgeagent.engine.host import Seat
from edgeagent.errors import EngineError
from edgeagent_models.protocol import ChatMessage, Prime


class Primer:
    """Sends beginnings of prompts to one seat. Nothing waits for them, and it does not matter if one fails."""

    def __init__(self, seat: Seat) -> None:
        self._seat = seat
        self._under_way: set[asyncio.Task[None]] = set()

    def prime(self, messages: tuple[ChatMessage, ...]) -> None:
        """Have ``messages`` brought into memory until the next question comes."""
        task = asyncio.create_task(self._send(messages))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _send(self, messages: tuple[ChatMessage, ...]) -> None:
        with contextlib.suppress(EngineError):
            await self._seat.request(Prime(0, self._seat.sequence, messages))

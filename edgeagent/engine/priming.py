"""Uses the time in which an action is carried out: the engine is told how the next prompt will probably begin."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence

from edgeagent.engine.host import Seat
from edgeagent.errors import EngineError
from edgeagent_models.protocol import ChatMessage, Prime


class Primer:
    """Sends beginnings of prompts to one seat. Nothing waits for them, and it does not matter if one fails."""

    def __init__(self, seat: Seat) -> None:
        self._seat = seat
        self._under_way: asyncio.Task[None] | None = None

    def prime(self, *beginnings: tuple[ChatMessage, ...]) -> None:
        """Have ``beginnings`` brought into memory, one after the other, instead of those named before; none: a question comes."""
        if self._under_way:
            self._under_way.cancel()
        self._under_way = asyncio.create_task(self._send(beginnings)) if beginnings else None

    async def _send(self, beginnings: Sequence[tuple[ChatMessage, ...]]) -> None:
        with contextlib.suppress(EngineError):
            for messages in beginnings:
                await self._seat.request(Prime(0, self._seat.sequence, messages))

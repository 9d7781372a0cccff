"""The `Desktop` port, showing the model while an action is carried out what is on the screen already.

Mostly that is what will be there when the screen has settled: the model's engine encodes it meanwhile. If the screen still
changes that work is thrown away. It takes processor time from the applications, so it is an option.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from edgeagent.errors import EdgeAgentError
from edgeagent.ports import Deed, Desktop, Look
from edgeagent.screen import Screen
from edgeagent_harness.protocol.actions import Action
from edgeagent_harness.protocol.messages import Guard, SettleSpec

FIRST_LOOK_S = 0.1
"""After the action was asked for: what answers at once has answered by then."""
LOOK_S = 0.1


@runtime_checkable
class Peekable(Desktop, Protocol):
    """A desktop that can be looked at while an action is under way."""

    async def peek(self) -> Screen | None:
        """The screen as it is; None if it is as at the peek before."""
        ...


@dataclass(frozen=True, slots=True)
class ForeseeingDesktop:
    """Wraps a desktop. ``foresee`` is told each screen that is there while an action is carried out."""

    inner: Peekable
    foresee: Callable[[Screen], None]

    async def observe(self, settle: SettleSpec | None = None) -> Look:
        return await self.inner.observe(settle)

    async def perform(self, action: Action, settle: SettleSpec, guard: Guard | None = None) -> Deed:
        looking = asyncio.create_task(self._look_on())
        try:
            return await self.inner.perform(action, settle, guard)
        finally:
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)

    async def release_all(self) -> None:
        await self.inner.release_all()

    async def _look_on(self) -> None:
        await asyncio.sleep(FIRST_LOOK_S)
        with contextlib.suppress(EdgeAgentError):  # whoever acts on a lost desktop is told
            while True:
                if (screen := await self.inner.peek()) is not None:
                    self.foresee(screen)
                await asyncio.sleep(LOOK_S)

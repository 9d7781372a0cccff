"""While the user has taken over: what they do is done, and recorded as the model's actions are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgeagent import events
from edgeagent.ports import Look
from edgeagent_harness.protocol.actions import Action
from edgeagent_harness.protocol.messages import SettleSpec

if TYPE_CHECKING:
    from edgeagent.loop import Loop

TOLD = "the user did this with their own hands"
"""The thought of every such step: it is what the model is told of it."""
_AT_ONCE = SettleSpec(expect="nothing", quiet_ms=0)
"""The user sees for themselves what comes of it, and the next key is on its way."""


async def by_hand(loop: Loop) -> Look:
    """Let the user act until they hand back; returns the screen then."""
    await loop.note(events.StateChanged("paused", "the user has taken over"))

    async def perform(action: Action) -> None:
        look = await loop.desktop.observe()
        number = loop.history.next_step
        frame = await loop.sink.keep_frame(look.screen)
        await loop.note(events.Intent(number, action, frame, TOLD, by="user"))
        await loop.sink.flush()
        deed = await loop.desktop.perform(action, _AT_ONCE)
        frame = await loop.sink.keep_frame(deed.look.screen)
        await loop.note(events.Acted(number, deed.effect, frame, deed.act_ms, deed.look.capture_ms, 0.0, deed.look.settle))

    await loop.hands.act(perform)
    await loop.note(events.StateChanged("running", "the user has handed back"))
    return await loop.observe(SettleSpec(expect="nothing"))

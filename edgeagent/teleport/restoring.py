"""Restores the screen of a session that has moved, as far as that is safe, and says how far it came."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from edgeagent import events
from edgeagent.errors import RecordingDamaged
from edgeagent.history import fold
from edgeagent.ports import Desktop
from edgeagent.recording.frames import Frame
from edgeagent.recording.reader import SessionReader
from edgeagent.recording.replay import SECOND_LOOK_MS, SECOND_LOOKS, changed_fraction
from edgeagent.teleport.outside import Done, replayable
from edgeagent_harness.protocol.messages import SettleSpec

_OWNERSHIP = (events.HandedOver, events.TakenBack)


def has_moved(facts: Sequence[events.Event]) -> bool:
    """Whether the session came to this machine since it was last worked on."""
    last = next((fact.data for fact in reversed(facts) if isinstance(fact.data, (*_OWNERSHIP, events.RunStarted))), None)
    return isinstance(last, _OWNERSHIP)


async def restore(directory: Path, before: Sequence[events.Event], desktop: Desktop) -> events.Restored | None:
    """Do again on the fresh ``desktop`` what the session in ``directory`` had done, if it cannot have had an effect outside.

    ``before``: its events up to now. None: it has not moved, so there is nothing to say. Each screen must be the recorded one
    before anything is done on it; where one is not, the rest is left to the model.
    """
    if not has_moved(before):
        return None
    facts = [event.data for event in before]
    done = replayable(facts)
    if done is None:
        return events.Restored("reopened", why="something that was done may have had an effect outside, and is not done again")
    with SessionReader.open(directory) as reader:
        for number, act in enumerate(done):
            if not await _looks_like(reader, desktop, act.frame_before):
                return events.Restored("reopened", number, why=f"the screen differs from the recorded one after {number} steps")
            await desktop.perform(act.action, SettleSpec(expect="anywhere", response_ms=SECOND_LOOK_MS))
        if not await _looks_like(reader, desktop, _last_screen(facts, done)):
            return events.Restored("reopened", len(done), why="the screen differs from the recorded one")
    return events.Restored("replayed", len(done), fold(facts).memory)


def _last_screen(facts: Sequence[events.EventData], done: Sequence[Done]) -> str:
    if done:
        return done[-1].frame_after
    return next((fact.frame for fact in reversed(facts) if isinstance(fact, events.Observed)), "")


async def _looks_like(reader: SessionReader, desktop: Desktop, frame: str) -> bool:
    """Whether the screen is, or soon becomes, the recorded ``frame``."""
    try:
        recorded: Frame = reader.frame(frame)
    except RecordingDamaged:
        return False
    look = await desktop.observe(SettleSpec(expect="nothing"))
    for _ in range(SECOND_LOOKS):
        if not changed_fraction(recorded, look.screen):
            return True
        look = await desktop.observe(SettleSpec(expect="anywhere", response_ms=SECOND_LOOK_MS))
    return not changed_fraction(recorded, look.screen)

"""Restores the screen of a session that has moved, as far as that is safe, and says how far it came."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from edgeagent import events
from edgeagent.errors import RecordingDamaged
from edgeagent.history import fold
from edgeagent.ports import Desktop
from edgeagent.recording.frames import Frame
from edgeagent.recording.reader import SessionReader
from edgeagent.recording.replay import SECOND_LOOK_MS, SECOND_LOOKS, changed_fraction
from edgeagent.teleport.outside import Done, replayable
from edgeagent.teleport.whole import WHOLE_NAME, nothing_open
from edgeagent.teleport.windows import ArrangingDesktop, left_by, put_back
from edgeagent_harness.protocol.messages import SettleSpec

_OWNERSHIP = (events.HandedOver, events.TakenBack)


def has_moved(facts: Sequence[events.Event]) -> bool:
    """Whether the session came to this machine since it was last worked on."""
    last = next((fact.data for fact in reversed(facts) if isinstance(fact.data, (*_OWNERSHIP, events.RunStarted))), None)
    return isinstance(last, _OWNERSHIP)


def arrived_whole(directory: Path, before: Sequence[events.Event]) -> bool:
    """Whether the session in ``directory`` came to this machine with all that there is of it: then nothing is to be opened."""
    return has_moved(before) and (directory / WHOLE_NAME).exists() and nothing_open(event.data for event in before)


async def restore(
    directory: Path, before: Sequence[events.Event], desktop: Desktop, windows: object = None
) -> events.Restored | None:  # fmt: skip
    """Do again on the fresh ``desktop`` what the session in ``directory`` had done, if it cannot have had an effect outside.

    ``before``: its events up to now. None: it has not moved, so there is nothing to say. Each screen must be the recorded one
    before anything is done on it; where one is not, the rest is left to the model. ``windows``: the same desktop as what moves
    windows, if it does: those that were open are put where they were, before all else.
    """
    if not has_moved(before):
        return None
    facts = [event.data for event in before]
    if arrived_whole(directory, before):
        return await _exact(directory, facts, desktop)
    left = left_by(facts)
    said = ""
    if left is not None and isinstance(windows, ArrangingDesktop):
        info = (await desktop.observe(SettleSpec(expect="nothing"))).screen.info
        said = await put_back(windows, left, (info.width, info.height))
    return msgspec.structs.replace(await _done_again(directory, facts, desktop), windows=said)


async def _exact(directory: Path, facts: Sequence[events.EventData], desktop: Desktop) -> events.Restored:
    """Nothing was open, so nothing was opened: it is as it was if the screen says so too."""
    with SessionReader.open(directory) as reader:
        if await _looks_like(reader, desktop, _last_screen(facts, ())):
            return events.Restored("exact", memory=fold(facts).memory)
    return events.Restored(
        "reopened", why="nothing was open, so nothing was opened; but the screen differs from the recorded one"
    )


async def _done_again(directory: Path, facts: Sequence[events.EventData], desktop: Desktop) -> events.Restored:
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
    return next((fact.frame for fact in reversed(facts) if isinstance(fact, events.Observed | events.Acted)), "")


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

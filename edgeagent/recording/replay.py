"""Does the recorded actions again on a fresh desktop, without a model, and compares the screens.

Every run of the session gets a desktop of its own, as it had: a session that was resumed, or whose sandbox died, is replayed
in as many stretches. The home directory lives through all of them.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from edgeagent import events
from edgeagent.errors import RecordingDamaged
from edgeagent.ports import Desktop, Look
from edgeagent.recording.frames import Frame
from edgeagent.recording.reader import SessionReader
from edgeagent.recording.tiles import Grid, as_pixels, changed_places
from edgeagent.screen import Screen
from edgeagent_harness.protocol.actions import Action, Screenshot, Wait, WaitUntil
from edgeagent_harness.protocol.messages import DesktopSpec, Expectation, SettleSpec

SECOND_LOOKS = 3
SECOND_LOOK_MS = 1000
"""A screen that differs is looked at again so often, each time after a change or this long."""
CARET_WIDTH_PX = 3
CARET_TILES = 2
"""A blinking caret is a thin line in one tile, or in two if it crosses an edge. As much difference as that is none."""

Verdict = Literal["same", "differs", "skipped", "no_frame"]
"""``skipped``: refused when recorded, or under way when the process died, so that nobody knows whether it happened;
``no_frame``: done again, but there is no recorded screen to compare with."""
OpenDesktop = Callable[[DesktopSpec], AbstractAsyncContextManager[Desktop]]


@dataclass(frozen=True, slots=True)
class RecordedAct:
    """An action (none for the first screen of a stretch) with the screen that it led to, empty if nobody saw it."""

    step: int
    action: Action | None
    performed: bool
    frame_after: str
    expect: Expectation = "anywhere"
    frame_before: str = ""
    """The screen that it was decided on."""
    model: str = ""
    """Which decided it, from where another one did than the session began with."""


Stretch = list[RecordedAct]
"""What was done on one desktop; its first screen comes first."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """One screen compared. Step 0 with no action is the first screen of a stretch."""

    step: int
    action: Action | None
    verdict: Verdict
    changed: float = 0.0
    """Fraction of the tiles that differ."""
    model: str = ""
    """Which decided it, from where another one did than the session began with."""


async def replay(reader: SessionReader, spec: DesktopSpec, open_desktop: OpenDesktop) -> AsyncGenerator[Replayed]:
    """Replay the session on desktops like ``spec`` (its own, with another home), one `Replayed` for each screen."""
    for stretch in stretches(event.data for event in reader.events()):
        async with open_desktop(spec) as desktop:
            for place, act in enumerate(stretch):
                if not act.performed:
                    yield Replayed(act.step, act.action, "skipped", model=act.model)
                    continue
                await _wait_for_screen(reader, desktop, act)
                look = await _done_again(desktop, act)
                yield replace(await _judged(reader, desktop, act, _screens(stretch, place), look), model=act.model)


def stretches(facts: Iterable[events.EventData]) -> list[Stretch]:
    """The recorded actions, desktop by desktop. Pure."""
    found: list[Stretch] = []
    expect: Expectation = "anywhere"
    pending: events.Intent | None = None
    model = ""
    for fact in facts:
        match fact:
            case events.RunStarted():
                _close(found, pending)
                pending = None
                found.append([])
            case events.Observed(frame=frame) if found and not found[-1]:
                found[-1].append(RecordedAct(0, None, True, frame))
            case events.ModelChanged():
                model = fact.model
            case events.Replied():
                expect = fact.expect
            case events.Intent():
                pending = fact
            case events.Acted(effect=effect, frame=frame) if found and pending:
                whose = model if pending.by == "model" else ""
                found[-1].append(RecordedAct(fact.step, pending.action, effect.performed, frame, expect, pending.frame, whose))
                pending = None
            case events.Rewound(to_step=step):
                pending = None
                found = [[act for act in stretch if act.step <= step] for stretch in found]
            case _:
                pass
    _close(found, pending)
    return [stretch for stretch in found if stretch]


def _close(found: list[Stretch], pending: events.Intent | None) -> None:
    """An intent without effect ends its stretch: whether it happened is not known."""
    if found and pending:
        found[-1].append(RecordedAct(pending.step, pending.action, performed=False, frame_after=""))


def _screens(stretch: Stretch, place: int) -> list[str]:
    """The recorded screen at ``place``, and those that came after it by waiting alone: the replay may be the quicker one."""
    screens = [stretch[place].frame_after]
    for act in stretch[place + 1 :]:
        if not isinstance(act.action, Screenshot | Wait | WaitUntil):
            break
        screens.append(act.frame_after)
    return screens


async def _wait_for_screen(reader: SessionReader, desktop: Desktop, act: RecordedAct) -> None:
    """Give the screen time to become what ``act`` was decided on: actions that were refused took the recorded run time."""
    if not act.frame_before:
        return
    try:
        recorded = reader.frame(act.frame_before)
    except RecordingDamaged:
        return
    look = await desktop.observe(SettleSpec(expect="nothing"))
    for _ in range(SECOND_LOOKS):
        if not changed_fraction(recorded, look.screen):
            return
        look = await desktop.observe(SettleSpec(expect="anywhere", response_ms=SECOND_LOOK_MS))


async def _done_again(desktop: Desktop, act: RecordedAct) -> Look:
    if act.action is None:
        return await desktop.observe(SettleSpec(expect="nothing"))
    return (await desktop.perform(act.action, SettleSpec(expect=act.expect))).look


async def _judged(reader: SessionReader, desktop: Desktop, act: RecordedAct, screens: list[str], look: Look) -> Replayed:
    """Compares ``look`` with the recorded screens. One that differs is given time: the recorded run had a model to wait for."""
    try:
        recorded = [reader.frame(screen) for screen in screens]
    except RecordingDamaged:
        return Replayed(act.step, act.action, "no_frame")
    for more_looks in reversed(range(SECOND_LOOKS + 1)):
        changed = min(changed_fraction(frame, look.screen) for frame in recorded)
        if not changed:
            return Replayed(act.step, act.action, "same")
        if more_looks:
            look = await desktop.observe(SettleSpec(expect="anywhere", response_ms=SECOND_LOOK_MS))
    return Replayed(act.step, act.action, "differs", changed_fraction(recorded[0], look.screen))


def changed_fraction(recorded: Frame, seen: Screen) -> float:
    """Fraction of the tiles that differ; 0 where a blinking caret explains it, 1 where the sizes differ."""
    if (recorded.width, recorded.height) != (seen.info.width, seen.info.height):
        return 1.0
    grid = Grid(recorded.width, recorded.height)
    before, after = as_pixels(recorded.pixels, grid), as_pixels(seen.pixels, grid)
    places = list(changed_places(before, after, grid))
    if len(places) <= CARET_TILES:
        widths = (np.ptp(np.nonzero(grid.window(before, place) != grid.window(after, place))[1]) + 1 for place in places)
        if all(width <= CARET_WIDTH_PX for width in widths):
            return 0.0
    return len(places) / grid.count

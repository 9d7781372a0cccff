"""Recorded actions are done again on a fresh desktop: what is the same is the same, what differs is told, a caret is neither."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import numpy as np

from edgeagent import events
from edgeagent.loop import Loop
from edgeagent.ports import Deed, Look, Prompt
from edgeagent.recording.frames import Frame
from edgeagent.recording.reader import SessionReader
from edgeagent.recording.replay import OpenDesktop, Replayed, changed_fraction, replay
from edgeagent.screen import Screen
from edgeagent.sessions.reconcile import reconcile
from edgeagent.sessions.store import OpenSession, SessionStore
from edgeagent.testing import AllowAll, Button, FakeClock, FakeDesktop, ScriptedModel, TextField
from edgeagent_harness.protocol.actions import Action, Click, Finish, Home, Type, Wait
from edgeagent_harness.protocol.frames import FrameInfo
from edgeagent_harness.protocol.geometry import Rect
from edgeagent_harness.protocol.messages import DesktopSpec, Guard, SettleSpec

FIELD, BUTTON = Rect(10, 10, 200, 32), Rect(10, 50, 100, 72)
SPEC = DesktopSpec(320, 200)


def desktop(label: str = "Save") -> FakeDesktop:
    return FakeDesktop([TextField("name", FIELD), Button(label, BUTTON)])


async def run(session: OpenSession, screen: FakeDesktop, script: list[Action], reason: str = "new") -> None:
    await session.writer.emit(msgspec.convert({"kind": "run_started", "reason": reason}, events.RunStarted))
    history = await reconcile(session.history, screen, session.writer)
    await Loop(screen, ScriptedModel(script), AllowAll(), FakeClock(), session.writer, history=history).run()


async def recorded(root: Path) -> Path:
    """Three actions, the last of them refused; then the process dies in a fourth, and another run does one more."""
    store = SessionStore(root)
    with store.create(FakeClock()) as session:
        await session.writer.emit(events.SessionCreated(task="t", model="m", desktop=SPEC, version="0"))
        await run(session, desktop(), [Click(FIELD.centre), Type("Zoë"), Home(), Finish()])
        await session.writer.emit(events.Intent(4, Click(BUTTON.centre), ""))
    with store.open(session.id, FakeClock()) as session:
        await run(session, desktop(), [Click(BUTTON.centre), Finish()], "resumed")
    return session.directory


def opening(make: Callable[[], FakeDesktop]) -> OpenDesktop:
    @asynccontextmanager
    async def open_desktop(spec: DesktopSpec) -> AsyncGenerator[FakeDesktop]:
        yield make()

    return open_desktop


async def replayed(directory: Path, make: Callable[[], FakeDesktop]) -> list[Replayed]:
    with SessionReader.open(directory) as reader:
        return [result async for result in replay(reader, SPEC, opening(make))]


async def test_an_unchanged_desktop_gives_the_same_screens(tmp_path: Path) -> None:
    results = await replayed(await recorded(tmp_path), desktop)
    told = [(result.step, result.verdict) for result in results]
    assert told == [(0, "same"), (1, "same"), (2, "same"), (3, "skipped"), (4, "skipped"), (0, "same"), (5, "same")]


async def test_another_desktop_differs_by_the_share_of_its_tiles(tmp_path: Path) -> None:
    results = await replayed(await recorded(tmp_path), lambda: desktop("Keep"))
    assert {result.verdict for result in results} == {"differs", "skipped"}
    assert results[0].changed == 2 / 20, "the button lies on two tiles"


async def test_a_screen_that_came_by_waiting_may_come_sooner(tmp_path: Path) -> None:
    store, screen = SessionStore(tmp_path), desktop("Loading")
    with store.create(FakeClock()) as session:
        await session.writer.emit(events.SessionCreated(task="t", model="m", desktop=SPEC, version="0"))

        def choose(prompt: Prompt) -> Action:
            screen.widgets[1].name = "Save"
            return Finish() if prompt.history.steps else Wait(1)

        await session.writer.emit(events.RunStarted("new"))
        await Loop(screen, ScriptedModel(choose), AllowAll(), FakeClock(), session.writer).run()
    assert [result.verdict for result in await replayed(session.directory, desktop)] == ["same", "same"]
    slow = await replayed(session.directory, lambda: desktop("Loading"))
    assert [result.verdict for result in slow] == ["same", "differs"]


class Slow(FakeDesktop):
    """Its button is ready only when the screen has been looked at four times."""

    def __init__(self) -> None:
        super().__init__([TextField("name", FIELD), Button("Loading", BUTTON)])
        self.looks = 0
        self.pressed: list[str] = []

    async def observe(self, settle: SettleSpec | None = None) -> Look:
        self.looks += 1
        if self.looks == 4:
            self.widgets[1].name = "Save"
        return await super().observe(settle)

    async def perform(self, action: Action, settle: SettleSpec, guard: Guard | None = None) -> Deed:
        self.pressed.append(self.widgets[1].name)
        return await super().perform(action, settle, guard)


async def test_an_action_waits_for_the_screen_that_it_was_decided_on(tmp_path: Path) -> None:
    """Refused actions took the recorded run time, in which the button became ready."""
    store, screen = SessionStore(tmp_path), desktop("Loading")
    with store.create(FakeClock()) as session:
        await session.writer.emit(events.SessionCreated(task="t", model="m", desktop=SPEC, version="0"))

        def choose(prompt: Prompt) -> Action:
            steps = len(prompt.history.steps)
            if steps == 1:
                screen.widgets[1].name = "Save"
            return (Home(), Home(), Click(BUTTON.centre), Finish())[steps]

        await session.writer.emit(events.RunStarted("new"))
        await Loop(screen, ScriptedModel(choose), AllowAll(), FakeClock(), session.writer).run()
    slow = Slow()
    await replayed(session.directory, lambda: slow)
    assert slow.pressed[-1] == "Save"


def test_a_caret_is_no_difference() -> None:
    blank = np.full((200, 320, 4), 255, np.uint8)
    recorded_frame = Frame(320, 200, blank.tobytes())

    def share(top: int, bottom: int, left: int, right: int) -> float:
        seen = blank.copy()
        seen[top:bottom, left:right] = 0
        return changed_fraction(recorded_frame, Screen(FrameInfo(0, 320, 200, 0), seen.tobytes()))

    assert share(50, 70, 100, 102) == 0.0, "a caret across an edge of tiles"
    assert share(50, 52, 100, 110) == 1 / 20, "an underline"
    assert share(0, 200, 100, 102) == 4 / 20, "a line from top to bottom"
    other_size = Screen(FrameInfo(0, 4, 4, 0), bytes(64))
    assert changed_fraction(recorded_frame, other_size) == 1.0

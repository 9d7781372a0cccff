"""The terminal app on a desktop in memory, driven by a pilot."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from textual.pilot import Pilot
from textual.widgets import Static

from edgeagent import events
from edgeagent.ports import Model, Prompt, Reply
from edgeagent.recording.reader import SessionReader
from edgeagent.runner import ModelChoice, Runner
from edgeagent.sessions.store import SessionStore
from edgeagent.settings import Settings
from edgeagent.testing import Button, FakeClock, FakeDesktop, ScriptedModel, TextField
from edgeagent.tui.app import EdgeAgentApp
from edgeagent.tui.asking import AskScreen
from edgeagent.tui.home import HomeScreen
from edgeagent.tui.session_screen import SessionScreen
from edgeagent.tui.task_input import TaskInput
from edgeagent.tui.timeline_view import TimelineView
from edgeagent.tui.watching import WatchScreen
from edgeagent_harness.protocol.actions import Click, Finish
from edgeagent_harness.protocol.geometry import Point, Rect
from edgeagent_harness.protocol.messages import DesktopSpec

CLICK = Click(Point(50, 25))


class SlowModel:
    """Presses until told otherwise; takes its time, so that there is something to hold, steer and stop."""

    def __init__(self, presses: int, delay_s: float = 0.0) -> None:
        self.presses = presses
        self.delay_s = delay_s
        self.tasks: list[str] = []

    async def complete(self, prompt: Prompt) -> Reply:
        self.tasks.append(prompt.task)
        await asyncio.sleep(self.delay_s)
        scripted = ScriptedModel(lambda _: CLICK if len(prompt.history.steps) < self.presses else Finish(reason="all pressed"))
        return await scripted.complete(prompt)


def runners(root: Path, model: Model) -> Callable[[], Runner]:
    """Makes runners over sessions in ``root``; every run has ``model`` and a desktop with a button and a field."""

    @asynccontextmanager
    async def open_desktop(spec: DesktopSpec) -> AsyncGenerator[FakeDesktop]:
        yield FakeDesktop([Button("Go", Rect(10, 10, 90, 40)), TextField("Name", Rect(10, 60, 200, 90))])

    @asynccontextmanager
    async def open_model(choice: ModelChoice, seed: int, restarted: Callable[[str], None]) -> AsyncGenerator[Model]:
        yield model

    return lambda: Runner(SessionStore(root), FakeClock(), open_desktop=open_desktop, open_model=open_model)


def make_app(root: Path, model: Model, settings: Settings | None = None) -> EdgeAgentApp:
    """The app with such runners."""
    return EdgeAgentApp(runners(root, model), settings)


async def until(pilot: Pilot[None], condition: Callable[[], bool], timeout_s: float = 20.0) -> None:
    """Let the app work until ``condition``."""
    end_s = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > end_s:
            said = "\n".join(str(line.render()) for line in pilot.app.screen.query(Static))
            raise AssertionError(f"not yet after {timeout_s} s; {pilot.app.screen} says\n{said}")
        await pilot.pause(0.02)


async def begin(pilot: Pilot[None], task: str = "press twice", mode: str = "") -> SessionScreen:
    """Type ``task`` and press Enter."""
    await until(pilot, lambda: isinstance(pilot.app.screen, HomeScreen))
    pilot.app.screen.query_one(TaskInput).text = task
    if mode:
        pilot.app.screen.query_one("#mode").value = mode  # pyright: ignore[reportAttributeAccessIssue]
    pilot.app.screen.query_one(TaskInput).focus()
    await pilot.press("enter")
    await until(pilot, lambda: isinstance(pilot.app.screen, SessionScreen | AskScreen))
    begun = next(screen for screen in pilot.app.screen_stack if isinstance(screen, SessionScreen))
    await until(pilot, lambda: bool(begun.query("#status")))
    return begun


def titles(screen: WatchScreen) -> list[str]:
    return [row.title for row in screen.query_one(TimelineView).rows]


def status(screen: WatchScreen) -> str:
    return str(screen.query_one("#status", Static).render())


def facts(root: Path) -> list[events.EventData]:
    (session,) = SessionStore(root).ids()
    with SessionReader.open(root / session) as reader:
        return [event.data for event in reader.events()]

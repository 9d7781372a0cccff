"""A run tells its model when its user is waited for, when it goes on, and how it ended; a resumed one recalls."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from edgeagent import events
from edgeagent.clock import SystemClock
from edgeagent.history import History
from edgeagent.limits import Limits
from edgeagent.ports import Model
from edgeagent.runner import ModelChoice, Runner, RunRequest
from edgeagent.sessions.store import SessionStore
from edgeagent.testing import Button, FakeDesktop, ScriptedModel
from edgeagent.tui.working import RunThread
from edgeagent_harness.protocol.actions import Action, Click
from edgeagent_harness.protocol.geometry import Point, Rect
from edgeagent_harness.protocol.messages import DesktopSpec


class Noted:
    """Where a real model keeps states: here it says only what it was told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def wait(self) -> None:
        self.told.append("wait")

    def go_on(self) -> None:
        self.told.append("go on")


class Leavable(ScriptedModel):
    """A scripted model whose engine remembers something."""

    def __init__(self) -> None:
        super().__init__(lambda _prompt: Click(Point(50, 25)))
        self.parking = Noted()

    def recall(self, history: History) -> None:
        self.parking.told.append(f"recall {len(history.steps)}")

    async def leave(self, history: History) -> None:
        assert history.ended
        self.parking.told.append(f"leave {history.ended.outcome} {len(history.steps)}")


class Slow:
    """A gate that the user holds for longer than a policy takes."""

    def __init__(self, meanwhile: Callable[[], None]) -> None:
        self._meanwhile = meanwhile

    async def judge(self, action: Action, history: History) -> events.Verdict:
        await asyncio.sleep(0.3)
        self._meanwhile()
        return events.Verdict(True)


@asynccontextmanager
async def open_desktop(_spec: DesktopSpec) -> AsyncGenerator[FakeDesktop]:
    yield FakeDesktop([Button("Go", Rect(10, 10, 90, 40))])


async def test_a_run_that_waits_and_is_resumed(tmp_path: Path) -> None:
    model = Leavable()

    @asynccontextmanager
    async def open_model(choice: ModelChoice, seed: int, restarted: Callable[[str], None]) -> AsyncGenerator[Model]:
        yield model

    runner = Runner(SessionStore(tmp_path), SystemClock(), open_desktop=open_desktop, open_model=open_model)
    runner.gate = Slow(runner.attendance.expect)
    result = await runner.start(RunRequest("press", limits=Limits(max_steps=1)))
    # "go on" twice: the user had begun to answer before the answer was there.
    assert model.parking.told == ["recall 0", "wait", "go on", "go on", "leave limit 1"]
    model.parking.told.clear()
    runner.gate = None
    await runner.resume(result.session, limits=Limits(max_steps=2))
    assert model.parking.told == ["recall 1", "leave limit 2"]
    runner.attendance.expect()
    assert model.parking.told[-1] == "leave limit 2", "nobody is told once the run is over"


async def test_a_model_that_remembers_nothing_is_left_alone(tmp_path: Path) -> None:
    @asynccontextmanager
    async def open_model(choice: ModelChoice, seed: int, restarted: Callable[[str], None]) -> AsyncGenerator[Model]:
        yield ScriptedModel(lambda _prompt: Click(Point(50, 25)))

    runner = Runner(SessionStore(tmp_path), SystemClock(), open_desktop=open_desktop, open_model=open_model)
    result = await runner.start(RunRequest("press", limits=Limits(max_steps=1)))
    assert result.ended.outcome == "limit"


def test_in_the_terminal_app_what_is_parked_comes_back_when_its_user_begins_to_type(tmp_path: Path) -> None:
    model = Leavable()

    @asynccontextmanager
    async def open_model(choice: ModelChoice, seed: int, restarted: Callable[[str], None]) -> AsyncGenerator[Model]:
        yield model

    def make_runner() -> Runner:
        return Runner(SessionStore(tmp_path), SystemClock(), open_desktop=open_desktop, open_model=open_model)

    def until(told: list[str]) -> None:
        end_s = time.monotonic() + 20
        while model.parking.told != told:
            assert time.monotonic() < end_s, model.parking.told
            time.sleep(0.01)

    run = RunThread(lambda runner: runner.start(RunRequest("press", limits=Limits(max_steps=1))), make_runner)
    run.expect()  # before there is anything
    run.hold(True)
    run.start()
    until(["recall 0", "wait"])
    run.expect()
    until(["recall 0", "wait", "go on"])
    run.hold(False)
    assert run.join(20)
    assert model.parking.told[-1] == "leave limit 1"

"""While an action is carried out the model is shown what is there already: each change once, and nothing where it must not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner

from edgeagent.cli.main import cli
from edgeagent.clock import SystemClock
from edgeagent.errors import DesktopLost
from edgeagent.limits import Limits
from edgeagent.ports import Deed, Model
from edgeagent.redaction.screens import RedactingDesktop
from edgeagent.redaction.texts import Patterns
from edgeagent.runner import ModelChoice, Runner, RunRequest, foreseeing
from edgeagent.runner.attending import Attendance
from edgeagent.runner.foreseeing import ForeseeingDesktop
from edgeagent.screen import Screen
from edgeagent.sessions.store import SessionStore
from edgeagent.testing import Button, FakeDesktop, ScriptedModel
from edgeagent_harness.protocol.actions import Action, Click
from edgeagent_harness.protocol.frames import FrameInfo
from edgeagent_harness.protocol.geometry import Point, Rect
from edgeagent_harness.protocol.messages import DesktopSpec, Guard, SettleSpec

CLICK = Click(Point(50, 25))


class Settling(FakeDesktop):
    """Takes a while to settle, and shows these tones (None: no change) to whoever peeks meanwhile."""

    layers = ("fake",)
    missing_layers: tuple[str, ...] = ()
    start_ms = 0.0

    def __init__(self, *tones: int | None) -> None:
        super().__init__([Button("Go", Rect(10, 10, 90, 40))])
        self._tones: Iterator[int | None] = iter(tones)

    async def perform(self, action: Action, settle: SettleSpec, guard: Guard | None = None) -> Deed:
        await asyncio.sleep(0.1)
        return await super().perform(action, settle, guard)

    async def peek(self) -> Screen | None:
        tone = next(self._tones, None)
        if tone == 0:
            raise DesktopLost("gone")
        return Screen(FrameInfo(0, 2, 1, 0), bytes([tone]) * 8) if tone else None


class Foreseeing(ScriptedModel):
    def __init__(self) -> None:
        super().__init__(lambda _prompt: CLICK)
        self.seen: list[int] = []

    def foresee(self, screen: Screen) -> None:
        self.seen.append(screen.pixels[0])


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(foreseeing, "FIRST_LOOK_S", 0.01)
    monkeypatch.setattr(foreseeing, "LOOK_S", 0.01)


async def run(tmp_path: Path, desktop: Settling, foresees: bool) -> list[int]:
    model = Foreseeing()

    @asynccontextmanager
    async def open_desktop(_spec: DesktopSpec) -> AsyncGenerator[Settling]:
        yield desktop

    @asynccontextmanager
    async def open_model(choice: ModelChoice, seed: int, restarted: Callable[[str], None]) -> AsyncGenerator[Model]:
        yield model

    runner = Runner(SessionStore(tmp_path), SystemClock(), open_desktop=open_desktop, open_model=open_model)
    runner.attendance.foresees = foresees
    result = await runner.start(RunRequest("press", limits=Limits(max_steps=1)))
    assert result.ended.outcome == "limit"
    return model.seen


async def test_it_is_shown_each_change_in_a_run_that_wants_it(tmp_path: Path) -> None:
    assert await run(tmp_path, Settling(5, None, 6), foresees=True) == [5, 6]
    assert await run(tmp_path, Settling(5, None, 6), foresees=False) == []


async def test_a_desktop_that_is_lost_meanwhile_is_the_action_s_to_report(tmp_path: Path) -> None:
    assert await run(tmp_path, Settling(5, 0, 6), foresees=True) == [5]


async def test_not_where_something_is_masked_or_someone_else_looks_on() -> None:
    attendance, model, desktop = Attendance(), Foreseeing(), Settling()
    attendance.foresees = True
    async with attendance.of(model, lambda: None):  # type: ignore[arg-type, return-value]
        masked = RedactingDesktop(desktop, (), Patterns((), ""))
        assert attendance.desktop(masked, looked_on=False) is masked
        assert attendance.desktop(desktop, looked_on=True) is desktop
        assert isinstance(attendance.desktop(desktop, looked_on=False), ForeseeingDesktop)


def test_models_without_an_engine_of_ours_are_refused() -> None:
    refused = CliRunner().invoke(cli, ["run", "x", "--foresee"])
    assert refused.exit_code != 0
    assert "--foresee is for GGUF files" in str(refused.exception or refused.output)

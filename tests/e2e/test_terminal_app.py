"""The terminal app does what its keys say: start, watch, hold, step, answer, steer, stop, resume, look back; at three sizes."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.terminal import CLICK, SlowModel, begin, facts, make_app, status, titles, until
from textual.pilot import Pilot
from textual.widgets import DataTable, Input

from edgeagent import events
from edgeagent.policy.allowed import allowed_in
from edgeagent.sessions.store import SessionStore
from edgeagent.testing import ScriptedModel
from edgeagent.tui.asking import AskScreen
from edgeagent.tui.home import HomeScreen
from edgeagent.tui.permitting import PermitScreen
from edgeagent.tui.session_screen import SessionScreen
from edgeagent.tui.task_input import TaskInput
from edgeagent.tui.timeline_view import TimelineView
from edgeagent.tui.working import Audited
from edgeagent_harness.policy.files import profile_text
from edgeagent_harness.policy.parse import parse
from edgeagent_harness.policy.types import Endpoint
from edgeagent_harness.protocol import audit
from edgeagent_harness.protocol.actions import Finish


def _is_done(screen: object) -> bool:
    return isinstance(screen, SessionScreen) and bool(screen.query("#status")) and "done after" in status(screen)


def _shows(screen: object, count: int) -> bool:
    return isinstance(screen, SessionScreen) and bool(screen.query(TimelineView)) and len(titles(screen)) == count


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
async def test_a_task_is_typed_watched_and_looked_back_at(tmp_path: Path, size: tuple[int, int]) -> None:
    app = make_app(tmp_path, SlowModel(2))
    async with app.run_test(size=size) as pilot:
        screen = await begin(pilot)
        await until(pilot, lambda: "done after 2 steps" in status(screen))
        assert titles(screen) == [
            "press twice",
            "1  click (50, 25) → confirmed",
            "2  click (50, 25) → confirmed",
            "done: all pressed",
        ]
        await pilot.press("up", "f5", "f4")
        assert screen.query_one("#picture").border_title == "Screen before"
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, HomeScreen) and bool(app.screen.query("#sessions")))
        table = app.screen.query_one("#sessions", DataTable)
        await until(pilot, lambda: table.row_count == 1)
        assert table.get_row_at(0)[1:] == ["done", "2", "press twice"]
        table.focus()
        await pilot.press("enter")
        await until(pilot, lambda: _shows(app.screen, 4))


async def test_pause_holds_the_next_action_and_a_step_lets_one_pass(tmp_path: Path) -> None:
    model = SlowModel(50, delay_s=0.2)
    app = make_app(tmp_path, model)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await begin(pilot)
        await pilot.press("f2")
        await until(pilot, lambda: "PAUSED" in status(screen))
        await pilot.pause(0.6)
        held_at = len(titles(screen))
        await pilot.pause(0.6)
        assert len(titles(screen)) == held_at
        await pilot.press("f3")
        await until(pilot, lambda: len(titles(screen)) == held_at + 1)
        await pilot.pause(0.6)
        assert len(titles(screen)) == held_at + 1
        model.presses = 0
        await pilot.press("f2")
        await until(pilot, lambda: "done after" in status(screen))


async def answer(pilot: Pilot[None], key: str, ended: str) -> None:
    """Begin a task, press ``key`` where it asks, and wait until it has ``ended``."""
    screen = await begin(pilot, mode="ask")
    await until(pilot, lambda: isinstance(pilot.app.screen, AskScreen))
    await pilot.press(key)
    await until(pilot, lambda: ended in status(screen))


async def test_no_means_no_and_the_model_hears_it(tmp_path: Path) -> None:
    app = make_app(tmp_path, ScriptedModel(lambda prompt: Finish("failed", "not wanted") if prompt.history.feedback else CLICK))
    async with app.run_test(size=(120, 40)) as pilot:
        await answer(pilot, "n", "failed after 0 steps")
    assert not any(isinstance(fact, events.Intent) for fact in facts(tmp_path))


async def test_yes_lets_it_happen(tmp_path: Path) -> None:
    app = make_app(tmp_path, SlowModel(1))
    async with app.run_test(size=(80, 24)) as pilot:
        await answer(pilot, "y", "done after 1 step ")


async def test_what_was_done_before_stands_above_what_a_resumed_run_does(tmp_path: Path) -> None:
    model = SlowModel(1_000, delay_s=0.1)
    app = make_app(tmp_path, model)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await begin(pilot)
        await until(pilot, lambda: any("1  click" in title for title in titles(screen)))
        await pilot.press("escape")
        await until(pilot, lambda: "interrupted" in status(screen) and screen.run is not None and not screen.run.alive)
        before = titles(screen)
        model.delay_s = 0.5
        await pilot.press("f7")
        await until(pilot, lambda: isinstance(app.screen, SessionScreen) and app.screen is not screen)
        again = app.screen
        assert isinstance(again, SessionScreen)
        await until(pilot, lambda: bool(again.query("#status")) and len(titles(again)) > len(before))
        assert titles(again)[: len(before)] == before
        assert "embedded" in status(again)
        assert "auto" in status(again)
        model.presses, model.delay_s = 0, 0.0
        await until(pilot, lambda: "done after" in status(again))


async def test_what_the_user_says_reaches_the_next_decision(tmp_path: Path) -> None:
    model = SlowModel(50, delay_s=0.4)
    app = make_app(tmp_path, model)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await begin(pilot)
        await pilot.press("f6")
        await until(pilot, lambda: screen.query_one("#message", Input).has_focus)
        await pilot.press(*"stop soon")
        await pilot.press("enter")
        await until(pilot, lambda: any("stop soon" in task for task in model.tasks))
        model.presses = 0
        await until(pilot, lambda: "done after" in status(screen))
    assert events.UserMessage("stop soon") in facts(tmp_path)


async def test_escape_stops_and_f7_goes_on(tmp_path: Path) -> None:
    model = SlowModel(1_000, delay_s=0.05)
    app = make_app(tmp_path, model)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await begin(pilot)
        await until(pilot, lambda: len(titles(screen)) > 2)
        await pilot.press("escape")
        await until(pilot, lambda: "interrupted" in status(screen))
        model.presses = 0
        await pilot.press("f7")
        await until(pilot, lambda: _is_done(app.screen))
    ends = [fact.outcome for fact in facts(tmp_path) if isinstance(fact, events.RunEnded)]
    assert ends == ["interrupted", "done"]


async def test_quitting_in_mid_run_leaves_a_session_that_can_be_resumed(tmp_path: Path) -> None:
    app = make_app(tmp_path, SlowModel(1_000, delay_s=0.05))
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await begin(pilot)
        await until(pilot, lambda: len(titles(screen)) > 2)
        await pilot.press("ctrl+q")
    assert [fact.outcome for fact in facts(tmp_path) if isinstance(fact, events.RunEnded)] == ["interrupted"]


async def test_wrong_input_is_told_and_starts_nothing(tmp_path: Path) -> None:
    app = make_app(tmp_path, SlowModel(1))
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, HomeScreen))
        await pilot.press("enter")
        app.screen.query_one("#model", Input).value = "/no/such.gguf"
        app.screen.query_one(TaskInput).text = "press"
        await pilot.press("enter")
        await pilot.pause(0.2)
        assert isinstance(app.screen, HomeScreen)
        said = [notification.message for notification in app._notifications]  # pyright: ignore[reportPrivateUsage]
    assert said[0] == "Say first what should be done."
    assert "/no/such.gguf" in said[1]
    assert SessionStore(tmp_path).ids() == []


async def test_a_denied_place_is_permitted_for_the_session_or_for_good(tmp_path: Path) -> None:
    policy = tmp_path / "my.yaml"
    policy.write_text(profile_text("web"))
    app = make_app(tmp_path / "sessions", SlowModel(200, delay_s=0.05))
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, HomeScreen))
        app.screen.query_one("#policy", Input).value = str(policy)
        screen = await begin(pilot)
        assert screen.run is not None
        await until(pilot, lambda: len(titles(screen)) > 1)
        await pilot.press("f9")
        assert app.screen is screen
        for count, answer in enumerate("nsg", 1):
            screen.run.tell(Audited(audit.Connection("denied", "sandbox", "connect", f"{count}.example", 443)))
            await until(pilot, lambda place=f"{count}.example": any(place in title for title in titles(screen)))
            await pilot.press("f9")
            await until(pilot, lambda: isinstance(app.screen, PermitScreen))
            await pilot.press(answer)
            await until(pilot, lambda: app.screen is screen)
        (session,) = SessionStore(tmp_path / "sessions").ids()
        await until(pilot, lambda: "3.example" in policy.read_text())
        assert allowed_in(tmp_path / "sessions" / session) == (Endpoint("2.example", 443),)
        assert parse(policy.read_text()).egress.endpoints == (Endpoint("3.example", 443),)
        await pilot.press("escape")


async def test_under_a_profile_nothing_is_permitted_for_good(tmp_path: Path) -> None:
    app = make_app(tmp_path, SlowModel(200, delay_s=0.05))
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await begin(pilot)
        assert screen.run is not None
        screen.run.tell(Audited(audit.Connection("denied", "sandbox", "connect", "a.example", 443)))
        await until(pilot, lambda: any("a.example" in title for title in titles(screen)))
        await pilot.press("f9")
        await until(pilot, lambda: isinstance(app.screen, PermitScreen))
        await pilot.press("g")
        assert isinstance(app.screen, PermitScreen)
        await pilot.press("n")
        await until(pilot, lambda: app.screen is screen)
        await pilot.press("escape")

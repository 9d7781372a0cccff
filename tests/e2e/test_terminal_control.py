"""The user's hand on a run: an edited action, own hands, another mode or model, a fork, two runs side by side, an export."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.terminal import CLICK, SlowModel, begin, facts, make_app, status, titles, until
from support.tiny_models import TinyModels
from textual.pilot import Pilot
from textual.widgets import DataTable, Input, OptionList, Static, TextArea

from edgeagent import events
from edgeagent.runner import ModelChoice
from edgeagent.sessions.store import SessionStore
from edgeagent.settings import Settings
from edgeagent.testing import ScriptedModel
from edgeagent.tui.asking import AskScreen
from edgeagent.tui.compare_screen import CompareScreen
from edgeagent.tui.dialog import ChoiceScreen, ConfirmScreen, LineScreen
from edgeagent.tui.editing import EditScreen
from edgeagent.tui.frame_view import FrameView
from edgeagent.tui.help import HelpScreen
from edgeagent.tui.home import HomeScreen
from edgeagent.tui.policy_screen import PolicyScreen
from edgeagent.tui.session_screen import SessionScreen
from edgeagent.tui.settings_screen import SettingsScreen
from edgeagent.tui.task_input import TaskInput
from edgeagent.tui.timeline_view import TimelineView
from edgeagent.tui.tour import TourScreen
from edgeagent_harness.protocol.actions import Click, Finish, Type
from edgeagent_harness.protocol.geometry import Point


def intents(root: Path) -> list[events.Intent]:
    return [fact for fact in facts(root) if isinstance(fact, events.Intent)]


async def test_an_edited_action_is_done_instead(tmp_path: Path) -> None:
    model = ScriptedModel(lambda prompt: Finish() if prompt.history.steps else CLICK)
    app = make_app(tmp_path, model)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await begin(pilot, mode="ask")
        await until(pilot, lambda: isinstance(app.screen, AskScreen))
        await pilot.press("e")
        await until(pilot, lambda: isinstance(app.screen, EditScreen) and bool(app.screen.query("#action-words")))
        text = app.screen.query_one(TextArea)
        text.text = '{"kind": "clik"}'
        await until(pilot, lambda: "✗" in str(app.screen.query_one("#action-words", Static).render()))
        await pilot.press("ctrl+s")
        assert isinstance(app.screen, EditScreen), "what is no action is not taken"
        text.text = '{"kind": "click", "point": {"x": 100, "y": 75}}'
        await pilot.pause()
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "done after 1 step " in status(screen))
        assert "you put another action in its place: click (100, 75)" in titles(screen)
    (intent,) = intents(tmp_path)
    assert intent.action == Click(Point(100, 75))
    assert any(isinstance(fact, events.Verdict) and fact.instead == intent.action for fact in facts(tmp_path))


async def test_what_the_policy_denies_stays_denied_when_edited_in(tmp_path: Path) -> None:
    policy = tmp_path / "my.yaml"
    policy.write_text("gate:\n  mode: ask\n  rules:\n    - {decision: deny, name: no keys, actions: [type]}\n")
    model = ScriptedModel(lambda prompt: Finish("failed") if prompt.history.feedback else CLICK)
    app = make_app(tmp_path / "sessions", model)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, HomeScreen))
        app.screen.query_one("#policy", Input).value = str(policy)
        screen = await begin(pilot, mode="ask")
        await until(pilot, lambda: isinstance(app.screen, AskScreen))
        await pilot.press("e")
        await until(pilot, lambda: isinstance(app.screen, EditScreen) and bool(app.screen.query("#action-words")))
        app.screen.query_one(TextArea).text = '{"kind": "type", "text": "x"}'
        await pilot.pause()
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "failed after 0 steps" in status(screen))
    assert intents(tmp_path / "sessions") == []


async def taken_over(pilot: Pilot[None], model: SlowModel) -> tuple[SessionScreen, FrameView]:
    """A session in the user's own hands, while ``model`` thinks."""
    screen = await begin(pilot)
    await until(pilot, lambda: bool(model.tasks) and screen.latest is not None)
    frame = screen.query_one(FrameView)
    await until(pilot, lambda: frame._drawn is not None)  # pyright: ignore[reportPrivateUsage]
    await pilot.press("f10")
    await until(pilot, lambda: frame.has_focus and frame.hands_on)
    return screen, frame


async def test_the_users_own_hands_are_recorded_like_the_models(tmp_path: Path) -> None:
    model = SlowModel(1_000, delay_s=30.0)
    app = make_app(tmp_path, model)
    async with app.run_test(size=(120, 40)) as pilot:
        screen, frame = await taken_over(pilot, model)
        for action in (Click(Point(100, 75)), Type("Zo"), Type("ë")):
            frame.post_message(FrameView.Acted(action))
        await until(pilot, lambda: len(titles(screen)) >= 4)
        await pilot.press("x", "enter")
        await until(pilot, lambda: any("Enter" in title for title in titles(screen)))
        await until(pilot, lambda: "the user has taken over" in status(screen))
        model.delay_s, model.presses = 0.0, 0
        await pilot.press("f10")
        await until(pilot, lambda: "done after" in status(screen))
    done = intents(tmp_path)
    assert {intent.by for intent in done} == {"user"}
    assert done[0].action == Click(Point(100, 75))
    typed = "".join(intent.action.text for intent in done if isinstance(intent.action, Type))
    assert typed == "Zoëx"
    states = [(fact.state, fact.why) for fact in facts(tmp_path) if isinstance(fact, events.StateChanged)]
    assert states[0] == ("paused", "the user has taken over")
    assert states[-1] == ("running", "the user has handed back")
    assert len(model.tasks) == 2, "the decision under way was dropped, and asked for anew on the new screen"


async def test_a_press_in_the_picture_lands_where_it_shows(tmp_path: Path) -> None:
    model = SlowModel(1_000, delay_s=30.0)
    app = make_app(tmp_path, model)
    async with app.run_test(size=(120, 40)) as pilot:
        screen, frame = await taken_over(pilot, model)
        drawn = frame._drawn  # pyright: ignore[reportPrivateUsage]
        assert drawn is not None
        placing = drawn.placing
        column, row = placing.left + placing.columns // 4, placing.top + placing.rows // 2
        await pilot.click(frame, offset=(column, row))
        await until(pilot, lambda: len(intents(tmp_path)) == 1)
        action = intents(tmp_path)[0].action
        assert isinstance(action, Click)
        assert placing.pixel(column, row) == action.point.pixel()
        await pilot.press("escape")
        await until(pilot, lambda: "interrupted" in status(screen))


async def test_the_mode_changes_in_mid_run_and_back(tmp_path: Path) -> None:
    model = SlowModel(1_000, delay_s=0.05)
    app = make_app(tmp_path, model)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await begin(pilot)
        await until(pilot, lambda: len(titles(screen)) > 2)
        await pilot.press("m")
        await until(pilot, lambda: isinstance(app.screen, ChoiceScreen))
        await pilot.press("up", "up", "enter")  # from auto, where the cursor is, to ask
        await until(pilot, lambda: isinstance(app.screen, AskScreen))
        await pilot.press("y")
        await until(pilot, lambda: isinstance(app.screen, AskScreen | SessionScreen))
        assert screen.timeline.mode == "ask"
        await until(pilot, lambda: isinstance(app.screen, AskScreen) and bool(app.screen.query("#yes")))
        await pilot.press("m")  # while it asks: for what comes after the question
        await until(pilot, lambda: isinstance(app.screen, ChoiceScreen) and bool(app.screen.query("#choices")))
        await pilot.press("home", "enter")  # undo: back to auto
        await until(pilot, lambda: isinstance(app.screen, AskScreen))
        model.presses = 0
        await pilot.press("y")
        await until(pilot, lambda: "done after" in status(screen))
    assert [fact.mode for fact in facts(tmp_path) if isinstance(fact, events.ModeChanged)] == ["ask", "auto"]


async def test_what_is_offered_is_what_can_be_done_now(tmp_path: Path) -> None:
    live, afterwards = {"f2", "f3", "f10", "m"}, {"f7", "f8", "f", "w", "r"}
    app = make_app(tmp_path, SlowModel(1_000, delay_s=0.05))
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await begin(pilot)
        await until(pilot, lambda: len(titles(screen)) > 2)
        keys = set(screen.active_bindings)
        assert live <= keys
        assert not afterwards & keys
        assert screen.active_bindings["escape"].binding.action == "stop_run", "Esc is told as what it does"
        assert any("empty desktop" in told.message for told in app._notifications)  # pyright: ignore[reportPrivateUsage]
        await pilot.press("escape")
        await until(pilot, lambda: "interrupted after" in status(screen))
        await until(pilot, lambda: afterwards <= set(screen.active_bindings))
        assert not live & set(screen.active_bindings)
        assert screen.active_bindings["escape"].binding.action == "leave"


async def test_esc_stops_whatever_is_open(tmp_path: Path) -> None:
    app = make_app(tmp_path, SlowModel(1_000, delay_s=0.05))
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await begin(pilot, mode="ask")
        await until(pilot, lambda: isinstance(app.screen, AskScreen))
        await pilot.press("e")
        await until(pilot, lambda: isinstance(app.screen, EditScreen))
        await pilot.press("escape")
        await until(pilot, lambda: "interrupted" in status(screen))
        assert app.screen is screen, "the question has gone with the run"


async def ask_for(pilot: Pilot[None], model: str) -> None:
    """Have ``model`` decide: O, another one, its name."""
    app = pilot.app
    await pilot.press("o")
    await until(pilot, lambda: isinstance(app.screen, ChoiceScreen))
    listed = app.screen.query_one(OptionList)
    listed.highlighted = listed.get_option_index("other")
    await pilot.press("enter")
    await until(pilot, lambda: isinstance(app.screen, LineScreen) and bool(app.screen.query("#line")))
    app.screen.query_one("#line", Input).value = model
    await pilot.press("enter")
    await until(pilot, lambda: not isinstance(app.screen, LineScreen))


async def test_another_model_decides_from_the_next_step_on(
    tmp_path: Path, tiny_models: TinyModels, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    model = SlowModel(1_000, delay_s=0.4)
    app = make_app(tmp_path, model)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await begin(pilot)
        await until(pilot, lambda: len(titles(screen)) > 2)
        await ask_for(pilot, f"{tiny_models.dense} {tiny_models.mmproj}")
        told = "from here on dense.gguf decides, until here embedded did"
        await until(pilot, lambda: told in titles(screen))
        assert app.screen is screen, "the run goes on"
        await until(pilot, lambda: "dense.gguf" in status(screen))
        monkeypatch.setattr("edgeagent.runner.deciding.available_mb", lambda: 0.0)
        assert screen.run is not None
        screen.run.set_model(ModelChoice(str(tiny_models.hybrid), str(tiny_models.mmproj)))
        await until(pilot, lambda: any("hybrid.gguf cannot decide" in title for title in titles(screen)))
        monkeypatch.setattr("edgeagent.tui.models_here.available_mb", lambda: 0.0)
        await ask_for(pilot, f"{tiny_models.hybrid} {tiny_models.mmproj}")
        toasts = app._notifications  # pyright: ignore[reportPrivateUsage]
        await until(pilot, lambda: any("are free" in toast.message for toast in toasts))
        await pilot.press("escape")
        await until(pilot, lambda: "interrupted" in status(screen) and screen.run is not None and not screen.run.alive)
        await ask_for(pilot, "embedded")
        await until(pilot, lambda: isinstance(app.screen, SessionScreen) and app.screen is not screen)
        model.presses = 0
        resumed = app.screen
        assert isinstance(resumed, SessionScreen)
        await until(pilot, lambda: bool(resumed.query("#status")) and "done after" in status(resumed))
    changes = [fact for fact in facts(tmp_path) if isinstance(fact, events.ModelChanged | events.RunStarted | events.RunEnded)]
    kinds = [type(fact).__name__ for fact in changes]
    assert kinds == ["RunStarted", "ModelChanged", "RunEnded", "ModelChanged", "RunStarted", "RunEnded"]


async def test_what_leaves_for_a_model_elsewhere_is_said_first(tmp_path: Path) -> None:
    model = SlowModel(1_000, delay_s=0.2)
    app = make_app(tmp_path, model)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, HomeScreen))
        app.screen.query_one("#model", Input).value = "openai:http://127.0.0.1:9/v1#far"
        app.screen.query_one(TaskInput).text = "press twice"
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen) and len(app.screen.query(Static)) > 1)
        assert "every screenshot of this session go to 127.0.0.1:9" in str(app.screen.query(Static)[1].render())
        await pilot.press("n")
        await until(pilot, lambda: isinstance(app.screen, HomeScreen))
        assert SessionStore(tmp_path).ids() == []
        app.screen.query_one("#model", Input).value = ""
        screen = await begin(pilot)
        await until(pilot, lambda: len(titles(screen)) > 2)
        await ask_for(pilot, "openai:http://127.0.0.1:9/v1#far")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen) and bool(app.screen.query("#no")))
        await pilot.press("y")
        await until(pilot, lambda: "from here on far decides, until here embedded did" in titles(screen))
        model.presses = 0
        await until(pilot, lambda: "done after" in status(screen))


async def test_a_fork_a_comparison_and_an_export(tmp_path: Path) -> None:
    app = make_app(tmp_path, SlowModel(3))
    async with app.run_test(size=(140, 45)) as pilot:
        screen = await begin(pilot)
        await until(pilot, lambda: "done after 3 steps" in status(screen))
        await pilot.press("f8")
        await until(pilot, lambda: isinstance(app.screen, ChoiceScreen))
        await pilot.press("enter")
        (session,) = SessionStore(tmp_path).ids()
        await until(pilot, lambda: (tmp_path / session / "report.html").exists())
        screen.query_one("#timeline", OptionList).highlighted = 1
        await pilot.press("f")
        await until(pilot, lambda: len(SessionStore(tmp_path).ids()) == 2)
        await until(pilot, lambda: isinstance(app.screen, SessionScreen) and app.screen is not screen)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, HomeScreen) and bool(app.screen.query("#sessions")))
        table = app.screen.query_one("#sessions", DataTable)
        await until(pilot, lambda: table.row_count == 2)
        table.focus()
        await pilot.press("c", "down", "c")
        await until(pilot, lambda: isinstance(app.screen, CompareScreen) and app.screen.query_one(DataTable).row_count == 3)
        rows = [app.screen.query_one(DataTable).get_row_at(place) for place in range(3)]
        assert [row[0] for row in rows] == [" ", "≠", "≠"]


async def test_deleting_asks_first(tmp_path: Path) -> None:
    app = make_app(tmp_path, SlowModel(1))
    async with app.run_test(size=(140, 45)) as pilot:
        screen = await begin(pilot)
        await until(pilot, lambda: "done after" in status(screen))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, HomeScreen) and bool(app.screen.query("#sessions")))
        table = app.screen.query_one("#sessions", DataTable)
        await until(pilot, lambda: table.row_count == 1)
        table.focus()
        for answer, left in ((("enter",), 1), (("down", "enter"), 0)):
            await pilot.press("delete")
            await until(pilot, lambda: isinstance(app.screen, ChoiceScreen))
            await pilot.press(*answer)
            await until(pilot, lambda: isinstance(app.screen, HomeScreen))
            await until(pilot, lambda left=left: len(SessionStore(tmp_path).ids()) == left)


@pytest.mark.parametrize("size", [(80, 24), (160, 50)])
async def test_every_screen_has_help_and_a_way_back(
    tmp_path: Path, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    app = make_app(tmp_path / "sessions", SlowModel(1))
    async with app.run_test(size=size) as pilot:
        screen = await begin(pilot)
        await until(pilot, lambda: "done after" in status(screen))
        for open_it, kind in (("p", PolicyScreen), ("", SessionScreen), ("escape", HomeScreen), ("f12", SettingsScreen)):
            if open_it:
                await pilot.press(open_it)
            await until(pilot, lambda kind=kind: isinstance(app.screen, kind))
            await pilot.press("f1")
            await until(pilot, lambda: isinstance(app.screen, HelpScreen))
            assert app.screen.query_one("#help-words", Static).content_region.width > 20
            await pilot.press("escape")
            await until(pilot, lambda kind=kind: isinstance(app.screen, kind))
            if kind is PolicyScreen:
                await pilot.press("escape")
                await until(pilot, lambda: app.screen is screen)


async def test_settings_are_checked_before_they_are_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    app = make_app(tmp_path / "sessions", SlowModel(1))
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, HomeScreen))
        await pilot.press("f12")
        await until(pilot, lambda: isinstance(app.screen, SettingsScreen) and bool(app.screen.query("#model")))
        app.screen.query_one("#model", Input).value = "/no/such.gguf"
        await pilot.press("ctrl+s")
        await pilot.pause(0.1)
        assert isinstance(app.screen, SettingsScreen)
        assert not (tmp_path / "edgeagent" / "config.toml").exists()
        app.screen.query_one("#model", Input).value = "embedded"
        app.screen.query_one("#theme").value = "edgeagent-light"  # pyright: ignore[reportAttributeAccessIssue]
        await pilot.press("ctrl+s")
        await until(pilot, lambda: isinstance(app.screen, HomeScreen))
        assert app.theme == "edgeagent-light"
    assert (tmp_path / "edgeagent" / "config.toml").read_text() == 'theme = "edgeagent-light"\n'


async def test_the_tour_ends_with_a_done_task(tmp_path: Path) -> None:
    app = make_app(tmp_path, SlowModel(1))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, HomeScreen))
        app.action_tour()
        await until(pilot, lambda: isinstance(app.screen, TourScreen))
        await pilot.press("enter", "enter", "enter")
        await until(pilot, lambda: isinstance(app.screen, SessionScreen) and bool(app.screen.query("#status")))
        screen = app.screen
        assert isinstance(screen, SessionScreen)
        await until(pilot, lambda: "done after" in status(screen))


async def test_resizing_in_mid_run_breaks_nothing(tmp_path: Path) -> None:
    app = make_app(tmp_path, SlowModel(1_000, delay_s=0.1), Settings(pictures="sixel"))
    async with app.run_test(size=(160, 50)) as pilot:
        screen = await begin(pilot)
        for size in ((80, 24), (200, 60), (40, 12), (80, 24)):
            await pilot.resize_terminal(*size)
            await pilot.pause(0.2)
        assert len(titles(screen)) > 3
        assert screen.query_one("#status").region.bottom <= 24
        await pilot.press("escape")
        await until(pilot, lambda: "interrupted" in status(screen))
        for size in ((200, 60), (80, 24)):
            await pilot.resize_terminal(*size)
        await until(pilot, lambda: screen.query_one(TimelineView).is_vertical_scroll_end)


async def test_it_works_without_colours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = make_app(tmp_path, SlowModel(2))
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await begin(pilot)
        await until(pilot, lambda: "done after 2 steps" in status(screen))
        await pilot.press("up", "f5", "f4")
        await app.workers.wait_for_complete()
        await pilot.pause()
        shown = app.export_screenshot()
    assert "░" in shown or "▓" in shown or "█" in shown

"""The terminal app goes back in a session, keeps sessions, and deletes them by rules: each once it was said and confirmed."""

from __future__ import annotations

from pathlib import Path

from support.terminal import SlowModel, begin, facts, make_app, status, titles, until
from textual.pilot import Pilot
from textual.widgets import DataTable, Input, Static

from edgeagent import events
from edgeagent.ports import Prompt, Reply
from edgeagent.sessions.store import SessionStore
from edgeagent.tui.dialog import ConfirmScreen, LineScreen
from edgeagent.tui.home import HomeScreen
from edgeagent.tui.session_screen import SessionScreen
from edgeagent.tui.timeline_view import TimelineView


class Writer(SlowModel):
    """Leaves the number of its decision in the sandbox's home."""

    def __init__(self, presses: int, root: Path) -> None:
        super().__init__(presses, delay_s=0.3)  # meanwhile the home is kept as the last step left it
        self.root = root

    async def complete(self, prompt: Prompt) -> Reply:
        reply = await super().complete(prompt)
        for home in self.root.glob("*/home"):
            (home / "decision").write_text(str(len(prompt.history.steps) + 1))
        return reply


def question(pilot: Pilot[None]) -> str:
    return "\n".join(str(line.render()) for line in pilot.app.screen.query(Static))


async def test_back_to_a_step_with_its_home_and_on_from_there(tmp_path: Path) -> None:
    model = Writer(3, tmp_path)
    app = make_app(tmp_path, model)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await begin(pilot)
        await until(pilot, lambda: "done after 3 steps" in status(screen))
        (session,) = SessionStore(tmp_path).ids()
        decision = tmp_path / session / "home" / "decision"
        assert decision.read_text() == "4"
        screen.query_one(TimelineView).highlighted = 1
        for answer in "ny":
            await pilot.press("w")
            await until(pilot, lambda: isinstance(app.screen, ConfirmScreen) and bool(app.screen.query("#no")))
            said = question(pilot)
            assert "Go back to step 1?" in said
            assert "2 later steps count as not done" in said
            assert "3  click (50, 25)" in said
            assert "home is put back" in said
            assert "Nothing outside of the home is known" in said
            await pilot.press(answer)
            await until(pilot, lambda: isinstance(app.screen, SessionScreen))
            if answer == "n":
                await pilot.pause(0.2)
                assert not any(isinstance(fact, events.Rewound) for fact in facts(tmp_path))
        await until(pilot, lambda: app.screen is not screen and bool(app.screen.query(TimelineView)))
        again = app.screen
        assert isinstance(again, SessionScreen)
        await until(pilot, lambda: "you went back to step 1: 2 later steps count as not done" in titles(again))
        assert decision.read_text() == "1"
        await pilot.press("f7")
        await until(pilot, lambda: app.screen is not again and isinstance(app.screen, SessionScreen))
        last = app.screen
        assert isinstance(last, SessionScreen)
        await until(pilot, lambda: bool(last.query("#status")) and "done after 3 steps" in status(last))
    steps = [fact.step for fact in facts(tmp_path) if isinstance(fact, events.Acted)]
    assert steps == [1, 2, 3, 2, 3]


async def test_what_a_rewind_cannot_undo_is_listed(tmp_path: Path) -> None:
    theirs = tmp_path / "mine"
    theirs.mkdir()
    app = make_app(tmp_path / "sessions", SlowModel(2))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, HomeScreen))
        app.screen.query_one("#home", Input).value = str(theirs)
        screen = await begin(pilot)
        await until(pilot, lambda: "done after 2 steps" in status(screen))
        screen.query_one(TimelineView).highlighted = 0
        await pilot.press("w")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen) and bool(app.screen.query("#no")))
        said = question(pilot)
        assert "Go back to the beginning?" in said
        assert f"whatever was written to {theirs}" in said
        assert "stays as it is" in said
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is screen)
        screen.query_one(TimelineView).highlighted = 3  # the end: no step
        await pilot.press("w")
        await pilot.pause(0.2)
        assert app.screen is screen


async def test_a_rule_takes_all_but_what_is_kept(tmp_path: Path) -> None:
    app = make_app(tmp_path, SlowModel(1))
    async with app.run_test(size=(120, 40)) as pilot:
        for count in (1, 2, 3):
            screen = await begin(pilot, f"task {count}")
            await until(pilot, lambda screen=screen: "done after" in status(screen))
            await pilot.press("escape")
            await until(pilot, lambda: isinstance(app.screen, HomeScreen) and bool(app.screen.query("#sessions")))
            table = app.screen.query_one("#sessions", DataTable)
            await until(pilot, lambda count=count, table=table: table.row_count == count)
        table = app.screen.query_one("#sessions", DataTable)
        table.focus()
        table.move_cursor(row=2)
        oldest = table.coordinate_to_cell_key(table.cursor_coordinate).row_key.value
        await pilot.press("k")
        assert table.get_row_at(2)[3].startswith("♥ ")
        for rule, lists in (("loud 3", ""), ("last 3", ""), ("last 0", "Delete these 2 sessions")):
            await pilot.press("x")
            await until(pilot, lambda: isinstance(app.screen, LineScreen) and bool(app.screen.query("#line")))
            app.screen.query_one("#line", Input).value = rule
            await pilot.press("enter")
            await until(pilot, lambda: isinstance(app.screen, ConfirmScreen if lists else HomeScreen))  # noqa: B023
            assert lists in question(pilot)
            assert len(SessionStore(tmp_path).ids()) == 3
        await pilot.press("y")
        await until(pilot, lambda: SessionStore(tmp_path).ids() == [oldest])

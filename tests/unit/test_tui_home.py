"""The first screen: a task starts from any of its fields, and the sessions are in sight down to 80x24."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual import on
from textual.widgets import DataTable, Input

from edgeagent import events
from edgeagent.runner import Runner
from edgeagent.sessions.store import SessionStore
from edgeagent.testing import FakeClock
from edgeagent.tui.app import EdgeAgentApp
from edgeagent.tui.home import TaskWanted
from edgeagent.tui.wanted import Wanted
from edgeagent_harness.protocol.messages import DesktopSpec


class Listening(EdgeAgentApp):
    """Keeps what was asked for instead of doing it."""

    def __init__(self, store: SessionStore) -> None:
        super().__init__(lambda: Runner(store=store))
        self.wanted: list[TaskWanted] = []

    @on(TaskWanted)
    def _keep(self, wanted: TaskWanted) -> None:
        wanted.prevent_default()
        self.wanted.append(wanted)


async def keep_one(root: Path) -> SessionStore:
    store = SessionStore(root)
    with store.create(FakeClock()) as session:
        await session.writer.emit(
            events.SessionCreated(task="Buy nothing", model="m", desktop=DesktopSpec(320, 200), version="0")
        )
    return store


@pytest.mark.parametrize("field", ["task", "applications", "url", "home", "agent", "model", "policy"])
async def test_enter_starts_from_every_field(tmp_path: Path, field: str) -> None:
    app = Listening(SessionStore(tmp_path))
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press(*"tidy up")
        app.screen.query_one("#applications", Input).value = "mousepad ~/a.txt"
        app.screen.query_one("#home", Input).value = "/srv/files"
        app.screen.query_one(f"#{field}").focus()
        await pilot.press("enter")
        (wanted,) = app.wanted
        assert wanted.task == "tidy up"
        assert wanted.on == Wanted(applications="mousepad ~/a.txt", home="/srv/files", model="")


async def test_offline_mode_is_in_sight(tmp_path: Path) -> None:
    for is_offline in (False, True):
        app = EdgeAgentApp(lambda: Runner(store=SessionStore(tmp_path)), offline=is_offline)
        async with app.run_test(size=(80, 24)):
            assert ("offline" in str(app.screen.query_one("HeaderTitle").render())) == is_offline


async def test_nothing_to_do_is_said_and_the_task_is_asked_for(tmp_path: Path) -> None:
    app = Listening(SessionStore(tmp_path))
    async with app.run_test() as pilot:
        app.screen.query_one("#policy").focus()
        await pilot.press("enter")
        assert not app.wanted
        assert app.focused is app.screen.query_one("#task")


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_sessions_are_in_sight(tmp_path: Path, size: tuple[int, int]) -> None:
    app = Listening(await keep_one(tmp_path))
    async with app.run_test(size=size) as pilot:
        for _ in range(200):
            await pilot.pause(0.02)
            if app.screen.query("#sessions") and app.screen.query_one("#sessions", DataTable).row_count:
                break
        table = app.screen.query_one("#sessions", DataTable)
        assert table.row_count == 1
        assert table.content_region.height >= 3
        assert not app.screen.query_one("#first-words").display


async def test_who_has_none_is_told_what_to_try(tmp_path: Path) -> None:
    app = Listening(SessionStore(tmp_path))
    async with app.run_test(size=(80, 24)) as pilot:
        for _ in range(200):
            await pilot.pause(0.02)
            if app.screen.query_one("#first-words").display:
                break
        assert app.screen.query_one("#first-words").content_region.height >= 3
        assert not app.screen.query_one("#session-table").display

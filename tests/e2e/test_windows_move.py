"""Windows that were moved, resized and exchanged in a real sandbox stand there, and are there again after a move, both ways."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import form_run, windows_run
from support.cloud import backend, until
from support.teleporting import run_until_step, silent

from edgeagent import events
from edgeagent.recording.reader import SessionReader
from edgeagent.sessions.store import SessionStore
from edgeagent.teleport.api import connect
from edgeagent.teleport.manifest import FORMAT_WITH_WINDOWS
from edgeagent.teleport.plan import Plan, make_plan
from edgeagent.teleport.pulling import pull
from edgeagent.teleport.pushing import push
from edgeagent.teleport.telling import plan_lines

pytestmark = [pytest.mark.sandbox, pytest.mark.browser]


@pytest.mark.parametrize("browser", [False, pytest.param(True, marks=pytest.mark.slow)])
async def test_windows_are_where_they_were(browser: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEAGENT_HOME", str(tmp_path / "client"))
    store, hold = SessionStore(), tmp_path / "hold"
    runner = windows_run.make(store)
    runner.viewing = windows_run.put_in_place
    began = await run_until_step(runner, windows_run.request(tmp_path / "project", browser), 2)
    hold.write_text("5")
    sent: list[Plan] = []

    def look(plan: Plan) -> bool:
        sent.append(plan)
        return True

    with backend(tmp_path / "cloud", {form_run.HOLD_VARIABLE: str(hold)}, runner="support.windows_run:make") as world:
        known = await world.connected()
        async with connect(known) as api:
            await push(store, began.session, "cloud", known, api, silent, look)
            await until(lambda: api.standing(began.session), lambda standing: standing.last_step >= 5, 90)
            directory = await pull(store, began.session, "cloud", known, api, silent)
    ended = await windows_run.make(store).resume(began.session)
    assert ended.ended.outcome == "done"
    with SessionReader.open(directory) as reader:
        assert reader.damage() == []
        facts = [event.data for event in reader.events()]
    first, there, back = [fact for fact in facts if isinstance(fact, events.WindowsLeft)]
    placed = [(window.x, window.y, window.width, window.height) for window in first.windows]
    assert placed == list(windows_run.PLACES)
    assert [window.focused for window in first.windows] == [False, True]
    assert {(window.window_class, window.x, window.y, window.width) for window in there.windows} == {
        (window.window_class, window.x, window.y, window.width) for window in first.windows
    }, "whichever the model left in front"
    assert back.windows == there.windows
    restored = [fact for fact in facts if isinstance(fact, events.Restored)]
    assert [fact.windows for fact in restored] == ["2 of 2 windows are where they were"] * 2
    assert [fact.how for fact in restored] == ["replayed", "reopened"], restored
    assert sent[0].manifest.format == FORMAT_WITH_WINDOWS
    assert sent[0].manifest.windows == first.windows
    told = [line.text for line in plan_lines(make_plan(directory))]
    assert sum("520x320 at 60,40" in line for line in told) == 1
    assert sum("with the keyboard" in line for line in told) == 1

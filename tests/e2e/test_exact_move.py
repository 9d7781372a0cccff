"""A real sandbox in which nothing is open any more is elsewhere exactly what it was; nothing else is ever called exact."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import bare_run, form_run
from support.cloud import backend, until
from support.teleporting import run_until_step, silent

from edgeagent import events
from edgeagent.recording.reader import SessionReader
from edgeagent.sessions.store import SessionStore
from edgeagent.teleport.api import connect
from edgeagent.teleport.plan import make_plan
from edgeagent.teleport.pulling import pull
from edgeagent.teleport.pushing import push
from edgeagent_harness.protocol.messages import Application

pytestmark = pytest.mark.sandbox
EDITOR = Application(("mousepad", "--disable-server"))


def facts_of(directory: Path) -> list[events.EventData]:
    with SessionReader.open(directory) as reader:
        assert reader.damage() == []
        return [event.data for event in reader.events()]


async def test_a_closed_editor_is_not_opened_again_on_either_side(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEAGENT_HOME", str(tmp_path / "client"))
    store, hold = SessionStore(), tmp_path / "hold"
    began = await run_until_step(bare_run.make(store), bare_run.request(bare_run.CLOSED, EDITOR), 2)
    directory = store.root / began.session
    assert make_plan(directory).manifest.expects == "exact"
    hold.write_text("4")
    with backend(tmp_path / "cloud", {form_run.HOLD_VARIABLE: str(hold)}, runner="support.bare_run:make") as world:
        known = await world.connected()
        async with connect(known) as api:
            await push(store, began.session, "cloud", known, api, silent, lambda plan: True)
            await until(lambda: api.standing(began.session), lambda standing: standing.last_step >= 4, 90)
            await pull(store, began.session, "cloud", known, api, silent)
    assert (await bare_run.make(store).resume(began.session)).ended.outcome == "done"
    facts = facts_of(directory)
    assert [(fact.how, fact.why) for fact in facts if isinstance(fact, events.Restored)] == [("exact", "")] * 2
    assert [fact.windows for fact in facts if isinstance(fact, events.WindowsLeft)] == [()] * 3
    assert "arrived.whole" not in {file.path for file in make_plan(directory).manifest.files}


@pytest.mark.parametrize(
    ("task", "program", "besides"),
    [
        (bare_run.OPEN, EDITOR, "program mousepad"),
        (bare_run.CLOSED, Application(("sh", "-c", "sleep 600 & exec mousepad --disable-server")), "program sleep"),
        (bare_run.CLOSED, Application(("sh", "-c", "echo x > /tmp/kept; exec mousepad --disable-server")), "file /tmp/kept"),
    ],
    ids=["a window", "a program without one", "a file outside of the home"],
)
async def test_what_a_program_holds_or_left_elsewhere_is_not_exact(
    task: str, program: Application, besides: str, tmp_path: Path
) -> None:
    store = SessionStore(tmp_path / "sessions")
    began = await run_until_step(bare_run.make(store), bare_run.request(task, program), 2)
    directory = store.root / began.session
    [left] = [fact for fact in facts_of(directory) if isinstance(fact, events.WindowsLeft)]
    assert besides in left.besides
    assert make_plan(directory).manifest.expects != "exact"

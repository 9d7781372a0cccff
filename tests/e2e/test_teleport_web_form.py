"""A web form is begun here, goes on at a backend, and is finished here, in real sandboxes: sent once, one chain of events."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import form_run, web_form_run
from support.cloud import HAS_RAY, backend, until
from support.teleporting import run_until_step, silent

from edgeagent import events
from edgeagent.recording.export import export
from edgeagent.recording.reader import SessionReader
from edgeagent.sessions.store import SessionStore
from edgeagent.teleport.api import connect
from edgeagent.teleport.pulling import pull
from edgeagent.teleport.pushing import push

pytestmark = [pytest.mark.sandbox, pytest.mark.browser]


NEEDS_RAY = pytest.mark.skipif(not HAS_RAY, reason="Ray is not installed: there is no wheel of it for this machine")


@pytest.mark.parametrize("engine", ["local", pytest.param("ray", marks=[pytest.mark.slow, NEEDS_RAY])])
async def test_a_web_form_across_two_machines(engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEAGENT_HOME", str(tmp_path / "client"))
    home, store = tmp_path / "project", SessionStore()
    web_form_run.furnish(home)
    (home / "untracked").write_text("not in any Git")
    began = await run_until_step(web_form_run.make(store), web_form_run.request(home), 4)
    assert (began.ended.message, began.steps) == ("moves", 4)
    pace = {form_run.PACE_VARIABLE: "0.7"}
    with backend(tmp_path / "cloud", pace, runner="support.web_form_run:make", engine=engine) as world:
        known = await world.connected()
        async with connect(known) as api:
            await push(store, began.session, "cloud", known, api, silent, lambda plan: True)
            await until(lambda: api.standing(began.session), lambda standing: standing.last_step >= 7, 90)
            directory = await pull(store, began.session, "cloud", known, api, silent)
    ended = await web_form_run.make(store).resume(began.session)
    assert ended.ended.outcome == "done"
    assert web_form_run.received(directory / "home") == [dict(zip(web_form_run.NAMES, form_run.TEXTS, strict=True), agree="on")]
    assert (directory / "home" / "untracked").read_text() == "not in any Git"
    with SessionReader.open(directory) as reader:
        assert reader.damage() == []
        facts = [event.data for event in reader.events()]
    assert [fact.step for fact in facts if isinstance(fact, events.Acted)] == list(range(1, 11))
    restored = [fact for fact in facts if isinstance(fact, events.Restored)]
    assert [fact.how for fact in restored] == ["replayed", "replayed"], restored
    report = export(directory, "html", tmp_path / "report.html").read_text()
    assert all(words in report for words in ("Handed over", "Taken back", "restored: replayed"))

"""A session moves to a real backend and back: one chain, nothing done twice, never two owners, whatever is cut on the way."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import form_run
from support.cloud import Backend, backend, until
from support.teleporting import run_until_step, silent

from edgeagent import events
from edgeagent.errors import NotOwner
from edgeagent.recording.reader import SessionReader
from edgeagent.sessions.store import SessionStore
from edgeagent.sessions.whereabouts import whereabouts
from edgeagent.teleport.api import connect
from edgeagent.teleport.pulling import pull
from edgeagent.teleport.pushing import push


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Backend]:
    monkeypatch.setenv("EDGEAGENT_HOME", str(tmp_path / "client"))
    monkeypatch.setenv(form_run.WITNESS_VARIABLE, str(tmp_path / "witness"))
    with backend(tmp_path / "cloud", {form_run.PACE_VARIABLE: "0.3"}) as made:
        yield made


def submissions() -> list[list[object]]:
    path = Path(os.environ[form_run.WITNESS_VARIABLE])
    return [json.loads(line)["form"] for line in path.read_text().splitlines()] if path.exists() else []


async def test_there_at_step_4_and_back_at_8(world: Backend) -> None:
    store = SessionStore()
    began = await run_until_step(form_run.make(store), form_run.REQUEST, 4)
    assert (began.ended.outcome, began.ended.message, began.steps) == ("stopped", "moves", 4)
    known = await world.connected()
    async with connect(known) as api:
        await push(store, began.session, "cloud", known, api, silent, lambda plan: True)
        assert whereabouts(store.root / began.session).phase == "there"
        with pytest.raises(NotOwner, match="belongs to cloud"):
            await form_run.make(store).resume(began.session)
        await until(lambda: api.standing(began.session), lambda standing: standing.last_step >= 7)
        directory = await pull(store, began.session, "cloud", known, api, silent)
    ended = await form_run.make(store).resume(began.session)
    assert ended.ended.outcome == "done"
    assert submissions() == [[*form_run.TEXTS, True]]
    with SessionReader.open(directory) as reader:
        assert reader.damage() == []
        facts = [event.data for event in reader.events()]
    assert [fact.step for fact in facts if isinstance(fact, events.Acted)] == list(range(1, 11))
    moves = [fact for fact in facts if isinstance(fact, events.HandedOver | events.TakenBack | events.Restored)]
    assert moves[0] == events.HandedOver("cloud", 1)
    assert moves[2] == events.TakenBack("cloud", 2)
    there, back = (fact for fact in moves if isinstance(fact, events.Restored))
    assert (there.how, there.steps, back.how) == ("replayed", 4, "replayed")
    assert 7 <= back.steps <= 9

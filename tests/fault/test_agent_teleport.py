"""A session that works as an agent goes to a backend and back: its prompt, actions, limits and policy hold there and here."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import agent_run, form_run
from support.cloud import Backend, backend, until
from support.teleporting import run_until_step, silent

from edgeagent import events
from edgeagent.recording.reader import SessionReader
from edgeagent.sessions.store import SessionStore
from edgeagent.teleport.api import connect
from edgeagent.teleport.pulling import pull
from edgeagent.teleport.pushing import push


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Backend]:
    monkeypatch.setenv("EDGEAGENT_HOME", str(tmp_path / "client"))
    monkeypatch.setenv(form_run.WITNESS_VARIABLE, str(tmp_path / "witness"))
    monkeypatch.setenv(agent_run.TOLD_VARIABLE, str(tmp_path / "told"))
    with backend(tmp_path / "cloud", {form_run.PACE_VARIABLE: "0.4"}, runner="support.agent_run:make") as made:
        yield made


def written(variable: str) -> list[str]:
    path = Path(os.environ[variable])
    return path.read_text().splitlines() if path.exists() else []


async def test_it_holds_there_and_back_here(world: Backend) -> None:
    store = SessionStore()
    began = await run_until_step(agent_run.make(store), agent_run.REQUEST, 4)
    assert (began.ended.outcome, began.steps) == ("stopped", 4)
    known = await world.connected()
    async with connect(known) as api:
        await push(store, began.session, "cloud", known, api, silent, lambda plan: True)
        await until(lambda: api.standing(began.session), lambda standing: standing.last_step >= 7)
        directory = await pull(store, began.session, "cloud", known, api, silent)
    ended = await agent_run.make(store).resume(began.session)
    assert (ended.ended.outcome, ended.steps) == ("limit", 9), "of ten steps the agent's own limit permits nine"
    with SessionReader.open(directory) as reader:
        facts = [event.data for event in reader.events()]
    created = next(fact for fact in facts if isinstance(fact, events.SessionCreated))
    assert (created.agent, created.desktop.policy_yaml) == (agent_run.AGENT, agent_run.POLICY)
    denied = [fact for fact in facts if isinstance(fact, events.Verdict) and not fact.allow]
    assert [fact.rule for fact in denied] == ["agent forms", "agent forms"]
    moved = next(at for at, fact in enumerate(facts) if isinstance(fact, events.HandedOver))
    back = next(at for at, fact in enumerate(facts) if isinstance(fact, events.TakenBack))
    assert facts.index(denied[0]) < moved < facts.index(denied[1], moved) < back, "once here, once there"
    told = [json.loads(line) for line in written(agent_run.TOLD_VARIABLE)]
    assert len({one["pid"] for one in told}) == 2
    assert all(one["told"].startswith(agent_run.PROMPT) and "click, type" in one["told"] for one in told)
    assert written(form_run.WITNESS_VARIABLE) == [], "the tenth step would have sent it"


async def test_its_limit_ends_it_there(world: Backend) -> None:
    store = SessionStore()
    began = await run_until_step(agent_run.make(store), agent_run.REQUEST, 4)
    known = await world.connected()
    async with connect(known) as api:
        await push(store, began.session, "cloud", known, api, silent, lambda plan: True)
        standing = await until(lambda: api.standing(began.session), lambda standing: standing.state == "idle")
        assert (standing.outcome, standing.last_step) == ("limit", 9)
        directory = await pull(store, began.session, "cloud", known, api, silent)
    again = await agent_run.make(store).resume(directory.name)
    assert (again.ended.outcome, again.steps) == ("limit", 9), "it counts on after it came back"

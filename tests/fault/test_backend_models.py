"""A session goes on with the model that its backend's operator names for it, a server or a file, and with no other."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from support import form_run
from support.chat_server import HOLO, said, serving
from support.cloud import Backend, backend, until
from support.teleporting import silent

from edgeagent import events
from edgeagent.cli.cloud_options import endpoints_of
from edgeagent.clock import SystemClock
from edgeagent.errors import BundleRefused, TeleportRefused, UsageError
from edgeagent.recording.reader import SessionReader
from edgeagent.sessions.store import SessionStore
from edgeagent.teleport.api import connect
from edgeagent.teleport.plan import make_plan
from edgeagent.teleport.pulling import pull
from edgeagent.teleport.pushing import push

AT_HOME = "openai:http://127.0.0.1:9/v1#holo-3"
DONE = '{"note": null, "thought": "t", "tool_call": {"tool_name": "answer", "content": "sent"}}'


@pytest.fixture
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEAGENT_HOME", str(tmp_path / "client"))
    monkeypatch.setenv(form_run.WITNESS_VARIABLE, str(tmp_path / "witness"))


async def begin(store: SessionStore, model: str, mmproj: str = "") -> str:
    with store.create(SystemClock()) as session:
        spec = form_run.REQUEST.desktop
        await session.writer.emit(events.SessionCreated("click it", model, spec, "0.1.0", mmproj=mmproj, family="holo"))
    return session.id


@pytest.mark.usefixtures("surroundings")
@pytest.mark.parametrize(("model", "called"), [(AT_HOME, ""), ("/home/me/models/holo.gguf", "holo.gguf=")])
async def test_the_operators_server_answers(tmp_path: Path, model: str, called: str) -> None:
    store = SessionStore()
    session = await begin(store, model, "/home/me/models/holo-mmproj.gguf" if called else "")
    steps = [(400, b"unknown field nvext", ""), *[(200, said(HOLO), "")] * 2, (200, said(DONE), "")]
    async with serving(*steps) as server:
        answers = f"{called}openai:http://127.0.0.1:{server.port}#holo-3"
        with backend(tmp_path / "cloud", {}, runner="support.endpoint_run:make", further=("--model", answers)) as world:
            known = await world.connected()
            async with connect(known) as api:
                await push(store, session, "cloud", known, api, silent, lambda plan: True)
                standing = await until(lambda: api.standing(session), lambda standing: standing.state == "idle")
                assert (standing.outcome, standing.message) == ("done", "sent")
                directory = await pull(store, session, "cloud", known, api, silent)
    assert ["nvext" in body for body in server.bodies] == [True, False, False, False]
    ids = {line for head in server.heads for line in head.splitlines() if line.lower().startswith("x-dynamo-session-id")}
    assert len(ids) == 1
    with SessionReader.open(directory) as reader:
        steps_done = [event.data.step for event in reader.events() if isinstance(event.data, events.Acted)]
        usage = [event.data.usage for event in reader.events() if isinstance(event.data, events.Replied)]
    assert steps_done == [1, 2]
    assert {one.cached_tokens for one in usage} == {600}


@pytest.mark.usefixtures("surroundings")
@pytest.mark.parametrize("model", [AT_HOME, "openai:http://127.0.0.1:9/v1#other"])
@pytest.mark.parametrize("asks", ["the client", "the backend"])
async def test_a_model_that_no_operator_named_is_refused(tmp_path: Path, model: str, asks: str) -> None:
    further = () if model == AT_HOME else ("--model", "openai:http://127.0.0.1:9/v1#holo-3")
    store = SessionStore()
    session = await begin(store, model)
    with backend(tmp_path / "cloud", {}, runner="support.endpoint_run:make", further=further) as world:
        known = await world.connected()
        if asks == "the backend":  # a client that says what is not so
            known = msgspec.structs.replace(known, models=("holo-3", "other"))
        async with connect(known) as api:
            with pytest.raises((BundleRefused, TeleportRefused), match=r"decided by a server|the model openai"):
                await push(store, session, "cloud", known, api, silent, lambda plan: True)
            assert await no_cloud_session(world)


async def no_cloud_session(world: Backend) -> bool:
    known = await world.connected()
    async with connect(known) as api:
        return all(one.owner == "client" for one in await api.sessions())


@pytest.mark.usefixtures("surroundings")
async def test_the_preview_calls_a_servers_model_by_its_name() -> None:
    store = SessionStore()
    session = await begin(store, AT_HOME)
    assert make_plan(store.root / session).manifest.model.name == "holo-3"


def test_how_servers_are_named() -> None:
    assert endpoints_of(["openai:http://127.0.0.1:8000#m", "a.gguf=openai:http://127.0.0.1:8001/v1#b"]) == {
        "m": "openai:http://127.0.0.1:8000/v1#m",
        "a.gguf": "openai:http://127.0.0.1:8001/v1#b",
    }
    for wrong in ("m", "m=http://x#y", "=openai:http://x#y", "openai:http://x"):
        with pytest.raises(UsageError):
            endpoints_of([wrong])

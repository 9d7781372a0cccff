"""What a session's engine held goes to a real backend, where the first question computes only what is new; others are refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import form_run, gguf_run
from support.cloud import Backend, backend, until
from support.teleporting import run_until_step, silent
from support.tiny_models import TinyModels

from edgeagent import events
from edgeagent.errors import TeleportRefused
from edgeagent.limits import Limits
from edgeagent.recording.reader import SessionReader
from edgeagent.runner import ModelChoice, RunRequest
from edgeagent.sessions.store import SessionStore
from edgeagent.sessions.whereabouts import whereabouts
from edgeagent.teleport.api import connect
from edgeagent.teleport.pulling import pull
from edgeagent.teleport.pushing import push
from edgeagent_harness.protocol.messages import DesktopSpec

pytestmark = pytest.mark.llama


def served(tmp_path: Path, models: TinyModels, monkeypatch: pytest.MonkeyPatch, *more: str) -> Backend:
    """A backend with a cache of its own."""
    monkeypatch.setenv("EDGEAGENT_HOME", str(tmp_path / "client"))
    monkeypatch.setenv(form_run.WITNESS_VARIABLE, str(tmp_path / "witness"))
    further = ("--models", str(models.dense.parent), *more)
    environment = {"EDGEAGENT_HOME": str(tmp_path / "elsewhere")}
    return Backend(tmp_path / "cloud", environment, runner="support.gguf_run:make", further=further)


async def begun(models: TinyModels) -> str:
    """A session of two steps, whose run left."""
    request = RunRequest(
        "save the form", DesktopSpec(320, 220), ModelChoice(str(models.hybrid), str(models.mmproj), "holo"), Limits(max_steps=4)
    )
    ended = await run_until_step(gguf_run.make(SessionStore()), request, 2)
    assert (ended.ended.outcome, ended.steps) == ("stopped", 2), ended
    return ended.session


@pytest.mark.parametrize("wanted", [True, pytest.param(False, marks=pytest.mark.slow)])
async def test_the_backend_goes_on_from_it(
    wanted: bool, tmp_path: Path, tiny_models: TinyModels, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = served(tmp_path, tiny_models, monkeypatch, "--take-engine-states")
    with backend(made.data, made.environment, runner=made.runner, further=made.further) as world:
        session, known = await begun(tiny_models), await world.connected()
        async with connect(known) as api:
            await push(SessionStore(), session, "cloud", known, api, silent, lambda plan: True, wanted)
            await until(lambda: api.standing(session), lambda standing: standing.state == "idle", 90)
            directory = await pull(SessionStore(), session, "cloud", known, api, silent)
    with SessionReader.open(directory) as reader:
        facts = [event.data for event in reader.events()]
    there = next(at for at, fact in enumerate(facts) if isinstance(fact, events.HandedOver))
    moved = facts[there]
    assert isinstance(moved, events.HandedOver)
    assert ("came along" in moved.engine_state) == wanted
    first = next(fact for fact in facts[there:] if isinstance(fact, events.Replied))
    assert (first.usage.cached_tokens > first.usage.prompt_tokens / 2) == wanted


async def test_a_backend_that_takes_none_says_so_first(
    tmp_path: Path, tiny_models: TinyModels, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = served(tmp_path, tiny_models, monkeypatch)
    with backend(made.data, made.environment, runner=made.runner, further=made.further) as world:
        session, known = await begun(tiny_models), await world.connected()
        async with connect(known) as api:
            with pytest.raises(TeleportRefused, match="takes no engine states"):
                await push(SessionStore(), session, "cloud", known, api, silent, lambda plan: True, True)
            assert await api.sessions() == []
    assert whereabouts(SessionStore().root / session).here

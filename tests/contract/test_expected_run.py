"""While its user types into a session that ended, its model is loaded and its state comes back; unused, both go again."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest
from support.engines import until_gone
from support.tiny_models import TinyModels
from test_engine_state_moves import SESSION, STEPS, at, computed, created, prompt, worked_on
from textual.widgets import Input

from edgeagent.engine import LlamaModel, expect, open_model
from edgeagent.engine import host as the_host
from edgeagent.engine.host import EngineHost, HostedSeat
from edgeagent.sessions.store import SessionStore
from edgeagent.sessions.whereabouts import Whereabouts, keep_whereabouts
from edgeagent.tui.ahead import expect_to_go_on
from edgeagent.tui.app import EdgeAgentApp
from edgeagent.tui.session_screen import SessionScreen

__all__ = ["at"]
pytestmark = pytest.mark.llama
WAIT_S = 60.0


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SessionStore:
    monkeypatch.setenv("EDGEAGENT_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return SessionStore(tmp_path / "sessions")


@pytest.fixture
def host() -> EngineHost:
    """This process's engines; none is left of another test."""
    host = the_host()
    assert (host._engines, host._ahead) == ([], {})
    return host


async def started(host: EngineHost) -> int:
    """The process id of the engine that was started ahead, once it has what it was started for."""
    async with asyncio.timeout(WAIT_S):
        while not (host._ahead and all(one.taking.done() for one in host._ahead.values())):  # noqa: ASYNC110 - nobody is told
            await asyncio.sleep(0.02)
    (ahead,) = host._ahead.values()
    return ahead.taking.result().engine.pid


async def test_the_run_takes_what_was_made_ready(store: SessionStore, host: EngineHost, tiny_models: TinyModels) -> None:
    model, mmproj = str(tiny_models.hybrid), str(tiny_models.mmproj)
    await worked_on(store, tiny_models.hybrid, tiny_models.mmproj)
    for _ in "two keys":
        expect(model, mmproj, "holo", SESSION)
    pid = await started(host)
    async with open_model(model, mmproj, 0, print, "holo", session=SESSION) as opened:
        assert isinstance(opened, LlamaModel)
        assert isinstance(opened.engine, HostedSeat)
        assert (opened.engine.pid, host._ahead) == (pid, {})
        expect(model, mmproj, "holo", SESSION)  # it runs already
        opened.recall(prompt(STEPS + 1).history)
        reply = await opened.complete(prompt(STEPS + 1))
        assert computed(reply) < reply.usage.prompt_tokens / 2
    assert host._ahead == {}
    until_gone(pid)


async def test_it_goes_again_where_nothing_is_sent_or_another_model_is_wanted(
    store: SessionStore, host: EngineHost, tiny_models: TinyModels, monkeypatch: pytest.MonkeyPatch
) -> None:
    mmproj = str(tiny_models.mmproj)
    expect(str(tiny_models.hybrid), mmproj, "holo", SESSION)
    first = await started(host)
    async with open_model(str(tiny_models.dense), mmproj, 0, print, "holo", session=SESSION):
        until_gone(first)
    monkeypatch.setattr(sys.modules[EngineHost.__module__], "AHEAD_S", 0.3)
    expect(str(tiny_models.hybrid), mmproj, "holo", SESSION)
    async with asyncio.timeout(WAIT_S):
        while not host._ahead:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        while host._ahead or host._engines:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_typing_into_a_session_that_ended_does_it(store: SessionStore, host: EngineHost, tiny_models: TinyModels) -> None:
    directory = created(store, tiny_models.dense, tiny_models.mmproj)
    app = EdgeAgentApp()
    async with app.run_test() as pilot:
        await app.push_screen(SessionScreen(directory))
        await pilot.press("f6")
        await pilot.pause(0.5)
        assert host._ahead == {}, "nothing was typed yet"
        await pilot.press("g", "o")
        assert app.screen.query_one("#message", Input).value == "go"
        pid = await started(host)
    assert list(host._ahead) == [SESSION]
    host.wait(host._drop_ahead(SESSION))
    until_gone(pid)


async def test_one_that_is_elsewhere_is_not_expected(store: SessionStore, host: EngineHost, tiny_models: TinyModels) -> None:
    directory = created(store, tiny_models.dense, tiny_models.mmproj)
    keep_whereabouts(directory, Whereabouts("there", "cloud", 1))
    await expect_to_go_on(directory)
    assert host._ahead == {}

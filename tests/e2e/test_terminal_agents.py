"""An agent is picked on the first screen with keys alone, narrows the run, and stands in the session; in plain mode, too."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.terminal import CLICK, begin, facts, make_app, runners, status, titles, until
from textual.pilot import Pilot
from textual.widgets import Input, Select, Static

from edgeagent import events
from edgeagent.agents.reading import agents_folder
from edgeagent.errors import UsageError
from edgeagent.settings import Settings
from edgeagent.testing import ScriptedModel
from edgeagent.tui.agents_screen import AgentsScreen
from edgeagent.tui.asking import AskScreen
from edgeagent.tui.home import HomeScreen
from edgeagent.tui.plain import Plain
from edgeagent.tui.request import run_request
from edgeagent.tui.session_screen import SessionScreen
from edgeagent.tui.wanted import Wanted
from edgeagent_harness.protocol.actions import Finish, OpenApp

CAREFUL = """\
description = "Presses, and asks first"
mode = "ask"
actions = ["click"]
[limits]
max_steps = 7
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    agents_folder().mkdir(parents=True)
    (agents_folder() / "careful.toml").write_text(CAREFUL)
    (agents_folder() / "broken.toml").write_text("mod = 'ask'\n")
    (agents_folder() / "other.toml").write_text(f'policy = "offline"\n{CAREFUL}')
    return agents_folder()


async def picking(pilot: Pilot[None]) -> None:
    await until(pilot, lambda: isinstance(pilot.app.screen, HomeScreen))
    await pilot.press("f8")
    await until(pilot, lambda: isinstance(pilot.app.screen, AgentsScreen) and bool(pilot.app.screen.query("#agent-words")))


def words(pilot: Pilot[None]) -> str:
    return str(pilot.app.screen.query_one("#agent-words", Static).render())


def field(pilot: Pilot[None], name: str) -> str:
    return pilot.app.screen.query_one(f"#{name}", Input).value


async def test_it_is_picked_seen_and_held_to(tmp_path: Path) -> None:
    model = ScriptedModel([OpenApp("xterm"), CLICK, Finish()])
    app = make_app(tmp_path / "sessions", model)
    async with app.run_test(size=(80, 24)) as pilot:
        await picking(pilot)
        await until(pilot, lambda: "nothing else is taken away" in words(pilot))
        await pilot.press("down")
        await until(pilot, lambda: "line 1: unknown key 'mod'. did you mean mode?" in words(pilot))
        await pilot.press("enter")
        assert isinstance(app.screen, AgentsScreen), "what is broken is not taken"
        await pilot.press("down")
        await until(pilot, lambda: "may do: click; nothing else" in words(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, HomeScreen) and field(pilot, "agent") == "careful")
        assert app.screen.query_one("#mode", Select).value == "ask"
        screen = await begin(pilot, "press it")
        await until(pilot, lambda: isinstance(app.screen, AskScreen))
        await pilot.press("y")
        await until(pilot, lambda: isinstance(app.screen, SessionScreen) and "done after 1 step " in status(screen))
        assert titles(screen)[:2] == ["press it (works as careful)", "denied: this agent may not do open_app, only click"]
    created = facts(tmp_path / "sessions")[0]
    assert isinstance(created, events.SessionCreated)
    assert created.agent is not None
    assert (created.agent.name, created.mode, created.limits["max_steps"]) == ("careful", "ask", 7)


async def test_settings_give_way_to_it_and_come_back(tmp_path: Path) -> None:
    app = make_app(tmp_path / "sessions", ScriptedModel([]), Settings(policy="web", model="my.gguf mm.gguf"))
    async with app.run_test(size=(120, 40)) as pilot:
        await picking(pilot)
        await pilot.press("end", "enter")
        await until(pilot, lambda: isinstance(app.screen, HomeScreen) and field(pilot, "agent") == "other")
        await until(pilot, lambda: field(pilot, "policy") == "")
        assert app.screen.query_one("#policy", Input).placeholder == "offline"
        assert field(pilot, "model") == "my.gguf mm.gguf", "of that the agent says nothing"
        await picking(pilot)
        await pilot.press("home", "enter")
        await until(pilot, lambda: isinstance(app.screen, HomeScreen) and field(pilot, "agent") == "")
        await until(pilot, lambda: field(pilot, "policy") == "web")
        assert app.screen.query_one("#mode", Select).value == "auto"
        assert app.screen.query_one("#policy", Input).placeholder == "locked"


def test_the_mode_of_the_first_screen_never_loosens_that_of_the_policy_or_the_agent(tmp_path: Path) -> None:
    policy = tmp_path / "my.yaml"
    policy.write_text("gate: {mode: bounded}\n")
    assert run_request("t", Wanted(policy=str(policy))).mode == "bounded"
    assert run_request("t", Wanted(policy=str(policy), agent="careful")).mode == "bounded"
    assert run_request("t", Wanted(agent="careful")).mode == "ask"
    assert run_request("t", Wanted(agent="careful", mode="plan")).mode == "plan"
    assert run_request("t", Wanted()).mode == "auto"
    with pytest.raises(UsageError, match="offline policy"):
        run_request("t", Wanted(agent="other"))


def test_plain_mode_says_what_it_means_and_works_as_it(tmp_path: Path) -> None:
    said: list[str] = []
    plain = Plain(said.append, runners(tmp_path / "sessions", ScriptedModel([OpenApp("xterm"), Finish()])))
    plain.line(":agents")
    plain.line(":agent careful")
    assert "careful" in said
    assert "  may do: click; nothing else, whatever the policy allows" in said
    with pytest.raises(UsageError, match="no agent is called 'carefull'"):
        plain.line(":agent carefull")
    run = plain.line("press it")
    assert run is not None
    run.start()
    assert run.join(20.0)
    plain.hear()
    assert "press it (works as careful)" in said
    assert "denied: this agent may not do open_app, only click" in said

"""On a real sandbox: an agent is refused what it may not, is asked before its kinds, and "always" goes by window and field."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from edgeagent.agents.agent import Agent
from edgeagent.policy.asking import Question, Said
from edgeagent.ports import Model, Prompt
from edgeagent.runner import ModelChoice, Runner, RunRequest
from edgeagent.sessions.store import SessionStore
from edgeagent.testing import ScriptedModel
from edgeagent_harness.protocol.actions import Action, Click, Finish, Key, OpenApp, Type, WaitUntil
from edgeagent_harness.protocol.geometry import Point
from edgeagent_harness.protocol.messages import Application, DesktopSpec

pytestmark = pytest.mark.sandbox
SPEC = DesktopSpec(640, 480, applications=(Application(("sh", "-c", "touch ~/a.txt; exec mousepad ~/a.txt")),))
FIELD = Click(Point(320, 300))
SCRIPT: list[Action] = [FIELD, Type("one"), Type(" two"), Key(("ctrl", "s")), WaitUntil("still", 2000), FIELD, Type(" three")]


@dataclass
class Person:
    """Says always to whatever it is asked."""

    asked: list[Question] = field(default_factory=list[Question])

    async def ask(self, question: Question) -> Said:
        self.asked.append(question)
        return "always"


async def test_always_goes_by_application_and_field_where_no_rule_looks_at_windows(tmp_path: Path) -> None:
    person = Person()

    def choose(prompt: Prompt) -> Action:
        done = len(prompt.history.steps)
        if done < len(SCRIPT):
            return SCRIPT[done]
        return Finish() if prompt.history.feedback else OpenApp("xterm")

    @asynccontextmanager
    async def open_model(choice: ModelChoice, seed: int, restarted: Callable[[str], None]) -> AsyncGenerator[Model]:
        yield ScriptedModel(choose)

    runner = Runner(SessionStore(tmp_path), asker=person, open_model=open_model)
    agent = Agent("writer", actions=("click", "type", "key"), ask=("type",))
    result = await runner.start(RunRequest("write", SPEC, agent=agent))
    assert (result.ended.outcome, result.steps) == ("done", len(SCRIPT))
    (question,) = person.asked
    assert (question.rule, question.places) == ("agent writer (ask: type)", ("mousepad",))
    assert question.again == "the same here, with other text too"
    assert (tmp_path / result.session / "home" / "a.txt").read_text().strip() == "one two"


def test_the_embedded_model_is_held_to_an_agent_of_the_users(tmp_path: Path) -> None:
    folder = tmp_path / "config" / "edgeagent" / "agents"
    folder.mkdir(parents=True)
    (folder / "clicker.toml").write_text("actions = ['click']\n[start]\napps = ['mousepad']\n[limits]\nmax_steps = 5\n")
    env = {**os.environ, "EDGEAGENT_HOME": str(tmp_path / "data"), "XDG_CONFIG_HOME": str(tmp_path / "config")}

    def edgeagent(*arguments: str) -> subprocess.CompletedProcess[str]:
        argv = [sys.executable, "-m", "edgeagent", *arguments]
        return subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False, env=env)

    ran = edgeagent("run", "Write 'Hi' and save it as hi.txt", "--agent", "clicker")
    assert ran.returncode == 5, ran.stderr
    assert "denied: this agent may not do type, only click" in ran.stdout
    (folder / "clicker.toml").unlink()
    (listed,) = json.loads(edgeagent("sessions", "list", "--output", "json").stdout)
    assert (listed["agent"], listed["steps"]) == ("clicker", 0)
    assert "may do       click; nothing else" in edgeagent("sessions", "show", listed["id"]).stdout
    assert "rule agent clicker" in edgeagent("audit", "show", listed["id"]).stdout

"""A real editor in the real sandbox saves a file twice; the session is forked and rewound to the step between, files and all."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from edgeagent.clock import SystemClock
from edgeagent.ports import Model, Prompt
from edgeagent.recording.reader import SessionReader
from edgeagent.runner import ModelChoice, Runner, RunRequest
from edgeagent.sessions import branching
from edgeagent.sessions.store import SessionStore
from edgeagent.testing import ScriptedModel
from edgeagent_harness.protocol.actions import Action, Batch, Click, Finish, Key, Type, WaitUntil
from edgeagent_harness.protocol.geometry import Point
from edgeagent_harness.protocol.messages import Application, DesktopSpec

pytestmark = pytest.mark.sandbox
SAVE = Batch((Key(("ctrl", "s")), WaitUntil("still", 2000)))
FIRST: list[Action] = [Click(Point(320, 300)), Type("one"), SAVE, Type(" two"), SAVE, Finish()]
OTHER: list[Action] = [*FIRST[:3], Batch((Key(("ctrl", "End")), Type(" other"))), SAVE, Finish()]
SPEC = DesktopSpec(640, 480, applications=(Application(("sh", "-c", "touch ~/a.txt; exec mousepad ~/a.txt")),))


def runner(root: Path, script: list[Action]) -> Runner:
    def choose(prompt: Prompt) -> Action:
        return script[len(prompt.history.steps)]

    @asynccontextmanager
    async def open_model(choice: ModelChoice, seed: int, restarted: Callable[[str], None]) -> AsyncGenerator[Model]:
        yield ScriptedModel(choose)

    return Runner(SessionStore(root), open_model=open_model)


async def test_the_files_of_a_step_come_back(tmp_path: Path) -> None:
    store = SessionStore(tmp_path)
    result = await runner(tmp_path, FIRST).start(RunRequest("write", SPEC))
    assert (result.ended.outcome, result.steps) == ("done", 5)
    saved = tmp_path / result.session / "home" / "a.txt"
    assert saved.read_text().strip() == "one two"

    forked = branching.fork(store, result.session, 3, SystemClock())
    assert forked.home == "restored", forked
    copy = tmp_path / forked.session / "home" / "a.txt"
    assert copy.read_text().strip() == "one"
    again = await runner(tmp_path, OTHER).resume(forked.session)
    assert (again.ended.outcome, again.steps) == ("done", 5)
    assert copy.read_text().strip() == "one other"
    assert saved.read_text().strip() == "one two"

    assert branching.rewind(store, result.session, 2, SystemClock()).home == "restored"
    assert saved.read_text() == ""
    with SessionReader.open(tmp_path / result.session) as reader:
        assert len(reader.steps()) == 2
        assert not reader.damage()

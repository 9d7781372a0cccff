"""`kill -9` of the command itself at several points of a task: what `sessions resume` then calls done is done, in the file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.sandbox
EDGEAGENT = (sys.executable, "-m", "edgeagent")
MOST_RESUMES = 3
"""On a crowded machine a dialog may come too late for the policy, which then says so, and can be resumed again."""


@pytest.mark.parametrize(("kind", "step"), [("effect", 1), ("intent", 3), ("effect", 4)], ids=["typed", "dialog", "saved"])
def test_a_killed_command_is_resumed_to_the_end(tmp_path: Path, kind: str, step: int) -> None:
    env = {**os.environ, "EDGEAGENT_HOME": str(tmp_path)}
    kill_at(kind, step, env)
    (session,) = json.loads(subprocess.check_output([*EDGEAGENT, "sessions", "list", "--output", "json"], env=env))
    assert session["damaged"] is False
    saved = Path(session["directory"]) / "home" / "a.txt"
    outcomes = [session["status"]]
    while outcomes[-1] != "done" and len(outcomes) <= MOST_RESUMES:
        outcomes.append(resumed(session["id"], env))
        assert outcomes[-1] != "done" or saved.read_text().strip() == "Hello", outcomes
    assert outcomes[-1] == "done", outcomes


def kill_at(kind: str, step: int, env: dict[str, str]) -> None:
    """Run the task, and kill the command as soon as it tells the event."""
    task = ("run", "Write Hello and save it as a.txt", "--app", "mousepad", "--output", "stream-json")
    process = subprocess.Popen([*EDGEAGENT, *task], stdout=subprocess.PIPE, env=env)
    assert process.stdout is not None
    with process.stdout:
        for line in process.stdout:
            fact = json.loads(line)
            if (fact.get("kind"), fact.get("step")) == (kind, step):
                process.kill()
    process.wait(30)


def resumed(session: str, env: dict[str, str]) -> str:
    """How the session ends when it is taken up again."""
    command = [*EDGEAGENT, "sessions", "resume", session, "--output", "json"]
    process = subprocess.run(command, env=env, capture_output=True, timeout=120)
    outcome = json.loads(process.stdout)["outcome"]
    assert (process.returncode == 0) == (outcome == "done"), process.stderr
    return outcome

"""The real sandbox dies, or the app does: it is told, the session goes on, its home is kept, and no process stays behind."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import psutil
import pytest
import real_run

from edgeagent import events
from edgeagent.cli.replaying import replay_session
from edgeagent.desktop import SandboxDesktop, open_desktop
from edgeagent.ports import Prompt
from edgeagent.recording.reader import SessionReader
from edgeagent.runner import Runner, RunRequest, RunResult
from edgeagent.sessions.store import SessionStore
from edgeagent_harness.protocol.actions import Action, Click, Finish, Key, Type
from edgeagent_harness.protocol.geometry import Point
from edgeagent_harness.protocol.messages import Application, DesktopSpec

pytestmark = pytest.mark.sandbox
NOTE = DesktopSpec(640, 480, applications=(Application(("sh", "-c", "exec mousepad ~/note.txt")),))


def facts_of(root: Path, session: str) -> list[events.EventData]:
    with SessionReader.open(SessionStore(root).find(session)) as reader:
        assert not reader.damage()
        return [event.data for event in reader.events()]


@pytest.mark.parametrize("victim", ["sandbox", "supervisor"])
def test_a_killed_sandbox_is_restarted_and_the_run_goes_on(tmp_path: Path, victim: str) -> None:
    started: list[SandboxDesktop] = []

    def opened(spec: DesktopSpec) -> SandboxDesktop:
        started.append(open_desktop(spec))
        return started[-1]

    def choose(prompt: Prompt) -> Action:
        if len(prompt.history.steps) == 1 and len(started) == 1:
            supervisor = psutil.Process(started[0].supervisor_pid)
            for process in [supervisor] if victim == "supervisor" else supervisor.children():
                os.kill(process.pid, signal.SIGKILL)
        return real_run.next_action(prompt)

    runner = Runner(SessionStore(tmp_path), open_desktop=opened, open_model=real_run.scripted(choose))
    result: RunResult = asyncio.run(runner.start(real_run.request()))
    assert (result.ended.outcome, result.steps) == ("done", 4)
    facts = facts_of(tmp_path, result.session)
    kinds = [type(fact) for fact in facts]
    lost = kinds.index(events.DesktopWasLost)
    assert kinds[lost + 1 : lost + 3] == [events.RunStarted, events.Reconciled]
    again = facts[lost + 1]
    assert isinstance(again, events.RunStarted)
    assert again.reason == "desktop_restarted"
    home = SessionStore(tmp_path).find(result.session) / "home"
    assert (home / "starts").read_text() == "started\n" * 2
    assert not processes_with(home)


def processes_with(home: Path) -> list[int]:
    """Processes that have ``home`` on their command line."""
    found: list[int] = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if any(str(home) in word for word in process.cmdline()):
                found.append(process.pid)
    return found


def test_a_killed_app_leaves_nothing_running_and_its_session_is_resumed(tmp_path: Path) -> None:
    program = Path(__file__).with_name("real_run.py")
    died = subprocess.run([sys.executable, program, tmp_path, "3"], capture_output=True, timeout=60)
    assert died.returncode == -signal.SIGKILL, died.stderr
    store = SessionStore(tmp_path)
    (summary,) = store.summaries()
    assert (summary.status, summary.steps) == ("interrupted", 2), "the lock of a dead owner is free at once"
    until_s = time.monotonic() + 10
    while (left := processes_with(summary.directory / "home")) and time.monotonic() < until_s:
        time.sleep(0.05)
    assert not left
    result = asyncio.run(Runner(store, open_model=real_run.scripted()).resume(summary.id))
    assert (result.ended.outcome, result.steps) == ("done", 4)
    facts = facts_of(tmp_path, summary.id)
    assert [fact.step for fact in facts if isinstance(fact, events.Reconciled)] == [3]
    assert [fact.step for fact in facts if isinstance(fact, events.Intent)] == [1, 2, 3, 4], "nothing was repeated"
    assert (summary.directory / "home" / "starts").read_text() == "started\n" * 2


def test_a_recorded_run_replays_to_the_same_screens(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = tmp_path / "brought"
    home.mkdir()
    (home / "note.txt").write_text("as it was\n")
    script = (Click(Point(320, 240)), Type("Zoë "), Key(("ctrl", "s")), Finish())
    request = RunRequest("add a name", msgspec.structs.replace(NOTE, home=str(home)))
    model = real_run.scripted(lambda prompt: script[len(prompt.history.steps)])
    result = asyncio.run(Runner(SessionStore(tmp_path / "sessions"), open_model=model).start(request))
    assert "Zoë" in (home / "note.txt").read_text()
    same = asyncio.run(replay_session(SessionStore(tmp_path / "sessions").find(result.session), None, as_json=True))
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(screen["step"], screen["verdict"]) for screen in told] == [(step, "same") for step in range(4)]
    assert same
    assert (home / "note.txt").read_text().count("Zoë") == 1, "a replay touches nothing of the user's"

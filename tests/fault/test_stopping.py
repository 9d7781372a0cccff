"""A running session is stopped from outside, by hand or by the governor: its owner ends, and its log says why."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.processes import wait_until

from edgeagent import events
from edgeagent.cli.main import cli
from edgeagent.errors import EnvironmentProblem, SessionError
from edgeagent.governor.governor import Governor
from edgeagent.governor.tally import Tally
from edgeagent.policy.judge import compile_rules
from edgeagent.recording.reader import SessionReader
from edgeagent.sessions.lock import LOCK_NAME, SessionLock
from edgeagent.sessions.stopping import Stopped, owner_of, stop
from edgeagent_harness.audit import AuditLog, read
from edgeagent_harness.policy.gate_types import Gate, GovernorLimits, Rule
from edgeagent_harness.protocol.audit import SessionStopped

RUN = """
import asyncio, contextlib, sys
from pathlib import Path
from edgeagent.interrupts import run_until_stopped
from edgeagent.runner import Runner, RunRequest
from edgeagent.sessions.store import SessionStore
from edgeagent.limits import Limits
from edgeagent.testing import Button, FakeDesktop, ScriptedModel
from edgeagent.clock import SystemClock
from edgeagent_harness.protocol.actions import Click, Type
from edgeagent_harness.protocol.geometry import Point, Rect

class Started(FakeDesktop):
    layers, missing_layers, start_ms = ("fake",), (), 0.0

class Slow(ScriptedModel):
    async def complete(self, prompt):
        await asyncio.sleep(0.05)
        return await super().complete(prompt)

DEAF = sys.argv[2] == "deaf"
model = Slow(lambda prompt: Type("abc") if len(prompt.history.steps) % 2 else Click(Point(50, 25)))
desktop = lambda spec: contextlib.nullcontext(Started([Button("Go", Rect(10, 10, 90, 40))]))
runner = Runner(SessionStore(Path(sys.argv[1])), open_desktop=desktop, open_model=lambda *_: contextlib.nullcontext(model))
work = runner.start(RunRequest("press", limits=Limits(max_steps=0, timeout_s=60, max_no_effect=0)))
if DEAF:
    import signal
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    asyncio.run(work)
else:
    sys.exit({"stopped": 5}.get(asyncio.run(run_until_stopped(work, runner.brake)).ended.outcome, 1))
"""


@pytest.fixture
def running(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """A process that works on a session, and the session's directory."""
    root = tmp_path / "sessions"
    kind = getattr(request, "param", "hears")
    process = subprocess.Popen([sys.executable, "-c", RUN, str(root), kind])
    wait_until(lambda: root.is_dir() and any(steps_of(one) >= 2 for one in root.iterdir()), 40)
    yield process, next(root.iterdir())
    process.kill()
    process.wait()


def steps_of(directory: Path) -> int:
    try:
        return (directory / "events.jsonl").read_bytes().count(b'"kind":"effect"')
    except OSError:
        return 0


def ended(directory: Path) -> events.RunEnded:
    with SessionReader.open(directory) as reader:
        assert reader.damage() == []
        (last,) = [event.data for event in reader.events() if isinstance(event.data, events.RunEnded)]
    return last


def test_a_session_is_stopped_and_says_why(running: tuple[subprocess.Popen[bytes], Path]) -> None:
    process, directory = running
    assert owner_of(directory) == process.pid
    stopped = stop(directory, "because of a test")
    assert (stopped.pid, process.wait(10)) == (process.pid, 5)
    assert ended(directory) == events.RunEnded("stopped", "because of a test")
    assert sorted(path.name for path in directory.iterdir() if path.name == "stop") == []


@pytest.mark.parametrize("running", ["deaf"], indirect=True)
def test_one_that_does_not_listen_is_ended(running: tuple[subprocess.Popen[bytes], Path]) -> None:
    process, directory = running
    assert stop(directory, "because").by == "SIGKILL"
    assert process.wait(10) == -signal.SIGKILL


def test_who_does_not_hold_the_lock_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / LOCK_NAME).write_text(f"{os.getppid()}\n")
    assert owner_of(tmp_path) is None
    with pytest.raises(SessionError, match="is not running"):
        stop(tmp_path, "x")
    lock = SessionLock(tmp_path)
    assert owner_of(tmp_path) == os.getpid()
    (tmp_path / LOCK_NAME).write_text(f"{os.getppid()}\n")
    assert owner_of(tmp_path) is None, "the file says another process than the kernel does"
    lock.release()


RULE = Rule("deny", "nothing is typed", ("type",))


@pytest.mark.parametrize(
    ("limits", "rules", "why"),
    [
        (GovernorLimits(max_steps_per_hour=3), (), "steps of all sessions within an hour; 3 are permitted"),
        (GovernorLimits(max_typed_characters_per_hour=5), (), "typed characters of all sessions"),
        (GovernorLimits(), (RULE,), "nothing is typed denies type"),
    ],
)
def test_the_governor_stops_whoever_breaks_a_rule(
    running: tuple[subprocess.Popen[bytes], Path], tmp_path: Path, limits: GovernorLimits, rules: tuple[Rule, ...], why: str
) -> None:
    process, directory = running
    log = AuditLog(tmp_path / "governor.jsonl")
    governor = Governor(directory.parent, Tally(limits, compile_rules(Gate(rules=rules))), log, lambda said: None)
    end_s = time.monotonic() + 30
    while process.poll() is None and time.monotonic() < end_s:
        governor.look()
        time.sleep(0.05)
    log.close()
    assert process.wait(1) == 5
    (line,) = read(tmp_path / "governor.jsonl")
    assert isinstance(line.entry, SessionStopped)
    assert (line.entry.session, line.entry.pid) == (directory.name, process.pid)
    assert why in line.entry.reason
    assert ended(directory).message == line.entry.reason


def test_the_governor_leaves_alone_who_keeps_to_the_rules(running: tuple[subprocess.Popen[bytes], Path], tmp_path: Path) -> None:
    process, directory = running
    with AuditLog(tmp_path / "governor.jsonl") as log:
        governor = Governor(directory.parent, Tally(GovernorLimits(100_000), compile_rules(Gate())), log, lambda said: None)
        for _ in range(10):
            governor.look()
            time.sleep(0.05)
    assert process.poll() is None
    assert read(tmp_path / "governor.jsonl") == []


def test_a_session_too_many_is_stopped(running: tuple[subprocess.Popen[bytes], Path], tmp_path: Path) -> None:
    process, directory = running
    newer = directory.parent / "99991231-000000-ffffff"
    newer.mkdir()
    lock = SessionLock(newer)
    with AuditLog(tmp_path / "governor.jsonl") as log:
        stopped: list[Path] = []

        def note(directory: Path, reason: str) -> Stopped:
            assert reason == "governor: 2 sessions run at once; 1 are permitted"
            stopped.append(directory)
            return Stopped(1, "SIGINT", 0.1)

        tally = Tally(GovernorLimits(max_sessions=1), compile_rules(Gate()))
        Governor(directory.parent, tally, log, lambda said: None, note).look()
    lock.release()
    assert stopped == [newer]
    assert process.poll() is None


def test_a_second_governor_is_told_of_the_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text("gate: {governor: {max_sessions: 4}}\n")
    monkeypatch.setenv("EDGEAGENT_HOME", str(tmp_path / "data"))
    (tmp_path / "data").mkdir()
    with AuditLog(tmp_path / "data" / "governor.jsonl"), pytest.raises(EnvironmentProblem, match="another program is writing it"):
        cli.main(["governor", "--policy", str(policy)], standalone_mode=False)

"""The stage's results, made once for all tests of the suite, and the count at the end."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from escape.attempts.core import ATTEMPTS, Attempt
from escape.attempts.run import load

TESTS = Path(__file__).parents[1]
WHO = ("root", "user")
_COUNTED: list[str] = []


@dataclass(frozen=True, slots=True)
class Seen:
    """What came of every attempt: who started it -> context -> name -> outcome."""

    results: dict[str, dict[str, Any]]

    def outcome(self, who: str, context: str, name: str) -> str:
        """In the sandbox that ``who`` has started. Skips what this machine cannot show."""
        return self._found(self._of(who)["sandbox"].get(context, {}), name)

    def control(self, attempt: Attempt) -> str:
        """Without any sandbox, by whoever must succeed."""
        if attempt.control == "root" and os.geteuid() == 0 and attempt.capability >= 0 and not _may_hold(attempt.capability):
            pytest.skip(f"root has not capability {attempt.capability} on this machine, so it cannot show how it goes with it")
        return self._found(self._of(attempt.control)["control"], attempt.name)

    def _of(self, who: str) -> dict[str, Any]:
        if who not in self.results:
            pytest.skip("only root can make root's half; the tests were started by an ordinary user")
        return self.results[who]

    def _found(self, outcomes: dict[str, str], name: str) -> str:
        if name not in outcomes:
            pytest.skip("this machine, or an ordinary user, cannot set up what it takes")
        return outcomes[name]


@pytest.fixture(scope="session")
def stage() -> Iterator[Seen]:
    """All attempts in all contexts, and all controls, made by one process: see `escape.stage`."""
    scratch = tempfile.mkdtemp(prefix="edgeagent-escape-")  # not pytest's: another user must reach it
    os.chmod(scratch, 0o755)
    lay, result = Path(scratch, "lay"), Path(scratch, "result.json")
    lay.mkdir()
    environment = os.environ | {"PYTHONPATH": ":".join([str(TESTS), *filter(None, sys.path)])}
    argv = [sys.executable, "-P", "-m", "escape.stage", str(lay), str(result)]
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=240, env=environment, check=False)
        assert done.returncode == 0, done.stderr[-4000:]
        yield Seen(json.loads(result.read_text()))
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _may_hold(capability: int) -> bool:
    with open("/proc/self/status") as stream:
        held = next(line.split()[1] for line in stream if line.startswith("CapEff:"))
    return bool(int(held, 16) >> capability & 1)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Count what was shown."""
    if report.when == "call" and report.passed and "tests/escape/" in report.nodeid:
        _COUNTED.append(report.nodeid)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was shown."""
    if not any("::test_each_attempt" in one for one in _COUNTED):
        return
    attempts = load()
    accepted = sum(bool(one.accepted) for one in attempts.values())
    count = {kind: sum(f"::{kind}[" in one for one in _COUNTED) for kind in ("test_each_attempt", "test_each_control")}
    staged = sum("test_attempts.py" not in one for one in _COUNTED)
    terminalreporter.write_line(
        f"escape suite: {len(ATTEMPTS)} attempts from inside ({len(ATTEMPTS) - accepted} to be blocked, {accepted} accepted "
        f"somewhere), {count['test_each_attempt']} outcomes as expected, {count['test_each_control']} controls as expected; "
        f"{staged} tests of hostile peers, limits and configuration passed"
    )

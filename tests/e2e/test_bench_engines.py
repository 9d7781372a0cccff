"""A suite has the same results on this machine and on a Ray cluster, also if a worker is lost there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from support.cloud import HAS_RAY, TESTS
from support.lo_only import in_lo_only

TIMINGS = {"step_ms", "phases_ms", "episode_ms_p50", "machine"}
ASKED = ["--tasks", "click-test,enter-text,login-user", "--seeds", "0:2", "--workers", "2"]


def start(json_path: Path, *arguments: str) -> subprocess.Popen[str]:
    argv = [sys.executable, "-m", "edgeagent", "bench", "tasks", *ASKED, "--json", str(json_path), *arguments]
    environment = os.environ | {"PYTHONPATH": str(TESTS)}
    return subprocess.Popen(in_lo_only(argv), env=environment, stderr=subprocess.PIPE, text=True)


def results(json_path: Path) -> dict[str, Any]:
    """What does not depend on how fast the machine was just then."""
    report = json.loads(json_path.read_bytes())
    tasks = [{name: value for name, value in task.items() if name not in TIMINGS} for task in report["tasks"]]
    return {name: value for name, value in report.items() if name not in TIMINGS} | {"tasks": tasks}


def finish(process: subprocess.Popen[str]) -> None:
    _, told = process.communicate(timeout=240)
    assert process.returncode == 0, told


def kill_a_player(process: subprocess.Popen[str]) -> None:
    """As soon as one plays."""
    end_s = time.monotonic() + 90
    while time.monotonic() < end_s:
        for one in psutil.Process(process.pid).children(recursive=True):
            if "ray::Player.play" in " ".join(one.cmdline()):
                return one.kill()
        time.sleep(0.1)
    raise AssertionError("no actor came")


@pytest.mark.slow
@pytest.mark.sandbox
@pytest.mark.browser
@pytest.mark.skipif(not HAS_RAY, reason="Ray is not installed: there is no wheel of it for this machine")
def test_the_same_results_here_and_on_ray(tmp_path: Path) -> None:
    here, there = tmp_path / "here.json", tmp_path / "there.json"
    finish(start(here))
    on_ray = start(there, "--engine", "ray")
    kill_a_player(on_ray)
    finish(on_ray)
    assert results(here) == results(there)
    assert sum(task["successes"] for task in results(here)["tasks"]) > 0

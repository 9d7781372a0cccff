"""The four ways into offline mode, and what it rules out; and that a run makes no network socket even without it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from edgeagent_harness.isolation import bpf, giving_up

pytestmark = pytest.mark.sandbox

ALLOWLIST = "version: 1\nnetwork:\n  egress: {mode: allowlist, endpoints: [{host: a.example, port: 443}]}\n"
OFFLINE = "version: 1\nnetwork:\n  egress: {mode: offline}\n"


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    variables = {**os.environ, "EDGEAGENT_HOME": str(tmp_path / "data"), "XDG_CONFIG_HOME": str(tmp_path / "config")}
    variables.pop("EDGEAGENT_OFFLINE", None)
    return variables


def edgeagent(env: dict[str, str], *arguments: str, **more: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", "-m", "edgeagent", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=env, **more)  # pyright: ignore


@pytest.mark.parametrize("where", ["flag", "variable", "config"])
def test_what_contradicts_or_needs_the_network_is_refused(env: dict[str, str], tmp_path: Path, where: str) -> None:
    (tmp_path / "policy.yaml").write_text(ALLOWLIST)
    if where == "variable":
        env["EDGEAGENT_OFFLINE"] = "1"
    if where == "config":
        (tmp_path / "config" / "edgeagent").mkdir(parents=True)
        (tmp_path / "config" / "edgeagent" / "config.toml").write_text("offline = true\n")
    flag = ["--offline"] if where == "flag" else []
    refused = edgeagent(env, *flag, "run", "x", "--policy", str(tmp_path / "policy.yaml"))
    assert refused.returncode == 2
    assert "this is offline mode" in refused.stderr
    refused = edgeagent(env, *flag, "run", "x", "--url", "https://a.example/")
    assert refused.returncode == 3
    assert "needs the network" in refused.stderr
    refused = edgeagent(env, *flag, "sandbox", "exec", "--policy", str(tmp_path / "policy.yaml"), "--", "/bin/true")
    assert refused.returncode == 2
    assert "this is offline mode" in refused.stderr


@pytest.mark.parametrize(
    ("words", "code", "reason"),
    [
        (["x", "--url", "https://a.example/"], 3, "needs the network"),
        (["x", "--url", "a.example"], 2, "no address of a page"),
        (["x", "--policy", "web"], 2, "this is offline mode"),
    ],
)
def test_a_run_that_cannot_begin_cannot_be_proven_and_says_why(
    env: dict[str, str], words: list[str], code: int, reason: str
) -> None:
    refused = edgeagent(env, "prove", "run", *words)
    assert refused.returncode == code
    assert reason in refused.stderr
    assert "nothing to prove" in refused.stderr


def test_an_inherited_network_socket_is_refused(env: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as leak:
        refused = edgeagent(env, "--offline", "sessions", "list", pass_fds=[leak.fileno()])
        assert refused.returncode == 3
        assert f"descriptor {leak.fileno()} is an open network socket (AF_INET)" in refused.stderr
        assert edgeagent(env, "sessions", "list", pass_fds=[leak.fileno()]).returncode == 0


def test_the_policy_of_a_run_makes_it_offline_and_so_it_goes_on(env: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(OFFLINE)
    words = ["press the button that is not there", "--app", "mousepad", "--max-steps", "1", "--output", "json"]
    run = edgeagent(env, "run", *words, "--policy", str(tmp_path / "policy.yaml"))
    told = json.loads(run.stdout)
    log = tmp_path / "data" / "sessions" / told["session"] / "events.jsonl"
    assert '"app_socket_filter"' in log.read_text()
    edgeagent(env, "sessions", "resume", told["session"], "--message", "and again", "--max-steps", "2")
    started = [line for line in log.read_text().splitlines() if '"kind":"run_started"' in line]
    assert len(started) == 2
    assert '"app_socket_filter"' in started[1]


def test_applications_keep_their_own_loopback(env: dict[str, str]) -> None:
    script = "import socket; s = socket.create_server(('127.0.0.1', 0)); socket.create_connection(s.getsockname()); print(1)"
    done = edgeagent(env, "--offline", "sandbox", "exec", "--", "/usr/bin/python3", "-c", script)
    assert (done.returncode, done.stdout) == (0, "1\n"), done.stderr


@pytest.mark.slow
def test_no_process_of_an_online_run_makes_a_network_socket(env: dict[str, str], tmp_path: Path) -> None:
    """With a filter on all of them that kills whoever tries; an engine that was killed would be told as restarted."""

    def kill_whoever_tries() -> None:
        giving_up.forbid_privileges()
        giving_up.forbid_calls((), (socket.AF_UNIX, socket.AF_NETLINK), bpf.KILL_PROCESS)

    run = edgeagent(env, "run", "Write 'Hi' and save it as a.txt", "--app", "mousepad", "--output", "json", "--max-steps", "12",
                    preexec_fn=kill_whoever_tries)  # fmt: skip
    assert run.returncode in {0, 1, 5}, run.stderr
    told = json.loads(run.stdout)
    assert told["steps"] > 0
    kinds = (tmp_path / "data" / "sessions" / told["session"] / "events.jsonl").read_text()
    assert '"kind":"engine_restarted"' not in kinds
    assert '"kind":"desktop_lost"' not in kinds

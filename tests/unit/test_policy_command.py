"""``edgeagent policy``: sound and unsound files, plain words, places allowed; a person sees the line and what to do."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from click.testing import CliRunner, Result

from edgeagent import events
from edgeagent.cli.policy import policy
from edgeagent.clock import SystemClock
from edgeagent.errors import EdgeAgentError
from edgeagent.policy.allowed import allowed_in
from edgeagent.sessions.store import SessionStore
from edgeagent_harness.policy.files import PROFILES, profile_text
from edgeagent_harness.policy.types import Endpoint
from edgeagent_harness.protocol.messages import DesktopSpec


def run(*arguments: str) -> Result:
    return CliRunner().invoke(policy, list(arguments))


def refusal(*arguments: str) -> str:
    error = run(*arguments).exception
    assert isinstance(error, EdgeAgentError)
    assert error.exit_code == 2
    return f"{error} {error.hint}"


@pytest.fixture
def web(tmp_path: Path) -> Path:
    path = tmp_path / "web.yaml"
    path.write_text(profile_text("web"))
    return path


def test_profiles_are_listed_and_shown() -> None:
    assert all(name in run("list").output for name in PROFILES)
    assert run("show", "web").output == profile_text("web")


def test_a_sound_policy_is_said_to_be_sound(web: Path) -> None:
    done = run("check", str(web))
    assert (done.exit_code, done.output) == (0, f"{web}: sound\n")
    assert json.loads(run("check", str(web), "--json").output) == {"ok": True, "policy": str(web), "problem": None, "notes": []}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("netwerk: {}\n", "line 1: unknown key 'netwerk'; did you mean 'network'?"),
        ("egres: {mode: deny}\n", "line 1: unknown key 'egres'; did you mean 'egress'? It belongs under network or on_violation"),
        ("mod: ask\n", "did you mean 'mode'? It belongs under network.egress, network.ingress or gate"),
        ("gate:\n  netwrk: ask\n", "did you mean 'network'? It belongs under the top"),
        ("network:\n  ingres: {mode: deny}\n", "unknown key 'network.ingres'; did you mean 'ingress'?"),
        ("colour: red\n", "unknown key 'colour'; known here: agent_profile, audit"),
        ("gate:\n  rules:\n    - {decision: deny, text: ['(?=x)']}\n", "line 3: gate rule 'rule 1': '(?=x)' is no RE2 pattern"),
        ("version: 1\nsystem_calls: {deny: [ptrase]}\n", "line 2: system_calls.deny: 'ptrase' is no system call of this machine"),
        ("", "the policy is empty"),
    ],
)
def test_an_unsound_one_is_told_with_its_line(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "my.yaml"
    path.write_text(text)
    assert f"{path}" in refusal("check", str(path))
    assert says in refusal("check", str(path))
    done = run("check", str(path), "--json")
    assert done.exit_code == 2
    found = json.loads(done.output)
    assert found["ok"] is False
    assert says in found["problem"]


def test_one_that_would_show_itself_to_the_sandbox_is_unsound() -> None:
    with TemporaryDirectory(dir="/var/tmp") as shared:
        path = Path(shared) / "my.yaml"
        path.write_text(f"execution_environment:\n  filesystem: {{read_write: [/home/agent, {shared}]}}\n")
        assert f"filesystem.read_write {shared} shows the policy {path} to the sandbox" in refusal("check", str(path))


def test_neither_file_nor_profile(tmp_path: Path) -> None:
    assert "did you mean 'locked'?" in refusal("check", "loked")
    assert "cannot be read: No such file" in refusal("check", str(tmp_path / "none.yaml"))
    assert "cannot be read: Is a directory" in refusal("check", str(tmp_path))
    os.mkfifo(tmp_path / "pipe")
    assert "no regular file" in refusal("check", str(tmp_path / "pipe"))


def test_a_translated_policy_says_what_changed(tmp_path: Path) -> None:
    path = tmp_path / "theirs.yaml"
    path.write_text('execution_environment: "isolated-container"\nsystem_calls: {deny: [execve]}\n')
    assert "note: line 2: execve is denied to the program that drives screen and keyboard" in run("check", str(path)).output


def test_explain_says_what_is_allowed_what_not_and_by_which_layer(tmp_path: Path) -> None:
    path = tmp_path / "my.yaml"
    path.write_text(
        """\
execution_environment:
  filesystem: {read_only: [/usr, /srv/books], read_write: [/home/agent, /srv/out], tmpfs: [/tmp, /scratch]}
network:
  egress:
    mode: allowlist
    endpoints:
      - {host: a.example, port: 443}
      - {host: "*.b.test", port: 80, methods: [GET], paths: [/docs]}
system_calls: {deny: [sync], allow: [ptrace], executor_deny: [chmod]}
resource_limits: {max_memory_gb: 2, timeout_seconds: 60}
on_violation: {seccomp: kill_sandbox, egress: log}
enforcement: {accept_missing: [landlock]}
"""
    )
    lines = run("explain", str(path)).output.splitlines()
    for words in (
        "allowed  reading and starting programs of /usr, /srv/books  [mount namespace, Landlock]",
        "allowed  writing /srv/out of this machine, which stays  [mount namespace, Landlock]",
        "allowed  writing /tmp, /scratch, which vanish with the sandbox  [mount namespace, Landlock]",
        "allowed  a.example port 443  [egress broker]",
        "allowed  every name beneath b.test (not b.test itself) port 80, plain HTTP only: GET; paths /docs  [egress broker]",
        "denied   sync  [seccomp]",
        "allowed  ptrace, as far as they are denied otherwise  [seccomp]",
        "denied   for the executor, which drives screen and keyboard: execve, execveat, chmod  [seccomp]",
        "denied   more than 2 GiB of memory  [cgroup, or a watchdog]",
        "denied   more than 60 seconds from the start  [supervisor]",
        "   ·     a denied system call is refused, and ends the whole sandbox at once",
        "   ·     a connection that no endpoint permits goes through where it can, and is listed",
        "   ·     a missing layer refuses to start, but for landlock, which may be missing",
    ):
        assert f"  {words}" in lines


def test_explain_tells_the_gate_s_order_regions_limits_escalation_and_governor(tmp_path: Path) -> None:
    path = tmp_path / "my.yaml"
    path.write_text(
        """\
gate:
  mode: bounded
  rules:
    - {decision: allow, actions: [click], regions: [{left: 0, top: 10, right: 200, bottom: 300}]}
    - {decision: deny, name: shells, actions: [open_app], text: [sh]}
  limits: {max_tokens: 1000000}
  escalation: {on_limit: ask, on_denied: end}
  governor: {max_sessions: 4, forbidden_hosts: ["*.evil.example"]}
"""
    )
    lines = [line.strip() for line in run("explain", str(path)).output.splitlines()]
    first = lines.index("denied   denied: open_app with text that matches sh (shells)  [gate]")
    assert lines[first + 1 : first + 9] == [
        "allowed  allowed: click in the region from 0, 10 to 200, 300 (rule 1)  [gate]",
        "denied   every action that no rule allows  [gate]",
        "denied   more than 1000000 tokens  [gate]",
        "·     at a limit the user is asked for as much again  [gate]",
        "·     when an action was denied the run ends (exit code 5)  [gate]",
        "·     where nobody can be asked the run pauses until it is resumed (exit code 4)  [gate]",
        "denied   more than 4 sessions at once of all sessions together  [edgeagent governor, while it runs]",
        "denied   a session that opens or reaches *.evil.example: it is stopped  [edgeagent governor, while it runs]",
    ]
    path.write_text("gate: {mode: plan, rules: [{decision: allow, actions: [click]}]}")
    assert "the model looks and never acts, whatever the rules allow" in run("explain", str(path)).output


@pytest.mark.parametrize("name", PROFILES)
def test_every_profile_is_explained(name: str) -> None:
    output = run("explain", name).output
    assert ("its name is not even resolved" in output) == (name == "web")
    assert ("connections of the model, of this program" in output) == (name == "offline")


def session(store: SessionStore, policy_yaml: str) -> str:
    with store.create(SystemClock()) as opened:
        spec = DesktopSpec(policy_yaml=policy_yaml, policy_name="web")
        created = events.SessionCreated(
            task="x", model="scripted", mmproj="", desktop=spec, version="0", seed=None, limits={"max_steps": 1, "timeout_s": 1}
        )
        asyncio.run(opened.writer.emit(created))
        return opened.id


def test_a_place_is_allowed_for_one_session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEAGENT_HOME", str(tmp_path))
    store = SessionStore()
    name = session(store, profile_text("web"))
    done = run("allow", "B.example:443", "--session", name)
    assert done.output == f"session {name}: b.example:443 is permitted when it goes on: it is not running\n"
    assert allowed_in(store.root / name) == (Endpoint("b.example", 443),)


def test_a_session_without_a_way_out_gets_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEAGENT_HOME", str(tmp_path))
    name = session(SessionStore(), "")
    assert "no way out that could be widened (network.egress.mode is 'deny')" in refusal(
        "allow", "b.example:443", "--session", name
    )
    assert "no session 'none'" in refusal("allow", "b.example:443", "--session", "none")


def test_a_place_is_allowed_for_good(web: Path) -> None:
    words = "b.example:443 is permitted from now on, in runs under way too"
    assert run("allow", "b.example:443", "--policy", str(web)).output == f"{web}: {words}\n"
    assert "permitted already" in run("allow", "b.example:443", "--policy", str(web)).output


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("b.example:443",), "say for how long"),
        (("b.example:443", "--session", "x", "--policy", "y"), "say for how long"),
        (("b.example", "--policy", "y"), "not of the form HOST:PORT"),
        (("b.example:443", "--policy", "web"), "is a profile of edgeagent's own copy it first"),
        (("b.example:443", "--policy", "/no/such.yaml"), "cannot be read"),
    ],
)
def test_a_place_is_not_allowed_by_mistake(arguments: tuple[str, ...], says: str) -> None:
    assert says in refusal("allow", *arguments)

"""`edgeagent sandbox exec` runs a command as an application would run: contained, with its output and exit code."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pexpect
import pytest
from support.processes import names, tree, wait_until

from edgeagent_harness.outside.containment import mountview, rootdrop

pytestmark = pytest.mark.sandbox
PROBE = (Path(__file__).parents[1] / "support" / "sandbox_probe.py").read_text()
SANDBOX = (sys.executable, "-m", "edgeagent_harness.outside")
DENIED_BY = {
    "read_host_secret": "ENOENT",
    "read_shadow": "ENOENT",
    "write_usr": "EROFS",
    "write_root_directory": "EROFS",
    "run_dropped_program": "EACCES",
    "user_namespace": "EPERM",
    "mount": "EPERM",
    "ptrace_init": "EPERM",
    "init_memory": "EACCES",
    "init_descriptors": "EACCES",
    "signal_init": "EPERM",
    "chroot": "EPERM",
    "kernel_setting": "EROFS",
    "device": "EPERM",
    "host_loopback": "ECONNREFUSED",
    "host_abstract_socket": "ECONNREFUSED",
    "host_path_socket": "ENOENT",
    "tcp_out": "ENETUNREACH",
    "udp_out": "ENETUNREACH",
    "raw_socket": "EPERM",
}
ALLOWED = ("write_home", "named_pipe")
CONTROLS = ("read_host_secret", "run_dropped_program", "host_loopback", "host_abstract_socket", "host_path_socket")
"""Harmless without a sandbox too, where they must go through: so it is the sandbox that denies them."""


def run(*argv: str, stdin: str = "", command: Sequence[str] = SANDBOX, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*command, *argv], input=stdin, capture_output=True, text=True, timeout=60, check=False, **options)


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A secret, and listeners of each kind, on the host."""
    directory = tmp_path_factory.mktemp("host")
    (directory / "secret").write_text("s")
    (directory / "home").mkdir()
    (directory / "home" / "brought-in").write_text("from the host")
    tcp = socket.create_server(("127.0.0.1", 0))
    port = tcp.getsockname()[1]
    with tcp, socket.socket(socket.AF_UNIX) as path, socket.socket(socket.AF_UNIX) as abstract:
        path.bind(str(directory / "socket"))
        abstract.bind(f"\0edgeagent-test-{port}")
        path.listen()
        abstract.listen()
        yield directory, str(port)


@pytest.fixture(scope="module")
def seen(host: tuple[Path, str]) -> dict[str, Any]:
    """What the probe found inside; one sandbox for all of the tests that look at it."""
    directory, port = host
    environment = os.environ | {"EDGEAGENT_TEST_SECRET": "s"}
    home = ("--home", str(directory / "home"))
    leaked = os.open(directory / "secret", os.O_RDONLY)
    os.set_inheritable(leaked, True)
    python = os.path.realpath(getattr(sys, "_base_executable", sys.executable))
    argv = ("exec", *home, "--", python, "-c", PROBE, str(directory), port, ",".join((*DENIED_BY, *ALLOWED)))
    found = run(*argv, env=environment, pass_fds=(leaked,))
    os.close(leaked)
    assert found.returncode == 0, found.stderr
    return dict(json.loads(found.stdout))


@pytest.mark.parametrize("attempt", DENIED_BY)
def test_escapes_are_denied(seen: dict[str, Any], attempt: str) -> None:
    assert seen["attempts"][attempt] == DENIED_BY[attempt]


def test_the_denied_attempts_work_without_a_sandbox(host: tuple[Path, str]) -> None:
    directory, port = host
    argv = ("-c", PROBE, str(directory), port, ",".join(CONTROLS))
    facts = json.loads(run(*argv, command=(sys.executable,), env={"HOME": str(directory)}).stdout)
    assert facts["attempts"] == dict.fromkeys(CONTROLS, "ok")


def test_it_is_nobody_with_nothing(seen: dict[str, Any]) -> None:
    assert (seen["uid"], seen["capabilities"], seen["no_new_privs"], seen["seccomp"]) == (1000, 0, "1", "2")


def test_it_sees_its_own_loopback_and_processes_only(seen: dict[str, Any]) -> None:
    assert seen["interfaces"] == ["lo"]
    assert seen["hostname"] == "sandbox"
    assert seen["processes"] <= 6


def test_neither_descriptors_nor_variables_come_through(seen: dict[str, Any]) -> None:
    assert seen["fds"] == [0, 1, 2]
    assert "EDGEAGENT_TEST_SECRET" not in seen["environment"]
    assert "PYTHONPATH" not in seen["environment"]


def test_of_root_home_nothing_shows_but_the_way_to_the_interpreter(seen: dict[str, Any]) -> None:
    interpreter = os.path.realpath(getattr(sys, "_base_executable", sys.executable)).split("/")
    assert seen["root_home"] in ([], [interpreter[2]] if interpreter[1] == "root" else [])


def test_the_home_goes_in_and_out(seen: dict[str, Any], host: tuple[Path, str]) -> None:
    home = host[0] / "home"
    assert "brought-in" in seen["in_home"]
    assert seen["attempts"]["write_home"] == seen["attempts"]["named_pipe"] == "ok"
    assert (home / "made-inside").read_text() == "x"
    assert (home / "made-inside").stat().st_uid == home.stat().st_uid == os.getuid()


@pytest.mark.parametrize(
    ("script", "code", "output", "errors"),
    [
        ("cat; echo done", 0, "given\ndone\n", ""),
        ("echo oops >&2; exit 7", 7, "", "oops\n"),
        ("kill -9 $$", 137, "", ""),
    ],
)
def test_exit_code_and_output_pass_through(script: str, code: int, output: str, errors: str) -> None:
    done = run("exec", "--", "sh", "-c", script, stdin="given\n")
    assert (done.returncode, done.stdout, done.stderr) == (code, output, errors)


def test_mistakes_are_told_with_a_usage_code(tmp_path: Path) -> None:
    assert run("exec", "--", "no-such-command").returncode == 127
    policy = tmp_path / "p.yaml"
    policy.write_text("resource_limits: {max_pid: 7}\n")
    refused = run("exec", "--policy", str(policy), "--", "true")
    assert refused.returncode == 2
    assert f"{policy}, line 1: unknown key 'resource_limits.max_pid'; did you mean 'max_pids'?" in refused.stderr
    assert run("exec", "--home", "/etc", "--", "true").returncode == 2


def test_a_policy_is_enforced(tmp_path: Path) -> None:
    policy = tmp_path / "p.yaml"
    policy.write_text("system_calls: {deny: [sethostname, sync]}\nresource_limits: {max_pids: 64, timeout_seconds: 3}\n")
    forks = "i=0; while [ $i -lt 100 ]; do sleep 9 & i=$((i+1)); done"
    done = run("exec", "--policy", str(policy), "--", "sh", "-c", forks)
    assert "fork" in done.stderr.lower()
    late = run("exec", "--policy", str(policy), "--", "sleep", "30")
    assert late.returncode == 5
    assert "timeout_seconds: 3 s are over" in late.stderr


def uid_outside(command: Sequence[str], **options: Any) -> int:
    """The host's user id of what ``command exec`` runs."""
    with subprocess.Popen([*command, "exec", "--", "sleep", "60"], stderr=subprocess.PIPE, text=True, **options) as started:
        try:
            wait_until(lambda: started.poll() is not None or "sleep" in names(tree(started.pid)))
            assert started.poll() is None, started.communicate()[1]
            return next(process.uids().real for process in tree(started.pid) if process.name() == "sleep")
        finally:
            started.terminate()


def test_an_ordinary_user_stays_that_user(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        assert uid_outside(SANDBOX) == os.getuid()
        return
    python = os.path.realpath(sys.executable)
    same_version = f"/usr/bin/python{sys.version_info.major}.{sys.version_info.minor}"
    if mountview.first_closed(python) and os.path.exists(same_version):
        python = same_version
    if closed := mountview.first_closed(python) or mountview.first_closed(__file__):
        pytest.skip(f"another user cannot enter {closed}")
    user = ("setpriv", "--reuid", "12345", "--regid", "12345", "--clear-groups", python, *SANDBOX[1:])
    assert uid_outside(user, env={"PYTHONPATH": ":".join(filter(None, sys.path)), "PATH": "/usr/bin:/bin"}) == 12345


def test_root_is_dropped() -> None:
    if os.geteuid() != 0:
        pytest.skip("only root has something to drop")
    assert uid_outside(SANDBOX) == rootdrop.SANDBOX_UID


def test_the_shell_has_a_terminal_of_its_own() -> None:
    shell = pexpect.spawn(SANDBOX[0], [*SANDBOX[1:], "shell"], timeout=60, dimensions=(40, 100), encoding="utf8")
    shell.expect(r"\$ ")
    shell.sendline("stty size")
    shell.expect("40 100")
    shell.sendline("sleep 60")
    assert shell.pid is not None
    pid = shell.pid
    wait_until(lambda: "sleep" in names(tree(pid)))
    shell.sendintr()
    shell.expect(r"\$ ")
    shell.sendline("echo interrupted=$?")
    shell.expect("interrupted=130")
    shell.sendline("exit 5")
    shell.expect(pexpect.EOF)
    shell.close()
    assert shell.exitstatus == 5


def test_check_names_every_layer() -> None:
    found = json.loads(run("check", "--json").stdout)
    layers = {layer["name"]: layer for layer in found["layers"]}
    assert found["ok"] is True
    assert {"bubblewrap", "user_namespaces", "seccomp", "landlock", "display"} <= layers.keys()
    assert all(layer["mend"] for layer in found["layers"] if not layer["present"])
    assert "landlock: ABI" in run("check").stdout

"""Where a layer is missing nothing starts, the mend is named, and what was accepted as missing stands in the audit."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.boxes import SANDBOX

from edgeagent_harness import audit
from edgeagent_harness.inside import landlock
from edgeagent_harness.outside import __main__, session
from edgeagent_harness.outside.containment import layers
from edgeagent_harness.outside.containment.launch import Sandbox
from edgeagent_harness.protocol.audit import Entry, SandboxStarted
from edgeagent_harness.protocol.messages import DesktopSpec

pytestmark = pytest.mark.sandbox
POOR = Path(__file__).parents[1] / "support" / "poor_machine.py"
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can map users")


def poor(kind: str, *command: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, str(POOR), kind, *SANDBOX, *command]
    return subprocess.run(argv, capture_output=True, text=True, timeout=90, check=False)


@pytest.mark.parametrize(
    ("kind", "reason", "mend"),
    [
        pytest.param("no-namespaces", "ENOSPC", "sysctl -w user.max_user_namespaces=15000", marks=as_root),
        pytest.param("only-root", "root is the only user", "run as an ordinary user", marks=as_root),
        ("container", "No permissions to create new namespace", "--security-opt seccomp=unconfined"),
        ("listened", "Device or resource busy", "run outside of it"),
    ],
)
def test_a_poor_machine_refuses_and_names_the_mend(kind: str, reason: str, mend: str) -> None:
    refused = poor(kind, "exec", "--", "true")
    assert refused.returncode == 3, refused.stderr
    assert "Traceback" not in refused.stderr
    assert reason in refused.stderr
    assert mend in refused.stderr


@as_root
@pytest.mark.parametrize(
    ("kind", "mend"),
    [
        ("no-namespaces", "user.max_user_namespaces"),
        ("only-root", "as an ordinary user"),
        ("container", "--security-opt seccomp"),
    ],
)
def test_that_is_said_first_of_a_home_that_nobody_else_may_reach(kind: str, mend: str, tmp_path: Path) -> None:
    """As a session's is: below a directory of root's, as which a container runs."""
    closed = tmp_path / "closed"
    (closed / "home").mkdir(parents=True)
    closed.chmod(0o700)
    refused = poor(kind, "exec", "--home", str(closed / "home"), "--", "true")
    assert refused.returncode == 3, refused.stderr
    assert mend in refused.stderr
    assert "choose" not in refused.stderr


@pytest.mark.parametrize(
    ("kind", "missing"),
    [
        pytest.param("no-namespaces", "user_namespaces", marks=as_root),
        pytest.param("only-root", "user_namespaces", marks=as_root),
        ("container", "user_namespaces"),
        ("listened", "violation_notices"),
    ],
)
def test_check_says_which_layer_is_missing(kind: str, missing: str) -> None:
    done = poor(kind, "check", "--json")
    found = {layer["name"]: layer for layer in json.loads(done.stdout)["layers"]}
    assert done.returncode == 3
    assert [name for name, layer in found.items() if not layer["present"] and layer["required"]] == [missing]
    assert found[missing]["mend"]


def test_what_is_accepted_as_missing_runs_and_stands_in_the_audit(tmp_path: Path) -> None:
    policy, log = tmp_path / "p.yaml", tmp_path / "audit.jsonl"
    policy.write_text("enforcement: {accept_missing: [violation_notices]}\n")
    command = ("sh", "-c", "unshare -U true; echo went on")
    done = poor("listened", "exec", "--policy", str(policy), "--audit", str(log), "--", *command)
    assert (done.returncode, done.stdout) == (0, "went on\n"), done.stderr
    assert "Operation not permitted" in done.stderr
    header = audit.read(log)[0].entry
    assert isinstance(header, SandboxStarted)
    assert header.accepted_missing == ("violation_notices",)
    assert header.missing == ("violation_notices",)
    policy.write_text(policy.read_text() + "on_violation: {seccomp: kill_sandbox}\n")
    refused = poor("listened", "exec", "--policy", str(policy), "--", *command)
    assert refused.returncode == 3
    assert "on_violation.seccomp needs violation_notices" in refused.stderr


@pytest.mark.parametrize("abi", [1, 2])
async def test_it_starts_with_an_old_landlock_and_says_what_is_missing(
    abi: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(landlock, "abi_version", lambda: abi)
    entries: list[Entry] = []
    box = Sandbox(lambda _id, _code: None, entries.append)
    ready = await box.start(session.make_plan(DesktopSpec()))
    await box.kill()
    assert set(ready.landlock_rights) == set(landlock.rights(abi))
    header = entries[0]
    assert isinstance(header, SandboxStarted)
    assert any(weaker.startswith(f"landlock: ABI {abi}") and "TRUNCATE" in weaker for weaker in header.degraded)
    assert __main__.main(["check"]) == 0
    shown = capsys.readouterr().out
    line = next(line for line in shown.splitlines() if "landlock:" in line)
    assert line.startswith(f"yes landlock: ABI {abi}:")
    missing = line.split("not in this kernel: ")[1]
    assert ("fs:REFER (ABI 2)" in missing) == (abi < 2)
    for later in ("fs:TRUNCATE (ABI 3)", "fs:IOCTL_DEV (ABI 5)", "scope:SIGNAL (ABI 6)"):
        assert later in missing


def test_without_landlock_it_is_refused_unless_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(landlock, "abi_version", lambda: 0)
    assert "landlock" in layers.decide(("landlock",)).missing

"""Nothing that a sandbox leaves behind is run or read as configuration outside; policy, audit and settings it never sees."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from edgeagent.cli.run import existing
from edgeagent.errors import UsageError
from edgeagent.policy.loading import keep_apart
from edgeagent_harness.outside.containment import homes
from edgeagent_harness.policy.parse import parse
from edgeagent_harness.policy.types import Policy
from edgeagent_harness.protocol.messages import DesktopSpec

PLANTED = ("json.py", "msgspec.py", "msgspec/__init__.py", "edgeagent_harness/__init__.py", "edgeagent/__init__.py", "asyncio.py")
LEFT = ("sitecustomize.py", "usercustomize.py", ".pythonrc", "pyproject.toml", ".env", "config.toml", ".edgeagent/config.toml")
CHEAP_COMMANDS = (("sandbox", "check"), ("doctor",), ("policy", "list"), ("sessions", "list"), ("models", "list"))
POLICY = "resource_limits: {max_pids: 100}\n"


@pytest.fixture
def left_behind(tmp_path: Path) -> Path:
    """A home as a sandbox could leave it: modules with the names of ours, which tell if anybody imports them."""
    home = tmp_path / "home"
    for name in (*PLANTED, *LEFT):
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"open({str(tmp_path / 'ran')!r}, 'a').write({name!r})\n")
    return home


def run(command: Sequence[str], cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONSAFEPATH"} | variables
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.sandbox
def test_modules_in_the_working_directory_do_not_run(left_behind: Path, tmp_path: Path) -> None:
    edgeagent = str(Path(sys.executable).with_name("edgeagent"))
    apart = {"EDGEAGENT_HOME": str(tmp_path / "data"), "XDG_CONFIG_HOME": str(tmp_path / "settings")}
    for arguments in CHEAP_COMMANDS:
        done = run([edgeagent, *arguments], left_behind, **apart)
        assert "Traceback" not in done.stderr, done.stderr
        assert not (tmp_path / "ran").exists(), f"edgeagent {' '.join(arguments)} ran {(tmp_path / 'ran').read_text()}"
    done = run([edgeagent, "sandbox", "exec", "--home", str(left_behind), "--", "true"], left_behind, **apart)
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "ran").exists()


def test_they_would_run_without_the_flag(left_behind: Path, tmp_path: Path) -> None:
    run([sys.executable, "-m", "edgeagent_harness.outside", "check"], left_behind)
    assert (tmp_path / "ran").exists()


def test_no_process_of_ours_is_started_without_it() -> None:
    root = Path(__file__).parents[2]
    sources = [
        path
        for part in ("edgeagent", "harness/edgeagent_harness", "models/edgeagent_models")
        for path in (root / part).rglob("*.py")
    ]
    starts = [(path, line) for path in sources for line in path.read_text().splitlines() if '"-m"' in line]
    assert len(starts) >= 5
    unsafe = [f"{path}: {line.strip()}" for path, line in starts if '"-P"' not in line and "python_flags()" not in line]
    assert unsafe == []


@pytest.mark.sandbox
@pytest.mark.parametrize("option", ["--policy", "--audit"])
def test_policy_and_audit_cannot_lie_where_the_sandbox_sees_them(tmp_path: Path, option: str) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "file").write_text(POLICY if option == "--policy" else "")
    (tmp_path / "link").symlink_to(home / "file")
    for path in (home / "file", tmp_path / "link"):
        command = [
            sys.executable,
            "-P",
            "-m",
            "edgeagent_harness.outside",
            "exec",
            option,
            str(path),
            "--home",
            str(home),
            "--",
            "true",
        ]
        done = run(command, tmp_path)
        assert done.returncode == 2
        assert "keep policy and audit somewhere else" in done.stderr


def test_settings_keys_policy_and_records_are_kept_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    sessions = tmp_path / "data" / "sessions"
    places = {name: tmp_path / name for name in ("work", "settings", "settings/edgeagent", "data", "data/keys", "data/sessions")}
    for place in places.values():
        place.mkdir(parents=True, exist_ok=True)
    (places["work"] / "policy.yaml").write_text(POLICY)
    keep_apart(DesktopSpec(home=str(places["work"])), Policy(), sessions)
    for name in ("settings", "settings/edgeagent", "data", "data/keys", "data/sessions"):
        with pytest.raises(UsageError, match="to the sandbox"):
            keep_apart(DesktopSpec(home=str(places[name])), Policy(), sessions)
        with pytest.raises(UsageError, match="to the sandbox"):
            keep_apart(DesktopSpec(), Policy(read_only=("/usr", str(places[name]))), sessions)
    named = DesktopSpec(home=str(places["work"]), policy_yaml=POLICY, policy_name=str(places["work"] / "policy.yaml"))
    with pytest.raises(UsageError, match="shows the policy"):
        keep_apart(named, parse(POLICY), sessions)


def test_a_home_that_became_a_symlink_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "results").symlink_to(tmp_path / "secrets")
    for named in (str(tmp_path / "results"), f"{tmp_path / 'results'}/"):
        with pytest.raises(Exception, match="is a symlink to"):
            homes.check(named, "home")
        with pytest.raises(UsageError, match="is a symlink to"):
            existing(named, "--home", "directory")
    assert homes.check(str(tmp_path / "secrets"), "home") == str(tmp_path / "secrets")

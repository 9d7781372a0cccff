"""No directory of a sandbox may show it its own policy, or the records of sessions: its own home aside."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from edgeagent.errors import UsageError
from edgeagent.policy.loading import keep_apart, load_policy
from edgeagent_harness.policy.types import Policy
from edgeagent_harness.protocol.messages import DesktopSpec


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """``sessions/one`` with its home, ``work`` with a policy in it, and ``plain``."""
    for folder in ("sessions/one/home/inner", "work/deep", "plain"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "work" / "policy.yaml").touch()
    (tmp_path / "link").symlink_to(tmp_path / "work")
    return tmp_path


def refusal(machine: Path, spec: DesktopSpec, policy: Policy | None = None) -> str:
    try:
        keep_apart(spec, policy or Policy(), machine / "sessions")
    except UsageError as error:
        return str(error)
    return ""


def named(machine: Path, **values: Any) -> DesktopSpec:
    return DesktopSpec(policy_yaml="version: 1", policy_name=str(machine / "work" / "policy.yaml"), **values)


@pytest.mark.parametrize("folder", ["work", "link", "."])
def test_a_home_with_the_policy_in_it(machine: Path, folder: str) -> None:
    assert "shows the policy" in refusal(machine, named(machine, home=str(machine / folder)))


def test_a_policy_behind_a_link_is_found_too(machine: Path) -> None:
    spec = DesktopSpec(policy_yaml="version: 1", policy_name=str(machine / "link" / "policy.yaml"), home=str(machine / "work"))
    assert "shows the policy" in refusal(machine, spec)


@pytest.mark.parametrize("folder", ["sessions", "sessions/one", "sessions/one/other", "."])
@pytest.mark.parametrize("key", ["home", "read_only", "read_write", "shared"])
def test_records_of_sessions(machine: Path, key: str, folder: str) -> None:
    path = str(machine / folder)
    spec = DesktopSpec(home=path if key == "home" else "", shared_dirs=(path,) if key == "shared" else ())
    policy = Policy(
        read_only=("/usr", path) if key == "read_only" else ("/usr",), read_write=(path,) if key == "read_write" else ()
    )
    assert "to the sandbox" in refusal(machine, spec, policy)


@pytest.mark.parametrize("folder", ["plain", "work/deep", "sessions/one/home", "sessions/one/home/inner"])
def test_everything_else_may_be_seen(machine: Path, folder: str) -> None:
    assert refusal(machine, named(machine, home=str(machine / folder))) == ""


def test_a_profile_is_no_secret(machine: Path) -> None:
    assert refusal(machine, DesktopSpec(policy_yaml="version: 1", policy_name="web", home=str(machine / "work"))) == ""


def test_a_profile_goes_before_a_file_of_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What an agent may have left in the working directory is never read as configuration."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "locked").write_text("network: {egress: {mode: allowlist, endpoints: [{host: evil.example, port: 443}]}}\n")
    found, policy = load_policy("locked")
    assert (found.path, policy) == (None, Policy())

"""Memory, processor, disk, processes and time are held to the policy's limits: by a control group, or by measuring."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.boxes import AS_USER, execute

from edgeagent_harness.outside.containment import cgroups
from edgeagent_harness.protocol.audit import LimitPassed, SandboxEnded, SandboxStarted

if TYPE_CHECKING:
    from edgeagent_harness.protocol.audit import Entry

pytestmark = pytest.mark.sandbox
GREEDY = """
import time
kept = []
for _ in range(60):
    kept.append(bytearray(10 << 20))
    time.sleep(0.02)
print("had 600 MiB")
"""
FILLS_FILES = "import os\nf = open('/dev/shm/x', 'wb')\nfor _ in range(60): f.write(bytes(10 << 20))\nprint('had 600 MiB')"
WRITES = """
import os, sys, time
os.chdir(os.path.expanduser("~"))
for number in range(8):
    stream = open(f"f{number}", "wb")
    if sys.argv[1] == "deleted":
        os.unlink(f"f{number}")
        keep = globals().setdefault("keep", []); keep.append(stream)
    stream.write(os.urandom(10 << 20)); stream.flush()
    time.sleep(0.3)
print("had 80 MiB")
"""
HAS_GROUPS = (group := cgroups.create()) is not None
if group:
    for fd in group.entries:
        os.close(fd)
    cgroups.remove(group)


def limits(entries: list[Entry]) -> list[str]:
    return [entry.limit for entry in entries if isinstance(entry, LimitPassed)]


def header(entries: list[Entry]) -> SandboxStarted:
    assert isinstance(entries[0], SandboxStarted)
    return entries[0]


@pytest.mark.skipif(not HAS_GROUPS, reason="no control group can be made here")
@pytest.mark.parametrize("code", [GREEDY, FILLS_FILES], ids=["memory", "files in memory"])
def test_a_group_holds_the_memory(tmp_path: Path, code: str) -> None:
    ended = execute(tmp_path, ("python3", "-c", code), "resource_limits: {max_memory_gb: 0.4}\n")
    assert (ended.code, ended.output) == (5, "")
    assert "resource_limits.max_memory_gb" in ended.errors
    assert header(ended.entries).degraded == ()
    assert limits(ended.entries) == ["memory"]


@pytest.mark.parametrize("code", [GREEDY, FILLS_FILES], ids=["memory", "files in memory"])
def test_without_a_group_the_memory_is_measured(tmp_path: Path, code: str) -> None:
    if not AS_USER and HAS_GROUPS:
        pytest.skip("this user can make control groups, and there is no other to be")
    ended = execute(tmp_path, ("python3", "-c", code), "resource_limits: {max_memory_gb: 0.4, cpu_percent: 50}\n", prefix=AS_USER)
    assert (ended.code, ended.output) == (5, ""), ended.errors
    memory, processor = header(ended.entries).degraded
    assert memory.startswith("memory: no control group")
    assert "1 whole cores" in processor
    assert limits(ended.entries) == ["memory"]
    last = ended.entries[-1]
    assert isinstance(last, SandboxEnded)
    assert last.violation


def test_deny_ends_only_whoever_has_most(tmp_path: Path) -> None:
    policy = "resource_limits: {max_memory_gb: 0.4}\non_violation: {resources: deny}\n"
    ended = execute(tmp_path, ("sh", "-c", 'python3 "$0" "$1"; echo went on', "-c", GREEDY), policy, prefix=AS_USER)
    assert (ended.code, ended.output) == (0, "went on\n"), ended.errors
    assert limits(ended.entries) == ["memory"]


def test_log_only_lists(tmp_path: Path) -> None:
    policy = "resource_limits: {max_memory_gb: 0.4}\non_violation: {resources: log}\n"
    ended = execute(tmp_path, ("python3", "-c", GREEDY), policy)
    assert (ended.code, ended.output) == (0, "had 600 MiB\n"), ended.errors
    assert limits(ended.entries) == ["memory"]


@pytest.mark.parametrize("how", ["kept", "deleted"])
def test_the_home_is_held_to_its_size(tmp_path: Path, how: str) -> None:
    home = tmp_path / "home"
    home.mkdir()
    ended = execute(tmp_path, ("python3", "-c", WRITES, how), "resource_limits: {max_disk_gb: 0.03}\n", home=home)
    assert (ended.code, ended.output) == (5, ""), ended.errors
    assert "resource_limits.max_disk_gb" in ended.errors
    assert limits(ended.entries) == ["disk"]
    assert sum(path.stat().st_size for path in home.glob("f*")) <= 60 << 20


def test_no_file_grows_beyond_the_limit_and_no_directory_hides(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    policy = "resource_limits: {max_disk_gb: 0.02}\n"
    ended = execute(tmp_path, ("python3", "-c", "open('/tmp/x', 'wb').truncate(30 << 20)"), policy, home=home)
    assert "File too large" in ended.errors
    hidden = execute(tmp_path, ("sh", "-c", "mkdir ~/d; chmod 0 ~/d; sleep 5; echo went on"), policy, home=home)
    (home / "d").chmod(0o700)
    assert (hidden.code, hidden.output) == (5, "")
    assert "cannot be looked into" in hidden.errors


@pytest.mark.skipif(not HAS_GROUPS, reason="no control group can be made here")
@pytest.mark.parametrize("memory", ["", "max_memory_gb: 1, "])
def test_a_group_lists_refused_processes_and_is_removed(tmp_path: Path, memory: str) -> None:
    policy = f"resource_limits: {{{memory}max_pids: 96}}\n"
    ended = execute(tmp_path, ("sh", "-c", "for i in $(seq 199); do sleep 3 & done; sleep 1"), policy)
    assert "fork" in ended.errors.lower()
    assert limits(ended.entries) == ["pids"]
    left = [path for path in Path("/sys/fs/cgroup").rglob("edgeagent-*") if not Path("/proc", path.name.split("-")[1]).exists()]
    assert left == []


def test_the_clock_ends_it(tmp_path: Path) -> None:
    ended = execute(tmp_path, ("sleep", "60"), "resource_limits: {timeout_seconds: 2}\n")
    assert ended.code == 5
    assert limits(ended.entries) == ["timeout"]

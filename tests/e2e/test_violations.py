"""A denied system call is listed, permitted or ends the sandbox, as the policy says; without a listener the kernel refuses it."""

from __future__ import annotations

import asyncio
import errno
import os
import select
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from support.boxes import execute

from edgeagent_harness.errors import PolicyViolated
from edgeagent_harness.isolation.canary import Targets
from edgeagent_harness.outside import session
from edgeagent_harness.outside.containment.launch import Sandbox
from edgeagent_harness.outside.desktop import Desktop
from edgeagent_harness.protocol.audit import Entry, Executed, SandboxEnded, SandboxStarted, SystemCall
from edgeagent_harness.protocol.messages import DesktopSpec

pytestmark = pytest.mark.sandbox
PERSONALITY = "import ctypes; print(ctypes.CDLL(None, use_errno=True).personality(0xFFFFFFFF), ctypes.get_errno())"
UNSHARE = "import ctypes; print(ctypes.CDLL(None, use_errno=True).unshare(0x10000000), ctypes.get_errno(), flush=True)"


def python(code: str) -> tuple[str, ...]:
    return ("python3", "-c", code)


def calls(entries: list[Entry]) -> list[tuple[str, str, int]]:
    return [(entry.decision, entry.call, entry.count) for entry in entries if isinstance(entry, SystemCall)]


def test_denied_calls_are_refused_and_listed_with_who_made_them(tmp_path: Path) -> None:
    loop = "import ctypes\nfor _ in range(50): ctypes.CDLL(None).ptrace(0, 0, 0, 0)\nimport time; time.sleep(1.5)"
    ended = execute(tmp_path, ("sh", "-c", f"unshare -U true; python3 -c '{loop}'"))
    assert ended.code == 0
    assert "Operation not permitted" in ended.errors
    first, *_, last = ended.entries
    assert isinstance(first, SandboxStarted)
    assert {"landlock", "seccomp", "violation_notices"} <= set(first.layers)
    assert (first.missing, first.accepted_missing) == ((), ())
    assert last == SandboxEnded("closed")
    assert calls(ended.entries) == [("denied", "unshare", 1), ("denied", "ptrace", 1), ("denied", "ptrace", 49)]
    assert {entry.command for entry in ended.entries if isinstance(entry, SystemCall)} == {"unshare", "python3"}


def test_kill_sandbox_ends_everything_with_the_reason(tmp_path: Path) -> None:
    code = f"{UNSHARE}; print('went on')"
    ended = execute(tmp_path, ("sh", "-c", f'python3 -c "{code}"; echo survived'), "on_violation: {seccomp: kill_sandbox}\n")
    assert (ended.code, ended.output) == (5, "")
    reason = "made the denied system call unshare"
    assert reason in ended.errors
    last = ended.entries[-1]
    assert isinstance(last, SandboxEnded)
    assert last.violation
    assert reason in last.reason
    assert calls(ended.entries) == [("denied", "unshare", 1)]


def test_log_permits_what_is_safe_and_lists_what_would_be_denied(tmp_path: Path) -> None:
    ended = execute(tmp_path, python(f"{PERSONALITY}\n{UNSHARE}"), "on_violation: {seccomp: log}\n")
    assert ended.output.splitlines() == ["0 0", f"-1 {errno.EPERM}"]
    assert calls(ended.entries) == [("would_deny", "personality", 1), ("denied", "unshare", 1)]


@pytest.mark.parametrize(
    ("rule", "result"),
    [("", f"-1 {errno.EPERM}"), ("system_calls: {allow: [personality]}\n", "0 0")],
    ids=["denied", "permitted again"],
)
def test_quiet_calls_are_no_violation_and_can_be_permitted(tmp_path: Path, rule: str, result: str) -> None:
    ended = execute(tmp_path, python(PERSONALITY), f"{rule}on_violation: {{seccomp: kill_sandbox}}\n")
    assert (ended.code, ended.output.strip(), calls(ended.entries)) == (0, result, [])


def test_calls_that_a_policy_denies_are_violations_too(tmp_path: Path) -> None:
    policy = "system_calls: {deny: [sync]}\non_violation: {seccomp: kill_sandbox}\n"
    assert execute(tmp_path, python("import os; os.sync()"), policy).code == 5


def test_programs_are_listed_where_the_policy_asks_for_it(tmp_path: Path) -> None:
    ended = execute(tmp_path, ("sh", "-c", "/bin/true; ls / >/dev/null"), "audit: {exec: true}\n")
    paths = [entry.path for entry in ended.entries if isinstance(entry, Executed)]
    assert ended.code == 0
    assert {"/bin/true", "/usr/bin/ls"} <= set(paths) or {"/bin/true", "/bin/ls"} <= set(paths)
    assert "/usr/bin/xkbcomp" in paths  # Xvfb's own doing
    assert "(not readable)" in paths  # process 1 hides its memory, and with it what it starts; the desktop's spec says that


async def started(policy: str, tell: Callable[[Entry], None]) -> Sandbox:
    box = Sandbox(lambda _id, _code: None, tell)
    await box.start(session.make_plan(DesktopSpec(policy_yaml=policy)))
    return box


async def test_without_a_listener_denied_calls_fail(tmp_path: Path) -> None:
    box = await started("version: 1\n", lambda _entry: None)
    box.stop_listening()
    output = tmp_path / "output"
    code = f"{UNSHARE}\n"
    with output.open("w") as stream:
        await box.spawn(python(code), wait_window=False, stdio=(stream.fileno(),) * 3)
        for _ in range(200):
            if output.read_text():
                break
            await asyncio.sleep(0.05)
    await box.kill()
    assert output.read_text().strip() == f"-1 {errno.ENOSYS}"


async def test_a_deadly_call_is_never_answered_however_slowly_the_sandbox_ends(tmp_path: Path) -> None:
    """bwrap is gone at once; process 1, with which the others end, gets next to no processor time here."""
    box = await started("on_violation: {seccomp: kill_sandbox}\n", lambda _entry: None)
    output = tmp_path / "output"
    with output.open("w") as stream:
        await box.spawn(
            python(f"import time; time.sleep(1); {UNSHARE}; print('went on')"), wait_window=False, stdio=(stream.fileno(),) * 3
        )
    (first,) = next(child for child in psutil.Process().children() if child.name() == "bwrap").children()
    handle, place = os.pidfd_open(first.pid), min(os.sched_getaffinity(0))
    os.sched_setaffinity(first.pid, {place})
    os.sched_setscheduler(first.pid, os.SCHED_IDLE, os.sched_param(0))
    code = f"import os\nos.sched_setaffinity(0, {{{place}}})\nwhile True: pass"
    busy = [await asyncio.create_subprocess_exec(sys.executable, "-c", code) for _ in range(4)]
    try:
        await asyncio.wait_for(box.gone, 20)
        is_gone = bool(select.select([handle], [], [], 0)[0])
        await box.kill()
    finally:
        os.close(handle)
        for hog in busy:
            hog.kill()
            await hog.wait()
    assert box.violated
    assert is_gone
    assert output.read_text() == ""


async def test_an_executor_that_makes_a_denied_call_ends_the_sandbox_with_the_reason() -> None:
    entries: list[Entry] = []
    plan = session.make_plan(DesktopSpec(policy_yaml="system_calls: {executor_deny: [getpid]}\n"))
    desktop = Desktop(plan, lambda _id, _code: None, entries.append, Sandbox)
    try:
        with pytest.raises(Exception, match="executor"):
            await desktop.start()
        reason = await asyncio.wait_for(desktop.box.gone, 20)
    finally:
        await desktop.close()
    assert desktop.box.violated
    assert "on_violation.exec" in reason
    assert entries[-1] == SandboxEnded(reason, violation=True)


async def test_what_the_prober_has_tried_ends_no_sandbox_and_the_next_to_try_it_does() -> None:
    entries: list[Entry] = []
    desktop = Desktop(
        session.make_plan(DesktopSpec(policy_yaml="on_violation: {seccomp: kill_sandbox}\n")),
        lambda _id, _code: None,
        entries.append,
        Sandbox,
    )
    try:
        await desktop.start()
        told = await desktop.run_canaries(Targets(9, 0, 9, "nobody listens here"))
        assert [canary.process for canary in told] == ["supervisor", "executor", "application"]
        assert not desktop.box.violated
        await desktop.box.spawn(python("import socket; socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)"), wait_window=False)
        reason = await asyncio.wait_for(desktop.box.gone, 20)
    finally:
        await desktop.close()
    assert desktop.box.violated
    assert "socket(raw)" in reason
    assert ("denied", "socket(raw)", 1) in calls(entries)


async def test_a_violation_while_starting_is_told_as_one() -> None:
    """The X server makes the call: before there is a desktop to lose."""
    policy = "system_calls: {deny: [setitimer, timer_create, umask, chmod, unlink]}\non_violation: {seccomp: kill_sandbox}\n"
    with pytest.raises(PolicyViolated, match=r"on_violation\.seccomp"):
        await started(policy, lambda _entry: None)


def test_a_flood_of_denied_calls_is_slowed_down_and_not_listed_one_by_one(tmp_path: Path) -> None:
    code = (
        "import ctypes, os, time\nlibc = ctypes.CDLL(None)\nfor _ in range(3): os.fork()\n"
        "count, end = 0, time.monotonic() + 3\n"
        "while time.monotonic() < end: libc.ptrace(0, 0, 0, 0); count += 1\nprint(count)"
    )
    ended = execute(tmp_path, python(code))
    assert ended.code == 0
    listed = [entry for entry in ended.entries if isinstance(entry, SystemCall)]
    made = sum(entry.count for entry in listed)
    assert 100 < made < 4 * (200 + 200) + 8
    assert len(listed) < 80


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.parametrize("program", ["mousepad", "gedit", "galculator", "chromium"])
async def test_ordinary_programs_violate_nothing(program: str) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    entries: list[Entry] = []
    box = Sandbox(lambda _id, _code: None, entries.append)
    await box.start(session.make_plan(DesktopSpec(policy_yaml="on_violation: {seccomp: kill_sandbox}\n")))
    await (box.browse("file:///usr/share/doc/") if program == "chromium" else box.spawn((program,), wait_window=True))
    await asyncio.sleep(3)
    assert not box.violated
    await box.kill()
    assert calls(entries) == []


def test_two_at_the_same_time_do_not_disturb_each_other(tmp_path: Path) -> None:
    policy = tmp_path / "p.yaml"
    policy.write_text("on_violation: {seccomp: kill_sandbox}\nresource_limits: {max_memory_gb: 1}\n")
    argv = [sys.executable, "-m", "edgeagent_harness.outside", "exec", "--policy", str(policy), "--"]
    quiet = subprocess.Popen([*argv, "sh", "-c", "sleep 4; echo done"], stdout=subprocess.PIPE, text=True)
    loud = subprocess.Popen([*argv, *python(UNSHARE)], stderr=subprocess.DEVNULL)
    assert loud.wait(60) == 5
    assert quiet.communicate(timeout=60)[0] == "done\n"
    assert quiet.returncode == 0

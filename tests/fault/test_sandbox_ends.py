"""However a sandbox ends, its app is told why, and no process, descriptor or file of it stays behind."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from support.processes import names, survivors, tree, wait_until

from edgeagent.desktop import SandboxDesktop
from edgeagent.errors import DesktopLost, UsageError
from edgeagent_harness.protocol import actions
from edgeagent_harness.protocol.messages import Application, DesktopSpec, SettleSpec

pytestmark = pytest.mark.sandbox
SMALL = DesktopSpec(640, 480)
QUICK = SettleSpec(expect="nothing")

APP = """
import asyncio, sys
from edgeagent.desktop import SandboxDesktop
from edgeagent_harness.protocol.messages import DesktopSpec

async def main() -> None:
    async with SandboxDesktop(DesktopSpec(640, 480)) as desktop:
        print(desktop.supervisor_pid, flush=True)
        while sys.stdin.readline():
            await desktop.observe()
            print("observed", flush=True)

asyncio.run(main())
"""


def process_of(desktop: SandboxDesktop, word: str) -> psutil.Process:
    """The process of ``desktop`` that ``word`` names: a program, or a module of ours."""
    inside = [process for process in tree(desktop.supervisor_pid) if process.name() != "bwrap" or word == "bwrap"]
    return next(process for process in inside if word in " ".join(process.cmdline()))


@pytest.mark.browser
@pytest.mark.parametrize("which", [0, -1], ids=["first", "innermost"])
async def test_killing_the_supervisor_leaves_nothing(which: int, tmp_path: Path) -> None:
    desktop = SandboxDesktop(DesktopSpec(640, 480, url="data:text/html,hello"))
    await desktop.start()
    processes = tree(desktop.supervisor_pid)
    assert {"Xvfb", "openbox", "bwrap"} <= set(names(processes))
    assert names(processes).count("chromium") >= 3
    supervisors = [process for process in processes if "edgeagent_harness.outside" in process.cmdline()]
    supervisors[which].kill()
    reason = await asyncio.wait_for(desktop.wait_lost(), 5)
    assert "supervisor" in reason
    assert await asyncio.to_thread(survivors, processes) == []
    await desktop.close()


async def test_a_death_inside_is_told_and_ends_everything() -> None:
    async with SandboxDesktop(SMALL) as desktop:
        for victim in ("bwrap", "inside.init", "Xvfb", "inside.executor", "openbox"):
            inside = tree(desktop.supervisor_pid)
            inside = inside[names(inside).index("bwrap") :]
            process_of(desktop, victim).kill()
            await asyncio.wait_for(desktop.wait_lost(), 5)
            with pytest.raises(DesktopLost):
                await desktop.observe()
            assert await asyncio.to_thread(survivors, inside) == []
            await desktop.restart()
        assert (await desktop.observe()).screen.info.width == 640


async def test_an_action_under_way_fails_as_lost() -> None:
    async with SandboxDesktop(SMALL) as desktop:
        acting = asyncio.create_task(desktop.perform(actions.Wait(20_000), QUICK))
        await asyncio.sleep(0.2)
        process_of(desktop, "Xvfb").kill()
        with pytest.raises(DesktopLost):
            await asyncio.wait_for(acting, 10)


async def test_a_stopped_executor_can_still_be_closed() -> None:
    desktop = SandboxDesktop(SMALL)
    await desktop.start()
    processes = tree(desktop.supervisor_pid)
    process_of(desktop, "inside.executor").suspend()
    observing = asyncio.create_task(desktop.observe())
    await asyncio.sleep(0.1)
    await asyncio.wait_for(desktop.close(), 10)
    with pytest.raises(DesktopLost):
        await observing
    assert survivors(processes) == []


async def test_closing_gives_everything_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home, temporary = tmp_path / "home", tmp_path / "temporary"
    home.mkdir()
    temporary.mkdir(mode=0o777)
    monkeypatch.setenv("TMPDIR", str(temporary))
    own = psutil.Process()
    async with SandboxDesktop(SMALL):
        pass  # whatever the first use leaves open for good is open now
    await asyncio.to_thread(int)
    before, children = own.num_fds(), own.children()
    for _ in range(2):
        async with SandboxDesktop(DesktopSpec(640, 480, home=str(home))) as desktop:
            processes = tree(desktop.supervisor_pid)
            await desktop.perform(actions.Move(actions.Point(5, 5)), QUICK)
        assert survivors(processes) == []
    assert own.num_fds() == before
    assert own.children() == children
    assert list(temporary.iterdir()) == []


def test_interrupting_the_app_from_its_terminal_leaves_the_sandbox_to_the_app() -> None:
    app = subprocess.Popen(
        [sys.executable, "-c", f"import signal; signal.signal(signal.SIGINT, lambda *_: None)\n{APP}"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, process_group=0,
    )  # fmt: skip
    with app:
        assert app.stdin
        assert app.stdout
        supervisor = int(app.stdout.readline())
        os.killpg(app.pid, signal.SIGINT)
        app.stdin.write("go on\n")
        app.stdin.flush()
        assert app.stdout.readline() == "observed\n"
        processes = tree(supervisor)
        app.stdin.close()
        assert app.wait(20) == 0
    assert survivors(processes) == []


def test_killing_the_app_leaves_nothing() -> None:
    with subprocess.Popen([sys.executable, "-c", APP], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as app:
        assert app.stdout
        processes = tree(int(app.stdout.readline()))
        app.kill()
    assert len(processes) > 5
    assert survivors(processes) == []


async def test_a_start_that_fails_says_why_and_leaves_nothing(tmp_path: Path) -> None:
    children = psutil.Process().children()
    broken = (
        (DesktopSpec(640, 480, applications=(Application(("no-such-command",)),)), UsageError, "no such command"),
        (DesktopSpec(640, 480, home="/etc"), UsageError, "directory of the system"),
        (DesktopSpec(640, 480, policy_yaml="audits: {}"), UsageError, "policy, line 1"),
        (DesktopSpec(640, 480, accept_missing=("seccomp",)), UsageError, "cannot be accepted"),
    )
    for spec, error, message in broken:
        with pytest.raises(error, match=message):
            await SandboxDesktop(spec).start()
    assert psutil.Process().children() == children


async def test_the_executor_and_the_applications_are_tightened() -> None:
    spec = DesktopSpec(640, 480, applications=(Application(("sleep", "60"), wait_window=False),))
    async with SandboxDesktop(spec) as desktop:
        wait_until(lambda: "sleep" in names(tree(desktop.supervisor_pid)))
        filters = {
            word: status(process_of(desktop, word), "Seccomp_filters") for word in ("inside.init", "inside.executor", "sleep")
        }
        assert filters == {"inside.init": 2, "inside.executor": 3, "sleep": 3}
        uids = {process.uids().real for process in tree(desktop.supervisor_pid)[1:]}
        assert 0 not in uids
        assert not [layer for layer in desktop.missing_layers if layer == "landlock"]


def status(process: psutil.Process, field: str) -> int:
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith(f"{field}:")))

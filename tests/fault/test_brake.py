"""The brake takes the hands off a real sandbox, as its X server tells it, past a run that is busy; and for good."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path

import psutil
import pytest

from edgeagent.brake import Brake
from edgeagent.desktop.client import SandboxDesktop
from edgeagent_harness.protocol.actions import Action, Batch, Drag, HoldKey, KeyDown, MouseDown, Move
from edgeagent_harness.protocol.geometry import Point
from edgeagent_harness.protocol.messages import Application, DesktopSpec, SettleSpec

pytestmark = pytest.mark.sandbox

WATCHER = Path(__file__).parents[2] / "scripts" / "x_watcher.py"
NO_WAIT = SettleSpec(expect="nothing", quiet_ms=0)
HELD = Batch((Move(Point(200, 200)), MouseDown("left"), KeyDown("shift")))
UNDER_WAY: dict[str, Action] = {
    "drag": Drag((Point(100, 100), Point(500, 400)), duration_ms=4000),
    "held key": HoldKey(("a",), duration_ms=4000),
}


def watcher() -> Application:
    """The program that writes down what is held, to ``x.log`` in the home."""
    python = os.path.realpath(getattr(sys, "_base_executable", sys.executable))
    environment = ("env", "PYTHONPATH=/opt/edgeagent/lib", f"XAUTHORITY={os.devnull}")
    shell = f'exec {python} -S -P -B -c "$0" "$HOME/x.log"'
    return Application((*environment, "sh", "-c", shell, WATCHER.read_text()), wait_window=False)


def held(home: Path) -> bool:
    """Whether a key or a button is down, by the last line."""
    lines = (home / "x.log").read_text().splitlines() if (home / "x.log").exists() else []
    return bool(lines) and lines[-1].split()[1:3] != ["0", "0"]


def wait_until_held(home: Path, wanted: bool, timeout_s: float = 10.0) -> None:
    end_s = time.monotonic() + timeout_s
    while held(home) != wanted:
        assert time.monotonic() < end_s, f"held never became {wanted}"
        time.sleep(0.005)


async def started(home: Path, brake: Brake) -> SandboxDesktop:
    desktop = SandboxDesktop(DesktopSpec(home=str(home), applications=(watcher(),)))
    desktop.brake = brake
    await desktop.start()
    return desktop


@pytest.mark.parametrize("action", UNDER_WAY.values(), ids=UNDER_WAY)
async def test_an_action_under_way_ends_and_no_other_begins(tmp_path: Path, action: Action) -> None:
    brake = Brake()
    desktop = await started(tmp_path, brake)
    try:
        work = asyncio.ensure_future(desktop.perform(action, NO_WAIT))
        await asyncio.to_thread(wait_until_held, tmp_path, True)
        brake.pull()
        wait_until_held(tmp_path, False)  # this thread is busy: nothing here helps
        deed = await work
        assert (deed.effect.status, deed.effect.reason) == ("refused", "cancelled")
        deed = await desktop.perform(HELD, NO_WAIT)
        assert (deed.effect.reason, deed.effect.performed) == ("cancelled", False)
        assert not held(tmp_path)
    finally:
        await desktop.close()


async def test_a_display_that_stood_still_lets_go_once_it_goes_on(tmp_path: Path) -> None:
    """What it is asked meanwhile, presses and releases, it comes to in order."""
    brake = Brake()
    desktop = await started(tmp_path, brake)
    inside = psutil.Process(desktop.supervisor_pid).children(recursive=True)
    (server,) = (process for process in inside if process.name() == "Xvfb")
    try:
        work = asyncio.ensure_future(desktop.perform(HoldKey(("ctrl", "x"), duration_ms=4000), NO_WAIT))
        await asyncio.to_thread(wait_until_held, tmp_path, True)
        server.suspend()
        brake.pull()
        await asyncio.sleep(0.3)
        assert not work.done(), "its end is told only once the display has confirmed it"
        server.resume()
        deed = await work
        assert (deed.effect.status, deed.effect.reason) == ("refused", "cancelled")
        await asyncio.to_thread(wait_until_held, tmp_path, False)
    finally:
        await desktop.close()


async def test_what_is_held_between_actions_is_let_go_when_the_program_dies(tmp_path: Path) -> None:
    brake = Brake()
    desktop = await started(tmp_path, brake)
    try:
        await desktop.perform(HELD, NO_WAIT)
        await asyncio.to_thread(wait_until_held, tmp_path, True)
        del desktop.brake, brake  # as a death would, this closes the pipe
        wait_until_held(tmp_path, False)
    finally:
        await desktop.close()

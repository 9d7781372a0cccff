"""On the user's own desktop nothing stays down, whichever process dies while the agent holds it, whatever X has yet to read."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from support.executor_rig import client, x_server
from support.stand_in_desktop import down, until, wait_for_manager
from support.xclient import connect
from Xlib import X

from edgeagent.desktop import SandboxDesktop
from edgeagent.errors import DesktopLost
from edgeagent_harness.host.drivers import DRIVER_ENV
from edgeagent_harness.protocol.actions import Action, Batch, HoldKey, Key, KeyDown, MouseDown, Move, Wait
from edgeagent_harness.protocol.geometry import Point
from edgeagent_harness.protocol.messages import DesktopSpec, HostSpec, SettleSpec

pytestmark = pytest.mark.sandbox
HELD = Batch((Move(Point(300, 300)), KeyDown("shift"), MouseDown(), Wait(20_000)))
QUICK = SettleSpec(response_ms=150, quiet_ms=30)


@pytest.fixture(params=["", "portable"], ids=["x11", "portable"])
def display(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[str]:
    home = tmp_path / "user"
    home.mkdir()
    with x_server(900, 600) as name, client(["openbox", "--sm-disable"], name, home):
        monkeypatch.setenv("DISPLAY", name)
        monkeypatch.delenv("XDG_SESSION_TYPE", raising=False)
        if request.param:
            monkeypatch.setenv(DRIVER_ENV, request.param)
        wait_for_manager(name)
        yield name


def part(desktop: SandboxDesktop, name: str) -> int:
    """Pid of the process ``name`` of the session."""
    supervisor = psutil.Process(desktop.supervisor_pid)
    if name == "supervisor":
        return supervisor.pid
    (found,) = (process.pid for process in supervisor.children() if process.cmdline()[3].endswith(f".{name}"))
    return found


async def acting(desktop: SandboxDesktop, action: Action) -> asyncio.Task[object]:
    """``action``, under way; that its desktop is lost is no surprise."""

    async def perform() -> None:
        with contextlib.suppress(DesktopLost):
            await desktop.perform(action, QUICK)

    return asyncio.create_task(perform())


@pytest.mark.parametrize("dying", ["executor", "guardian", "supervisor"])
async def test_nothing_stays_down_when_one_of_them_dies(display: str, dying: str) -> None:
    """Nobody closes the session meanwhile: its user may have been struck by the same."""
    async with SandboxDesktop(DesktopSpec(host=HostSpec(border=False))) as desktop:
        holding = await acting(desktop, HELD)
        await until(lambda: down(display) == (1, 1))
        os.kill(part(desktop, dying), signal.SIGKILL)
        await until(lambda: down(display) == (0, 0))
        await asyncio.sleep(0.3)
        assert down(display) == (0, 0), "and nothing is pressed again"
        await asyncio.wait_for(holding, 5)


async def test_a_session_without_its_guardian_ends(display: str) -> None:
    """Its stop key would do nothing."""
    async with SandboxDesktop(DesktopSpec(host=HostSpec(border=False))) as desktop:
        os.kill(part(desktop, "guardian"), signal.SIGKILL)
        with pytest.raises(DesktopLost, match="guardian"):
            await desktop.perform(HELD, QUICK)


@pytest.mark.parametrize("action", [Key(("x",), repeat=100), HoldKey(("ctrl", "x"), 5000)], ids=["typing", "holding"])
async def test_what_x_reads_after_the_executors_death_is_released_too(display: str, action: Action) -> None:
    """The server stands still when the executor dies, with presses in its socket that it comes to only later."""
    (server,) = (child for child in psutil.Process().children() if child.name() == "Xvfb")
    async with SandboxDesktop(DesktopSpec(host=HostSpec(border=False))) as desktop:
        executor = part(desktop, "executor")
        server.suspend()
        try:
            work = await acting(desktop, action)
            await asyncio.sleep(0.1)
            os.kill(executor, signal.SIGKILL)
        finally:
            server.resume()
        await asyncio.sleep(0.5)
        assert down(display) == (0, 0)
        await asyncio.wait_for(work, 5)


@pytest.mark.parametrize("display", [""], indirect=True, ids=["x11"])
async def test_a_thumb_button_is_let_go(display: str) -> None:
    """The core protocol does not say that it is down. The portable driver has none."""
    seen = connect(display)
    screen = seen.screen()
    window = screen.root.create_window(
        200, 200, 300, 300, 0, screen.root_depth, override_redirect=True, event_mask=X.ButtonPressMask | X.ButtonReleaseMask
    )
    window.map()
    seen.sync()
    events: list[tuple[int, int]] = []

    def thumb(kind: int) -> bool:
        while seen.pending_events():
            event = seen.next_event()
            events.append((event.type, getattr(event, "detail", 0)))
        return (kind, 8) in events

    async with SandboxDesktop(DesktopSpec(host=HostSpec(border=False))) as desktop:
        holding = await acting(desktop, Batch((Move(Point(300, 300)), MouseDown("back"), Wait(20_000))))
        await until(lambda: thumb(X.ButtonPress))
        os.kill(part(desktop, "executor"), signal.SIGKILL)
        await until(lambda: thumb(X.ButtonRelease))
        await asyncio.wait_for(holding, 5)
    assert (X.ButtonRelease, 9) not in events, "what was not pressed is not released"
    seen.close()

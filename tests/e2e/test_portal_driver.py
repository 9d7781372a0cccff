"""Host mode through a portal, without a desktop: what is asked of it, what is refused, how it ends, what stays on the disk."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from jeepney import message_bus
from support.portal_stand_in import COLOUR, StandIn, private_bus, put_gstreamer, serving
from support.processes import tree, wait_until

from edgeagent.desktop import SandboxDesktop
from edgeagent.errors import SandboxRefused, StoppedAtDesktop, UsageError
from edgeagent_harness.host.portal.bus import Bus, BusError, session_address
from edgeagent_harness.protocol.actions import Batch, Click, KeyDown, MouseDown, Move, Scroll, Type, Wait
from edgeagent_harness.protocol.geometry import Point, Rect
from edgeagent_harness.protocol.messages import DesktopSpec, HostSpec, SettleSpec

pytestmark = pytest.mark.skipif(shutil.which("dbus-daemon") is None, reason="a bus of its own needs dbus-daemon")
QUICK = SettleSpec(response_ms=20, quiet_ms=10)


@pytest.fixture
def root(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A Wayland session with a bus and GStreamer, and without a portal. A short name: sockets' are."""
    with tempfile.TemporaryDirectory(prefix="wl") as name, private_bus(Path(name)) as variables:
        for variable, value in variables.items():
            monkeypatch.setenv(variable, value)
        put_gstreamer(Path(name))
        monkeypatch.setenv("PATH", f"{name}:{os.environ['PATH']}")
        yield Path(name)


async def refused(spec: HostSpec | None = None) -> str:
    """What a start on the user's own desktop is refused with."""
    desktop = SandboxDesktop(DesktopSpec(host=spec or HostSpec()))
    with pytest.raises((SandboxRefused, UsageError)) as error:
        await desktop.start()
    await desktop.close()
    return str(error.value)


@pytest.mark.usefixtures("root")
async def test_what_is_missing_is_told_with_its_package() -> None:
    told = await refused()
    assert "nothing answers as org.freedesktop.portal.Desktop" in told
    assert "xdg-desktop-portal-gnome" in told
    assert "leave --host away" in told
    with serving(StandIn(remote_desktop=0)):
        assert "no RemoteDesktop" in await refused()
    with serving(StandIn(devices=1)):
        assert "lack a pointer" in await refused()


async def test_without_gstreamer_nobody_is_asked(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in = StandIn()
    (root / "gst-inspect-1.0").write_text("#!/bin/sh\nexit 1\n")
    with serving(stand_in):
        assert "gstreamer1.0-pipewire" in await refused()
    assert not stand_in.told("CreateSession")
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS")
    (root / "bus").unlink()
    assert "there is no session bus" in await refused()


@pytest.mark.usefixtures("root")
async def test_what_cannot_be_kept_is_refused_before_anybody_is_asked() -> None:
    stand_in = StandIn()
    with serving(stand_in):
        assert "--window cannot be kept on Wayland" in await refused(HostSpec(window="Order"))
        assert "--monitor is not for Wayland" in await refused(HostSpec(monitor="1"))
        assert "--stop-key is not for Wayland" in await refused(HostSpec(stop_key="ctrl+alt+q"))
        assert not stand_in.told("CreateSession")
        assert "lies outside of the monitor" in await refused(HostSpec(region=Rect(0, 0, 400, 100)))
        wait_until(lambda: not_there(stand_in.clients[-1]))


@pytest.mark.usefixtures("root")
@pytest.mark.parametrize(
    ("stand_in", "told"),
    [
        (StandIn(says=1), "answered with no"),
        (StandIn(says=1, forges=True), "answered with no"),
        (StandIn(says=2), r"response 2"),
        (StandIn(grants=0), "allow interaction"),
    ],
    ids=["no", "forged yes", "refused", "sight alone"],
)
async def test_only_the_users_yes_is_one(stand_in: StandIn, told: str) -> None:
    with serving(stand_in):
        assert told in await refused()
        assert not stand_in.told("OpenPipeWireRemote")


@pytest.mark.usefixtures("root")
async def test_who_gives_up_leaves_no_dialog_behind() -> None:
    stand_in = StandIn(says=-1)
    with serving(stand_in):
        desktop = SandboxDesktop(DesktopSpec(host=HostSpec()))
        starting = asyncio.create_task(desktop.start())
        await asyncio.to_thread(wait_until, lambda: bool(stand_in.told("Start")))
        owner = stand_in.clients[-1]
        starting.cancel()
        await asyncio.wait_for(desktop.close(), 5)
        assert not_there(owner), "the desktop takes a dialog away with whom it is for"


@pytest.mark.usefixtures("root")
async def test_input_goes_where_the_picture_shows_it_and_nothing_stays_down() -> None:
    """At a scale of 2: the picture has 320x200 pixels, the monitor 160x100 units. The part begins at (20, 10)."""
    stand_in = StandIn()
    with serving(stand_in):
        async with SandboxDesktop(DesktopSpec(host=HostSpec(region=Rect(20, 10, 320, 200)))) as desktop:
            seen = (await desktop.observe()).screen
            assert (seen.info.width, seen.info.height) == (300, 190)
            assert bytes(seen.pixels[:4]) == bytes((*reversed(COLOUR), 0))
            await desktop.perform(Click(Point(30, 7), button="right"), QUICK)
            assert stand_in.told("NotifyPointerMotionAbsolute")[-1][2:] == (42, 25.25, 8.75)
            assert [body[2:] for body in stand_in.told("NotifyPointerButton")] == [(0x111, 1), (0x111, 0)]
            await desktop.perform(Scroll(Point(1, 1), dx=-1, dy=2), QUICK)
            assert [body[2:] for body in stand_in.told("NotifyPointerAxisDiscrete")] == [(0, 1), (0, 1), (1, -1)]
            before = len(stand_in.told("NotifyKeyboardKeysym"))
            await desktop.perform(Type("A\n"), QUICK)
            typed = [body[2:] for body in stand_in.told("NotifyKeyboardKeysym")[before:]]
            assert typed == [(0x41, 1), (0x41, 0), (0xFF0D, 1), (0xFF0D, 0)]
            assert (await desktop.perform(Type("ü"), QUICK)).effect.reason == "unsupported"
            await desktop.perform(KeyDown("shift"), QUICK)
            await desktop.perform(MouseDown(), QUICK)
            owner = stand_in.clients[-1]
        wait_until(lambda: not_there(owner))
        assert [name for name, _ in stand_in.calls].count("Close") >= 1, "with it the desktop releases all"


@pytest.mark.usefixtures("root")
async def test_a_session_ends_with_the_executor_while_the_supervisor_hangs() -> None:
    stand_in = StandIn()
    with serving(stand_in):
        async with SandboxDesktop(DesktopSpec(host=HostSpec())) as desktop:
            await desktop.perform(KeyDown("shift"), QUICK)
            (executor,) = [one for one in tree(desktop.supervisor_pid) if "portal.executor" in " ".join(one.cmdline())]
            os.kill(desktop.supervisor_pid, signal.SIGSTOP)
            executor.kill()
            await asyncio.to_thread(wait_until, lambda: bool(stand_in.told("Close")), 5)
            os.kill(desktop.supervisor_pid, signal.SIGCONT)


def not_there(name: str) -> bool:
    """Whether the bus knows nobody of that name any more."""
    bus = Bus.connect(session_address())
    try:
        return not bus.call(message_bus, "NameHasOwner", "s", (name,))[0]
    except BusError:
        return False
    finally:
        bus.close()


@pytest.mark.usefixtures("root")
async def test_a_session_that_the_desktop_ends_is_a_stop() -> None:
    stand_in = StandIn()
    with serving(stand_in):
        async with SandboxDesktop(DesktopSpec(host=HostSpec())) as desktop:
            doing = asyncio.create_task(desktop.perform(Batch((Move(Point(5, 5)), Wait(20_000))), QUICK))
            await asyncio.sleep(0.3)
            stand_in.end_session()
            with pytest.raises(StoppedAtDesktop, match="the desktop has ended the session"):
                await asyncio.wait_for(doing, 5)


async def test_a_permission_that_may_be_kept_is_kept_for_the_user_alone(root: Path) -> None:
    stand_in = StandIn(remote_desktop=2)
    kept = root / "config" / "edgeagent" / "portal-token"
    with serving(stand_in):
        for number in (1, 2):
            async with SandboxDesktop(DesktopSpec(host=HostSpec())):
                assert kept.read_text() == f"token {number}"
                assert stat.S_IMODE(kept.stat().st_mode) == 0o600
        first, second = (body[-1] for body in stand_in.told("SelectDevices"))
        assert first["persist_mode"] == ("u", 2)
        assert "restore_token" not in first
        assert second["restore_token"] == ("s", "token 1")
        stand_in.says = 1
        await refused()
    assert not kept.exists(), "it was good for one time"

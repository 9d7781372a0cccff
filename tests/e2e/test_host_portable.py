"""The driver for macOS and Windows, on X11: what is seen is what is clicked, hands, the user's stop, and nothing left down."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from support.executor_rig import client, x_server
from support.host_windows import PaintedWindow
from support.stand_in_desktop import clipboard, copy, down, press_chord, throw_pointer, until, wait_for_manager
from support.xclient import connect
from Xlib import XK

from edgeagent.desktop import SandboxDesktop
from edgeagent.errors import SandboxRefused, StoppedAtDesktop, UsageError
from edgeagent_harness.host.drivers import DRIVER_ENV
from edgeagent_harness.host.x11.xrequests import set_monitor
from edgeagent_harness.protocol.actions import (
    Action,
    Batch,
    Click,
    ClipboardRead,
    ClipboardWrite,
    CursorPosition,
    Drag,
    HoldKey,
    Key,
    KeyDown,
    KeyUp,
    MouseDown,
    Move,
    OpenApp,
    Scroll,
    Type,
    Wait,
)
from edgeagent_harness.protocol.geometry import Point, Rect
from edgeagent_harness.protocol.messages import DesktopSpec, Guard, HostSpec, SettleSpec

pytestmark = pytest.mark.sandbox
SIZE = (900, 600)
COLOUR, BOX = 0x336699, Rect(100, 100, 500, 400)
BACK = Click(Point(200, 200), button="back")
QUICK = SettleSpec(response_ms=120, quiet_ms=20)
POSIX_ONLY = Path(__file__).parents[1] / "support" / "posix_only"


@pytest.fixture
def display(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    home = tmp_path / "user"
    home.mkdir()
    with x_server(*SIZE) as name, client(["openbox", "--sm-disable"], name, home):
        monkeypatch.setenv("DISPLAY", name)
        monkeypatch.setenv(DRIVER_ENV, "portable")
        wait_for_manager(name)
        yield name


@pytest.fixture
def window(display: str) -> Iterator[PaintedWindow]:
    painted = PaintedWindow(display, BOX, "Order form", COLOUR)
    painted.wait_mapped()
    painted.start()
    yield painted
    painted.stop()


def host(**options: object) -> DesktopSpec:
    return DesktopSpec(host=HostSpec(border=False, **options))  # pyright: ignore[reportArgumentType]


async def test_all_that_hands_do_arrives(window: PaintedWindow, display: str) -> None:
    async with SandboxDesktop(host()) as desktop:

        async def do(action: Action) -> str:
            deed = await desktop.perform(action, QUICK)
            assert deed.effect.reason == "", deed.effect
            return deed.effect.output

        await do(Click(Point(201, 203)))
        await do(Click(Point(250, 250), count=2))
        await until(lambda: window.presses == [(201, 203), (250, 250), (250, 250)])
        await do(Scroll(Point(260, 260), dy=2, dx=-1))
        await until(lambda: len(window.presses) == 6)
        await do(Drag((Point(150, 160), Point(300, 330))))
        await until(lambda: window.presses[-1] == (150, 160))
        assert await do(CursorPosition()) == "300,330"
        window.keys.clear()
        await do(Type("aB, c!\n"))
        await do(Key(("ctrl", "S"), repeat=2))
        await do(Key(("Page_Down",)))
        await do(Batch((KeyDown("shift"), KeyUp("shift"), HoldKey(("Escape",), 30))))
        expected = ["a", "Shift_L", "b", "comma", "space", "c", "Shift_L", "exclam", "Return"]
        expected += ["Control_L", "s"] * 2 + ["Next", "Shift_L", "Escape"]
        await until(lambda: window.keys == keycodes(display, expected))
        await do(ClipboardWrite("Zoë 日本"))
        assert await do(ClipboardRead()) == "Zoë 日本"
    assert down(display) == (0, 0)


def keycodes(display: str, names: list[str]) -> list[int]:
    connection = connect(display)
    codes = [int(connection.keysym_to_keycode(XK.string_to_keysym(name))) for name in names]
    connection.close()
    return codes


@pytest.mark.parametrize(
    ("options", "region"),
    [
        ({}, Rect(0, 0, 900, 600)),
        ({"monitor": "3"}, Rect(400, 50, 900, 600)),
        ({"monitor": "low"}, Rect(400, 50, 900, 600)),
        ({"region": Rect(150, 120, 550, 420)}, Rect(150, 120, 550, 420)),
    ],
    ids=["all", "by number", "by name", "region"],
)
async def test_a_pixel_of_the_frame_is_the_pixel_that_is_clicked(
    window: PaintedWindow, display: str, options: dict[str, object], region: Rect
) -> None:
    connection = connect(display)
    root = connection.screen().root
    set_monitor(connection, root, "left", Rect(0, 0, 400, 600), (100, 150))  # beside the one that Xvfb has itself
    set_monitor(connection, root, "low", Rect(400, 50, 900, 600), (125, 140))
    connection.close()
    async with SandboxDesktop(host(**options)) as desktop:
        screen = (await desktop.observe(QUICK)).screen
        assert (screen.info.width, screen.info.height) == (region.width, region.height)
        colours = np.frombuffer(screen.pixels, "<u4").reshape(region.height, region.width) & 0xFFFFFF
        rows, columns = np.nonzero(colours == COLOUR)
        seen = (int(columns.min()), int(rows.min()), int(columns.max()), int(rows.max()))
        shown = window_area(display, window).intersect(region)
        assert seen == (
            shown.left - region.left, shown.top - region.top, shown.right - region.left - 1, shown.bottom - region.top - 1
        )  # fmt: skip
        for x, y in ((seen[0], seen[1]), (seen[2], seen[3]), ((seen[0] + seen[2]) // 2, (seen[1] + seen[3]) // 2)):
            assert (await desktop.perform(Click(Point(x, y)), QUICK)).effect.reason == ""
            await until(lambda at=(x + region.left, y + region.top): window.presses[-1:] == [at])


def window_area(display: str, window: PaintedWindow) -> Rect:
    """Where openbox put what the window paints."""
    connection = connect(display)
    inner = connection.create_resource_object("window", window.id)
    at, size = connection.screen().root.translate_coords(inner, 0, 0), inner.get_geometry()
    connection.close()
    return Rect(at.x, at.y, at.x + size.width, at.y + size.height)


async def test_what_cannot_be_done_is_refused_with_its_reason(window: PaintedWindow, display: str) -> None:
    async with SandboxDesktop(host()) as desktop:
        for action, reason, told in (
            (Type("a日"), "invalid", "for which this keyboard has no key"),
            (Key(("nokey",)), "bad_key", "no key is called 'nokey'"),
            (BACK, "unsupported", "no back button"),
            (Move(Point(0, 599)), "forbidden", "only the user goes there"),
            (Click(Point(900, 10)), "out_of_bounds", "outside the 900x600 screen"),
            (OpenApp("no-such-program"), "no_such_app", "no such command"),
        ):
            deed = await desktop.perform(action, QUICK)
            assert deed.effect.reason == reason, action
            assert deed.effect.performed == (action == BACK), "that it lacks the button is known once it is there"
            assert told in deed.effect.message
        screen = (await desktop.observe(QUICK)).screen
        window.move(130, 130)
        await asyncio.sleep(0.2)
        deed = await desktop.perform(Click(Point(110, 130)), QUICK, Guard(screen.info.seq, Rect(100, 110, 130, 150)))
        assert (deed.effect.reason, deed.effect.performed) == ("stale", False)
    assert not window.presses
    assert not window.keys


@pytest.mark.parametrize("wanted", [HostSpec(window="Order"), HostSpec(stop_key="ctrl+nokey"), HostSpec(monitor="7")], ids=repr)
async def test_what_is_not_to_be_had_is_told_before_it_starts(display: str, wanted: HostSpec) -> None:
    with pytest.raises(UsageError, match=r"--window is not to be had on X11|no key is called|there is no monitor '7'"):
        await SandboxDesktop(DesktopSpec(host=wanted)).start()


# -- the user's stop ----------------------------------------------------------------------------------------------------------


def into_the_corner(display: str) -> None:
    throw_pointer(display, SIZE[0] - 1, 0)


def stop_key(display: str) -> None:
    """As a person presses it: no faster than it can be looked at."""
    press_chord(display, ("Control_R", "Alt_L", "Escape"), held_s=0.06)


@pytest.mark.parametrize("stop", [into_the_corner, stop_key])
@pytest.mark.parametrize("hung", [False, True], ids=["answering", "hung"])
async def test_the_user_stops_it_at_the_desktop(
    window: PaintedWindow, display: str, stop: Callable[[str], None], hung: bool
) -> None:
    async with SandboxDesktop(host()) as desktop:
        parts = (Move(Point(200, 200)), KeyDown("shift"), MouseDown(), Wait(20_000))
        holding = asyncio.create_task(desktop.perform(Batch(parts), QUICK))
        await until(lambda: down(display) == (1, 1))
        if hung:
            os.kill(desktop.supervisor_pid, 19)
        stop(display)
        await until(lambda: down(display) == (0, 0))
        await asyncio.sleep(0.3)
        assert down(display) == (0, 0), "and nothing is pressed again"
        if hung:
            os.kill(desktop.supervisor_pid, 18)
        with pytest.raises(StoppedAtDesktop, match="stopped at the desktop"):
            await holding


async def test_a_cancelled_action_lets_go(window: PaintedWindow, display: str) -> None:
    async with SandboxDesktop(host()) as desktop:
        holding = asyncio.create_task(desktop.perform(Batch((KeyDown("ctrl"), MouseDown(), Wait(20_000))), QUICK))
        await until(lambda: down(display) == (1, 1))
        await desktop.release_all()
        assert (await holding).effect.reason == "cancelled"
        assert down(display) == (0, 0)


@pytest.mark.parametrize("copied_meanwhile", [False, True])
async def test_the_users_clipboard_is_given_back(display: str, copied_meanwhile: bool) -> None:
    copy("mine, Zoë")
    async with SandboxDesktop(host()) as desktop:
        await desktop.perform(ClipboardWrite("the agent's"), QUICK)
        assert clipboard() == "the agent's"
        if copied_meanwhile:
            await asyncio.sleep(2.2)  # the guardian looks once a second, and takes what changes then for the agent's
            copy("mine, later")
            await asyncio.sleep(1.2)
    await until(lambda: clipboard() == ("mine, later" if copied_meanwhile else "mine, Zoë"))


# -- other systems --------------------------------------------------------------------------------------------------------------


async def test_it_needs_nothing_that_linux_alone_has(
    window: PaintedWindow, display: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No memfd, no seals, no libseccomp, no pidfd: as far as a Linux can be made poor, the supervisor and its programs run."""
    monkeypatch.setenv("PYTHONPATH", str(POSIX_ONLY))
    assert await asyncio.to_thread(what_a_child_has) == "False False\n"
    async with SandboxDesktop(host()) as desktop:
        assert (await desktop.perform(Click(Point(222, 222)), QUICK)).effect.reason == ""
        await until(lambda: window.presses == [(222, 222)])


def what_a_child_has() -> str:
    code = "import os, fcntl; print(hasattr(os, 'memfd_create'), hasattr(fcntl, 'F_ADD_SEALS'))"
    return subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True).stdout


@pytest.mark.parametrize(("spec", "told"), [(host(), "the system lacks what host mode calls"), (DesktopSpec(), "needs Linux")])
async def test_a_supervisor_on_macos_comes_as_far_as_its_system(
    monkeypatch: pytest.MonkeyPatch, spec: DesktopSpec, told: str
) -> None:
    """Played by a Linux, which has no CoreGraphics: all that comes before is imported and answers."""
    monkeypatch.setenv("PYTHONPATH", str(POSIX_ONLY.parent / "as_macos"))
    with pytest.raises(SandboxRefused, match=told):
        await SandboxDesktop(spec).start()

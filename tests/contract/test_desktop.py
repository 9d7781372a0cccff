"""One suite that every desktop passes: the fake one in memory, and a real editor in the sandbox and on the user's own desktop."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
import pytest_asyncio
from support.executor_rig import client, window_manager, x_server

from edgeagent.desktop import SandboxDesktop
from edgeagent.errors import DesktopLost
from edgeagent.ports import Desktop
from edgeagent.testing import FakeDesktop, TextField
from edgeagent_harness.protocol import actions
from edgeagent_harness.protocol.geometry import Point, Rect
from edgeagent_harness.protocol.messages import Application, DesktopSpec, Guard, HostSpec, SettleSpec

pytestmark = pytest.mark.asyncio(loop_scope="module")
SIZE = (640, 480)
QUICK = SettleSpec(response_ms=300)
REAL = [pytest.param(name, marks=pytest.mark.sandbox) for name in ("sandbox", "host")]


@dataclass
class Subject:
    """A desktop with one large text field that has the keyboard's focus around ``text_at``."""

    desktop: Desktop
    text_at: Point
    kill: Callable[[], None]


@pytest_asyncio.fixture(loop_scope="module", scope="module", params=["fake", *REAL])
async def subject(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Subject]:
    if request.param == "fake":
        desktop = FakeDesktop([TextField("text", Rect(0, 40, *SIZE))], *SIZE)
        yield Subject(desktop, Point(320, 240), desktop.die)
        return
    home = tmp_path_factory.mktemp("home")
    if request.param == "host":
        async with host_with_editor(home) as host:
            yield Subject(host, Point(320, 240), lambda: kill_children(host.supervisor_pid))
        return
    spec = DesktopSpec(*SIZE, home=str(home), applications=(Application(("mousepad",)),))
    async with SandboxDesktop(spec) as sandbox:
        yield Subject(sandbox, Point(320, 240), lambda: kill_children(sandbox.supervisor_pid))


@contextlib.asynccontextmanager
async def host_with_editor(home: Path) -> AsyncIterator[SandboxDesktop]:
    """A private X server stands in for the user's desktop; the editor on it is the user's."""
    with x_server(*SIZE) as display, window_manager(display, home), client(["mousepad", "--disable-server"], display, home):
        before, os.environ["DISPLAY"] = os.environ.get("DISPLAY"), display
        try:
            async with SandboxDesktop(DesktopSpec(host=HostSpec())) as host:
                await host.observe(SettleSpec(response_ms=4000, quiet_ms=500))
                yield host
        finally:
            os.environ.pop("DISPLAY")
            if before is not None:
                os.environ["DISPLAY"] = before


def kill_children(pid: int) -> None:
    for child in psutil.Process(pid).children():
        os.kill(child.pid, signal.SIGKILL)


async def test_observing_gives_whole_frames_in_order(subject: Subject) -> None:
    first = (await subject.desktop.observe()).screen
    second = (await subject.desktop.observe(SettleSpec(expect="nothing"))).screen
    assert (first.info.width, first.info.height) == SIZE
    assert len(first.pixels) == SIZE[0] * SIZE[1] * 4
    assert second.info.seq > first.info.seq


async def test_typing_shows(subject: Subject) -> None:
    desktop = subject.desktop
    clicked = await desktop.perform(actions.Click(subject.text_at), QUICK)
    assert clicked.effect.performed
    before = (await desktop.observe()).screen
    deed = await desktop.perform(actions.Type("Zoë writes"), QUICK)
    assert deed.effect.status == "confirmed"
    assert deed.look.screen.pixels != before.pixels
    assert deed.effect.changed
    assert all(0 <= box.left < box.right <= SIZE[0] and 0 <= box.top < box.bottom <= SIZE[1] for box in deed.effect.changed)
    assert deed.look.settle is not None


async def test_an_action_without_effect_is_suspected(subject: Subject) -> None:
    deed = await subject.desktop.perform(actions.Key(("F20",)), QUICK)
    assert (deed.effect.status, deed.effect.performed) == ("suspected_noop", True)


async def test_a_point_off_the_screen_is_refused(subject: Subject) -> None:
    deed = await subject.desktop.perform(actions.Click(Point(5000, 10)), QUICK)
    assert (deed.effect.status, deed.effect.reason, deed.effect.performed) == ("refused", "out_of_bounds", False)


async def test_what_it_cannot_do_is_refused(subject: Subject) -> None:
    deed = await subject.desktop.perform(actions.Home(), QUICK)
    assert (deed.effect.status, deed.effect.reason, deed.effect.performed) == ("refused", "unsupported", False)
    assert deed.effect.message


async def test_a_stale_guard_stops_the_action(subject: Subject) -> None:
    desktop, everything = subject.desktop, Rect(0, 0, *SIZE)
    seen = (await desktop.observe()).screen
    await desktop.perform(actions.Type("changed since"), QUICK)
    deed = await desktop.perform(actions.Click(subject.text_at), QUICK, Guard(seen.info.seq, everything))
    assert (deed.effect.status, deed.effect.reason, deed.effect.performed) == ("refused", "stale", False)


async def test_a_fresh_guard_lets_it_pass(subject: Subject) -> None:
    seen = (await subject.desktop.observe(SettleSpec(expect="nothing"))).screen
    corner = Rect(SIZE[0] - 40, SIZE[1] - 40, SIZE[0] - 20, SIZE[1] - 20)
    deed = await subject.desktop.perform(actions.Move(Point(100, 100)), QUICK, Guard(seen.info.seq, corner))
    assert deed.effect.performed


async def test_the_pointer_is_where_it_was_put(subject: Subject) -> None:
    await subject.desktop.perform(actions.Move(Point(123, 45)), QUICK)
    deed = await subject.desktop.perform(actions.CursorPosition(), QUICK)
    assert deed.effect.output == "123,45"


async def test_the_clipboard_keeps_what_was_written(subject: Subject) -> None:
    await subject.desktop.perform(actions.ClipboardWrite("日本 🙂 <b>"), QUICK)
    deed = await subject.desktop.perform(actions.ClipboardRead(), QUICK)
    assert deed.effect.output == "日本 🙂 <b>"


async def test_a_batch_stops_at_the_first_refusal(subject: Subject) -> None:
    batch = actions.Batch((actions.Move(Point(50, 60)), actions.Click(Point(5000, 5)), actions.Move(Point(70, 80))))
    deed = await subject.desktop.perform(batch, QUICK)
    assert deed.effect.status in {"refused", "partial"}
    assert deed.effect.reason == "out_of_bounds"
    where = await subject.desktop.perform(actions.CursorPosition(), QUICK)
    assert where.effect.output != "70,80", "nothing after the refused action is done"


async def test_releasing_what_is_held_is_always_safe(subject: Subject) -> None:
    await subject.desktop.perform(actions.KeyDown("shift"), QUICK)
    await subject.desktop.release_all()
    await subject.desktop.release_all()


async def test_a_dead_desktop_is_lost(subject: Subject) -> None:
    subject.kill()
    with pytest.raises(DesktopLost):
        await subject.desktop.observe()
    with pytest.raises(DesktopLost):
        await subject.desktop.perform(actions.Wait(1), QUICK)
    await subject.desktop.release_all()

"""Host mode on a real Wayland desktop (mutter, its portals, PipeWire): seen is clicked, asked is asked, ended is ended."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import tempfile
import threading
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
from support.processes import names, survivors, tree, wait_until
from support.wayland_desktop import Target, User, WaylandDesktop, cells, missing_packages, wayland_desktop

from edgeagent import events
from edgeagent.desktop import SandboxDesktop
from edgeagent.errors import SandboxRefused
from edgeagent.policy.asking import Question, Said
from edgeagent.ports import Model, Prompt
from edgeagent.runner import ModelChoice, Runner, RunRequest
from edgeagent.sessions.store import SessionStore
from edgeagent.testing import ScriptedModel
from edgeagent_harness.protocol.actions import (
    Action,
    Click,
    ClipboardRead,
    CursorPosition,
    Key,
    KeyDown,
    MouseDown,
    Scroll,
    Type,
    Wait,
)
from edgeagent_harness.protocol.geometry import Point
from edgeagent_harness.protocol.messages import DesktopSpec, HostSpec, SettleSpec

MISSING = missing_packages()
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(MISSING), reason=f"a Wayland desktop needs {', '.join(MISSING)}"),
]
QUICK = SettleSpec(response_ms=60, quiet_ms=20)
PLAIN = ((1280, 800), 1.0, False)
HOST = DesktopSpec(host=HostSpec())


@pytest.fixture
def root() -> Iterator[Path]:
    """A short one: sockets' names are."""
    with tempfile.TemporaryDirectory(prefix="wl") as name:
        yield Path(name)


@pytest.fixture
def desktop(root: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[WaylandDesktop]:
    size_px, scale, shell = getattr(request, "param", PLAIN)
    with wayland_desktop(root, size_px, scale, shell) as there:
        monkeypatch.delenv("DISPLAY", raising=False)
        for name, value in there.variables.items():
            monkeypatch.setenv(name, value)
        yield there


@pytest.fixture
def user(desktop: WaylandDesktop) -> Iterator[User]:
    there = User(desktop)
    yield there
    there.close()


@pytest.fixture
def target(desktop: WaylandDesktop, root: Path) -> Iterator[Target]:
    there = Target(desktop, root)
    yield there
    there.stop()


@contextlib.contextmanager
def answering(user: User, yes: bool = True, interaction: bool = True) -> Iterator[None]:
    """The user answers the dialog meanwhile."""
    thread = threading.Thread(target=user.answer_dialog, args=(yes, interaction))
    thread.start()
    try:
        yield
    finally:
        thread.join(30)


@asynccontextmanager
async def permitted(user: User) -> AsyncGenerator[SandboxDesktop]:
    """Host mode on the desktop, which its user has said yes to."""
    desktop = SandboxDesktop(HOST)
    try:
        with answering(user):
            await desktop.start()
        yield desktop
    finally:
        await desktop.close()


@pytest.mark.parametrize(
    "desktop",
    [PLAIN, ((1280, 800), 1.25, False), ((1280, 800), 1.5, False), ((2560, 1600), 2.0, False)],
    indirect=True,
    ids=["1x", "1.25x", "1.5x", "2x"],
)
async def test_every_pixel_that_is_seen_is_the_one_that_is_clicked(desktop: WaylandDesktop, target: Target, user: User) -> None:
    async with permitted(user) as started:
        seen = await started.observe()
        width, height = seen.screen.info.width, seen.screen.info.height
        colours = np.frombuffer(seen.screen.pixels, "<u4").reshape(height, width) & 0xFFFFFF
        rows, columns = np.nonzero(colours == 0x336699)
        left, top = desktop.logical[0] // 4 * desktop.scale, desktop.logical[1] // 4 * desktop.scale
        assert abs(columns.min() - left) <= 1, "the picture shows what the application painted, where it painted it"
        assert abs(rows.min() - top) <= 1
        places = [(cell.left, cell.top) for cell in cells(width, height)]
        for number, (x, y) in enumerate(places, start=1):
            deed = await started.perform(Click(Point(x, y)), QUICK)
            assert not deed.effect.reason, deed.effect
            _, *there = target.wait_for("press", number)[-1]
            assert [int(float(one) * desktop.scale) for one in there] == [x, y]


@pytest.mark.usefixtures("desktop")
async def test_what_is_typed_arrives_and_nothing_stays_down(target: Target, user: User) -> None:
    async with permitted(user) as started:
        await work(started, target)
        ups, releases = len(target.told("keyup")), len(target.told("release"))
        pictures = [one for one in tree(started.supervisor_pid) if "gst-launch" in "".join(names([one]))]
    assert len(pictures) == 1
    assert not survivors(pictures)
    target.wait_for("keyup", ups + 1)
    target.wait_for("release", releases + 1)
    assert target.told("keyup")[-1] == ["Shift_L"]


async def work(started: SandboxDesktop, target: Target) -> None:
    """Type, scroll, be refused what cannot be done, and leave Shift and a button down."""
    await started.perform(Click(Point(640, 400)), QUICK)
    before = len(target.told("key"))
    assert not (await started.perform(Type("Hello, World!\n"), QUICK)).effect.reason
    typed = [key for (key,) in target.wait_for("key", before + 16)[before:] if key != "Shift_L"]
    assert typed == ["H", "e", "l", "l", "o", "comma", "space", "W", "o", "r", "l", "d", "exclam", "Return"]
    refused = (await started.perform(Type("naïve"), QUICK)).effect
    assert (refused.reason, refused.performed) == ("unsupported", False)
    assert (await started.perform(ClipboardRead(), QUICK)).effect.reason == "unsupported"
    assert (await started.perform(CursorPosition(), QUICK)).effect.output == "640,400"
    await started.perform(Scroll(Point(300, 300), dy=2), QUICK)
    assert target.wait_for("scroll")[0] == ["down"]
    await started.perform(Key(("ctrl", "a")), QUICK)
    await started.perform(KeyDown("shift"), QUICK)
    await started.perform(MouseDown(), QUICK)
    assert (await started.windows((Point(5, 5),))).at == (None,), "no window is told"


@pytest.mark.usefixtures("desktop")
@pytest.mark.parametrize(("answer", "told"), [((False, False), "answered with no"), ((True, False), "allow interaction")])
async def test_who_does_not_permit_it_is_not_worked_for(user: User, answer: tuple[bool, bool], told: str) -> None:
    desktop = SandboxDesktop(HOST)
    with answering(user, *answer), pytest.raises(SandboxRefused, match=told) as refused:
        await desktop.start()
    await desktop.close()
    assert "leave --host away" in str(refused.value)


@pytest.mark.parametrize("desktop", [((1280, 800), 1.0, True)], indirect=True, ids=["GNOME"])
async def test_ended_by_the_desktops_indicator_it_is_interrupted(
    desktop: WaylandDesktop, target: Target, user: User, tmp_path: Path
) -> None:
    script: list[Action] = [Click(Point(640, 400)), KeyDown("shift"), Wait(20_000)]

    def choose(prompt: Prompt) -> Action:
        return script[len(prompt.history.steps)]

    with answering(user):
        run = asyncio.create_task(runner(tmp_path, choose).start(RunRequest("hold", HOST)))
        await asyncio.to_thread(target.wait_for, "key", 2)  # the first is that of the beginning
    await asyncio.sleep(0.5)
    await asyncio.to_thread(user.stop_sharing)
    async with asyncio.timeout(5):
        result = await run
    told = "stopped at the desktop: the desktop has ended the session (its indicator, or its settings)"
    assert result.ended == events.RunEnded("interrupted", told)
    again = User(desktop)
    again.click_and_type(640, 400, ord("a"))
    await asyncio.to_thread(wait_until, lambda: ["a"] in target.told("key"))  # and not A: Shift is up
    again.close()


@pytest.fixture
def dialog(desktop: WaylandDesktop) -> Iterator[subprocess.Popen[str]]:
    """One that asks for a name, and says it."""
    argv = ["zenity", "--entry", "--title", "Order", "--text", "Your name", "--width", "500"]
    variables = {**desktop.variables, "GDK_BACKEND": "wayland"}
    with subprocess.Popen(argv, env=variables, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as there:
        time.sleep(3)  # GNOME brings it up
        yield there
        there.terminate()


@pytest.mark.parametrize("desktop", [((1280, 800), 1.0, True)], indirect=True, ids=["GNOME"])
async def test_the_embedded_model_fills_in_a_dialog(user: User, dialog: subprocess.Popen[str], tmp_path: Path) -> None:
    run = Runner(SessionStore(tmp_path / "sessions"), asker=Yes())
    with answering(user):
        result = await run.start(RunRequest("Enter Anna into the field 'Your name' and click OK", HOST))
    assert result.ended.outcome == "done"
    assert dialog.communicate(timeout=5)[0] == "Anna\n"


class Yes:
    """The user, who lets everything happen."""

    async def ask(self, question: Question) -> Said:
        del question
        return "yes"


def runner(root: Path, choose: Callable[[Prompt], Action]) -> Runner:
    @asynccontextmanager
    async def open_model(choice: ModelChoice, seed: int, restarted: Callable[[str], None]) -> AsyncGenerator[Model]:
        yield ScriptedModel(choose)

    return Runner(SessionStore(root / "sessions"), open_model=open_model, asker=Yes())

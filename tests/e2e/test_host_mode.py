"""Host mode on a stand-in for the user's desktop: one window and nothing else, a stop that works, a clipboard given back."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
from support.executor_rig import client, x_server
from support.host_windows import PaintedWindow
from support.stand_in_desktop import (
    click_into,
    clipboard,
    copy,
    down,
    focus,
    press_chord,
    throw_pointer,
    titles,
    until,
    wait_for_manager,
)
from support.xclient import connect
from Xlib import X

from edgeagent import events
from edgeagent.desktop import SandboxDesktop
from edgeagent.errors import SandboxRefused, StoppedAtDesktop, UsageError
from edgeagent.policy.asking import Question, Said
from edgeagent.policy.gate import FIRST_OF_KIND
from edgeagent.ports import Model, Prompt
from edgeagent.recording import export as exports
from edgeagent.recording.reader import SessionReader
from edgeagent.runner import ModelChoice, Runner, RunRequest
from edgeagent.screen import Screen
from edgeagent.sessions.store import SessionStore
from edgeagent.testing import ScriptedModel
from edgeagent_harness.protocol.actions import (
    Action,
    Batch,
    Click,
    ClipboardRead,
    ClipboardWrite,
    Finish,
    HoldKey,
    Key,
    KeyDown,
    MouseDown,
    Move,
    OpenApp,
    Type,
    Wait,
)
from edgeagent_harness.protocol.geometry import Point, Rect
from edgeagent_harness.protocol.messages import DesktopSpec, HostSpec, SettleSpec

pytestmark = pytest.mark.sandbox
SIZE = (900, 600)
MINE, SECRET = 0x336699, 0xC0FFEE
MINE_BOX, SECRET_BOX = Rect(100, 100, 500, 400), Rect(420, 200, 800, 500)
QUICK = SettleSpec(response_ms=150, quiet_ms=30)


@pytest.fixture
def display(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    home = tmp_path / "user"
    home.mkdir()
    with x_server(*SIZE) as name, client(["openbox", "--sm-disable"], name, home):
        monkeypatch.setenv("DISPLAY", name)
        monkeypatch.delenv("XDG_SESSION_TYPE", raising=False)
        wait_for_manager(name)
        yield name


@pytest.fixture
def windows(display: str) -> Iterator[tuple[PaintedWindow, PaintedWindow]]:
    """The window that a session is about, and one with a secret that overlaps it."""
    mine = PaintedWindow(display, MINE_BOX, "Order form", MINE)
    mine.wait_mapped()
    secret = PaintedWindow(display, SECRET_BOX, "hunter2 statement", SECRET)
    secret.wait_mapped()
    mine.start()
    secret.start()
    yield mine, secret
    mine.stop()
    secret.stop()


def runner(root: Path, choose: Callable[[Prompt], Action], on_frame: Callable[[str, Screen], None] | None = None) -> Runner:
    @asynccontextmanager
    async def open_model(choice: ModelChoice, seed: int, restarted: Callable[[str], None]) -> AsyncGenerator[Model]:
        yield ScriptedModel(choose)

    return Runner(SessionStore(root / "sessions"), open_model=open_model, asker=Yes(), on_frame=on_frame)


class Yes:
    """The user, who lets everything happen."""

    def __init__(self) -> None:
        self.asked: list[Question] = []

    async def ask(self, question: Question) -> Said:
        self.asked.append(question)
        return "yes"


async def test_a_secret_beside_the_window_is_nowhere(
    windows: tuple[PaintedWindow, PaintedWindow], tmp_path: Path, display: str
) -> None:
    """It overlaps the window, is moved over it all the time, and what the user copied is a secret, too."""
    mine, secret = windows
    copy("hunter2 copied")
    screens: list[Screen] = []
    prompts: list[Prompt] = []
    over, aside = Point(600, 450), Point(200, 200)
    script: list[Action] = [
        Click(aside),
        Type("order"),
        Click(over),
        ClipboardRead(),
        Click(Point(450, 300), button="middle"),
        Key(("ctrl", "v")),
        OpenApp("mousepad"),
        *[Move(Point(150 + 10 * number, 150)) for number in range(3)],
        Finish(),
    ]

    def choose(prompt: Prompt) -> Action:
        prompts.append(prompt)
        return script[len(prompt.history.steps)]

    stop = asyncio.Event()
    moving = asyncio.create_task(restless(secret, stop))
    run = runner(tmp_path, choose, on_frame=lambda _, screen: screens.append(screen))
    result = await run.start(RunRequest("fill in the order form", DesktopSpec(host=HostSpec(window="order form"))))
    stop.set()
    await moving
    assert result.ended.outcome == "done", result.ended
    directory = tmp_path / "sessions" / result.session
    with SessionReader.open(directory) as reader:
        steps = reader.steps()
        frames = [reader.frame(frame) for step in steps for frame in (step.frame_before, step.frame_after)]
    assert [step.effect.reason for step in steps[2:3]] == ["forbidden"], "the other window is not touched"
    assert steps[3].effect.output == ""
    assert steps[6].effect.status == "refused"
    assert len(frames) > 15
    for pixels, width, height in (
        *((frame.pixels, frame.width, frame.height) for frame in frames),
        *((screen.pixels, screen.info.width, screen.info.height) for screen in (*screens, *(one.screen for one in prompts))),
    ):
        colours = np.frombuffer(pixels, "<u4").reshape(height, width) & 0xFFFFFF
        assert not (colours == SECRET).any()
    assert any((np.frombuffer(frame.pixels, "<u4") & 0xFFFFFF == MINE).any() for frame in frames), "its own window shows"
    assert not secret.presses
    assert not secret.keys
    assert mine.presses
    for format_name in ("html", "atif", "osworld"):
        exports.export(directory, format_name, tmp_path / "out" / format_name)
    look_through(tmp_path)
    await until(lambda: clipboard() == "hunter2 copied")  # it is given back


def look_through(root: Path) -> None:
    for path in root.rglob("*"):
        if path.is_file() and "user" not in path.parts:
            data = path.read_bytes()
            assert b"hunter2" not in data, path
            assert b"statement" not in data, path


async def restless(window: PaintedWindow, stop: asyncio.Event) -> None:
    """The user drags the window to and fro over the other one."""
    number = 0
    while not stop.is_set():
        number += 1
        window.move(420 + 40 * (number % 5), 200 + 30 * (number % 3))
        await asyncio.sleep(0.3 if number % 6 == 0 else 0.02)  # in bursts: a screen that never rests is waited for


async def test_keys_stop_where_the_keyboard_goes_elsewhere(windows: tuple[PaintedWindow, PaintedWindow], display: str) -> None:
    mine, secret = windows
    async with SandboxDesktop(DesktopSpec(host=HostSpec(window="Order", border=False))) as desktop:
        focus(display, secret)
        deed = await desktop.perform(Type("not for you"), QUICK)
        assert (deed.effect.reason, deed.effect.performed) == ("forbidden", False)
        assert "click into yours first" in deed.effect.message
        await desktop.perform(Click(Point(200, 200)), QUICK)
        typing = asyncio.create_task(desktop.perform(Type("slowly " * 400), QUICK))
        await until(lambda: bool(mine.keys))
        focus(display, secret)
        deed = await typing
        assert deed.effect.reason == "forbidden"
    await asyncio.sleep(0.2)
    assert mine.keys
    assert not secret.keys
    assert down(display) == (0, 0)


@pytest.mark.parametrize("wanted", ["nothing like it", "e"])
async def test_a_window_must_be_the_only_one_of_its_name(windows: tuple[PaintedWindow, PaintedWindow], wanted: str) -> None:
    with pytest.raises(UsageError, match="Order form"):
        await SandboxDesktop(DesktopSpec(host=HostSpec(window=wanted))).start()


# -- the user's stop ----------------------------------------------------------------------------------------------------------


def into_the_corner(display: str) -> None:
    throw_pointer(display, 0, 0)


def stop_key(display: str) -> None:
    press_chord(display, ("Control_L", "Alt_L", "Escape"))


@pytest.mark.parametrize("stop", [into_the_corner, stop_key])
@pytest.mark.parametrize("hung", [False, True], ids=["answering", "hung"])
async def test_the_user_stops_it_at_the_desktop(
    windows: tuple[PaintedWindow, PaintedWindow], display: str, stop: Callable[[str], None], hung: bool
) -> None:
    """Also while the supervisor is stopped by SIGSTOP."""
    async with SandboxDesktop(DesktopSpec(host=HostSpec(border=False))) as desktop:
        holding = asyncio.create_task(
            desktop.perform(Batch((Move(Point(200, 200)), KeyDown("shift"), MouseDown(), Wait(20_000))), QUICK)
        )
        await until(lambda: down(display) == (1, 1))
        if hung:
            os.kill(desktop.supervisor_pid, 19)
        stop(display)
        began_s = time.monotonic()
        await until(lambda: down(display) == (0, 0))
        took_s = time.monotonic() - began_s
        await asyncio.sleep(0.3)
        assert down(display) == (0, 0), "and nothing is pressed again"
        if hung:
            os.kill(desktop.supervisor_pid, 18)
        with pytest.raises(StoppedAtDesktop, match="stopped at the desktop"):
            await holding
    assert took_s < 1, "how quick it is, scripts/stop_benchmark.py measures"


async def test_a_stopped_run_can_be_resumed(windows: tuple[PaintedWindow, PaintedWindow], display: str, tmp_path: Path) -> None:
    def choose(prompt: Prompt) -> Action:
        return HoldKey(("shift",), 15_000) if not prompt.history.steps else Finish(reason="written")

    run = asyncio.create_task(
        runner(tmp_path, choose).start(RunRequest("hold", DesktopSpec(host=HostSpec(window="Order", border=False))))
    )
    click_into(display, Point(200, 200))
    await until(lambda: down(display) == (1, 0), 15)
    into_the_corner(display)
    result = await run
    assert result.ended == events.RunEnded("interrupted", "stopped at the desktop: the pointer was thrown into a corner")
    assert [summary.state for summary in SessionStore(tmp_path / "sessions").summaries()] == ["interrupted"]
    into_the_corner(display)  # it rests there now: that alone is no stop
    result = await runner(tmp_path, choose).resume(result.session)
    assert result.ended.outcome == "done"


async def test_the_corners_are_the_users(display: str) -> None:
    async with SandboxDesktop(DesktopSpec(host=HostSpec(border=False))) as desktop:
        for corner in (Point(0, 0), Point(SIZE[0] - 1, 1), Point(2, SIZE[1] - 1), Point(SIZE[0] - 1, SIZE[1] - 1)):
            deed = await desktop.perform(Move(corner), QUICK)
            assert (deed.effect.reason, deed.effect.performed) == ("forbidden", False)
        assert not desktop.is_lost


async def test_a_key_that_is_none_is_told(display: str) -> None:
    with pytest.raises(UsageError, match=r"no key is called 'ctrl\+nokey'"):
        await SandboxDesktop(DesktopSpec(host=HostSpec(stop_key="ctrl+nokey"))).start()


# -- clipboard, border, questions -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("copied_meanwhile", [False, True])
async def test_the_users_clipboard_is_given_back(display: str, copied_meanwhile: bool) -> None:
    copy("mine, Zoë 日本")
    async with SandboxDesktop(DesktopSpec(host=HostSpec(border=False))) as desktop:
        await desktop.perform(ClipboardWrite("the agent's"), QUICK)
        assert clipboard() == "the agent's"
        if copied_meanwhile:
            await asyncio.sleep(0.8)
            copy("mine, later")
            await asyncio.sleep(0.2)
            await desktop.perform(ClipboardWrite("the agent's again"), QUICK)
    expected = "mine, later" if copied_meanwhile else "mine, Zoë 日本"
    await until(lambda: clipboard() == expected)


async def test_a_border_shows_that_it_is_at_work(windows: tuple[PaintedWindow, PaintedWindow], display: str) -> None:
    def border() -> list[Rect]:
        connection = connect(display)
        found: list[Rect] = []
        for window in connection.screen().root.query_tree().children:
            if window.get_wm_name() == "edgeagent is at work here" and window.get_attributes().map_state == X.IsViewable:
                size = window.get_geometry()
                found.append(Rect(size.x, size.y, size.x + size.width, size.y + size.height))
        connection.close()
        return found

    mine, _ = windows
    async with SandboxDesktop(DesktopSpec(host=HostSpec(window="Order"))) as desktop:
        await desktop.observe()
        before = border()
        assert len(before) == 4
        mine.move(60, 140)
        await asyncio.sleep(0.2)
        screen = (await desktop.observe()).screen
        after = border()
        assert {box.left for box in after} != {box.left for box in before}, "it goes with the window"
        colours = np.frombuffer(screen.pixels, "<u4").reshape(SIZE[1], SIZE[0]) & 0xFFFFFF
        assert colours[250, 200] == MINE
        await desktop.perform(Click(Point(200, 250)), QUICK)
    await until(lambda: not border())
    assert sorted(min(box.width, box.height) for box in after) == [4] * 4


async def test_the_user_is_asked_once_for_each_kind(windows: tuple[PaintedWindow, PaintedWindow], tmp_path: Path) -> None:
    script = [Click(Point(200, 200)), Click(Point(210, 210)), Type("a"), Click(Point(220, 220)), Type("b"), Wait(1), Finish()]
    run = runner(tmp_path, lambda prompt: script[len(prompt.history.steps)])
    asker = run.asker
    assert isinstance(asker, Yes)
    result = await run.start(RunRequest("t", DesktopSpec(host=HostSpec(window="Order", border=False))))
    assert result.ended.outcome == "done"
    assert [question.rule for question in asker.asked] == [FIRST_OF_KIND] * 2
    assert [question.action.split()[0] for question in asker.asked] == ["click", "type"]


# -- where there is no such desktop ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"DISPLAY": ""}, "there is no desktop here"),
        ({"DISPLAY": "", "WAYLAND_DISPLAY": "wayland-0"}, "this is a Wayland session"),
        ({"DISPLAY": ":77", "XDG_SESSION_TYPE": "wayland"}, "this is a Wayland session"),
        ({"DISPLAY": ":77"}, "the display :77 cannot be reached"),
    ],
)
async def test_what_cannot_be_driven_is_told(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], told: str) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "XDG_SESSION_TYPE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SandboxRefused, match=told) as refused:
        await SandboxDesktop(DesktopSpec(host=HostSpec())).start()
    assert "leave --host away" in str(refused.value)


def test_every_pixel_that_is_seen_is_the_one_that_is_clicked() -> None:
    """As `scripts/host_pixel_table.py` measures it: several monitors, scales from 1 to 2, offsets below zero."""
    script = Path(__file__).parents[2] / "scripts" / "host_pixel_table.py"
    done = subprocess.run(
        [sys.executable, script, "--points", "4", "--arrangements", "1", "--json"], capture_output=True, text=True, timeout=240
    )
    rows = json.loads(done.stdout)
    assert [row["scales"] for row in rows[:1]] == ["1x 1.5x 2x"]
    assert len(rows) == 7
    assert all(row["exact"] == row["points"] > 0 and row["worst_px"] == 0 for row in rows), rows
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.slow
@pytest.mark.browser
async def test_the_embedded_model_fills_a_form_in_the_users_own_browser(display: str, tmp_path: Path) -> None:
    page = tmp_path / "form.html"
    answer = "document.querySelector('h1').textContent='Thank you '+n.value; document.title='Order form sent '+n.value"
    page.write_text(
        "<title>Order form</title><h1>Order</h1><p><label>Your name <input id=n></label></p>"
        f'<p><button onclick="{answer}">Send</button></p>'
    )
    argv = ["chromium", "--no-sandbox", "--no-first-run", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}"]
    with client([*argv, f"--app=file://{page}"], display, tmp_path / "user"):
        await until(lambda: any("Order form" in one for one in titles(display)), 20)
        run = Runner(SessionStore(tmp_path / "sessions"), asker=Yes())
        spec = DesktopSpec(host=HostSpec(window="Order form"))
        result = await run.start(RunRequest("Enter Anna into the field 'Your name' and click Send", spec))
        assert "Order form sent Anna" in titles(display), result.ended
    assert result.ended.outcome == "done"

"""From the terminal app a session moves to a real backend in mid-run, is followed, answered and stopped there, and comes back."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import psutil
import pytest
from support import form_run
from support.cloud import Backend, backend
from support.cut_proxy import CutProxy
from support.terminal import begin, facts, status, titles, until
from textual.pilot import Pilot
from textual.widgets import DataTable, Input, Static

from edgeagent import events
from edgeagent.sessions.leaving import LEAVE_NAME
from edgeagent.sessions.store import SessionStore
from edgeagent.sessions.whereabouts import keep_whereabouts, whereabouts
from edgeagent.teleport.backends import Connected, keep_backend
from edgeagent.testing import FakeClock
from edgeagent.tui.app import EdgeAgentApp
from edgeagent.tui.dialog import ChoiceScreen, TellScreen
from edgeagent.tui.follow_screen import FollowScreen
from edgeagent.tui.following import FollowThread
from edgeagent.tui.home import HomeScreen
from edgeagent.tui.moving import MoveThread
from edgeagent.tui.session_screen import SessionScreen
from edgeagent.tui.teleport_screen import TeleportScreen
from edgeagent.tui.timeline_view import TimelineView
from edgeagent_harness.protocol.messages import DesktopSpec, HostSpec


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Backend]:
    monkeypatch.setenv("EDGEAGENT_HOME", str(tmp_path / "client"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv(form_run.WITNESS_VARIABLE, str(tmp_path / "witness"))
    monkeypatch.setenv(form_run.PACE_VARIABLE, "0.2")
    monkeypatch.setenv(form_run.HOLD_VARIABLE, str(tmp_path / "hold-here"))
    (tmp_path / "hold-here").write_text("3")
    with backend(tmp_path / "cloud", {form_run.PACE_VARIABLE: "0.1", form_run.HOLD_VARIABLE: str(tmp_path / "hold")}) as made:
        yield made


def hold(world: Backend, steps: int | None) -> None:
    """Let the model there decide on so many steps and no more; None: on any."""
    path = world.data.with_name("hold")
    if steps is None:
        path.unlink()
    else:
        path.with_suffix(".new").write_text(str(steps))
        path.with_suffix(".new").rename(path)


async def connected(world: Backend) -> None:
    keep_backend("attic", await world.connected())


def app_here() -> EdgeAgentApp:
    return EdgeAgentApp(lambda: form_run.make(SessionStore()))


def submissions() -> list[list[object]]:
    path = Path(os.environ[form_run.WITNESS_VARIABLE])
    return [json.loads(line)["form"] for line in path.read_text().splitlines()] if path.exists() else []


def words(pilot: Pilot[None]) -> str:
    return "\n".join(str(line.render()) for line in pilot.app.screen.query(Static))


async def another(pilot: Pilot[None], *earlier: SessionScreen) -> SessionScreen:
    """The screen of a session that is none of ``earlier``, once it stands."""
    await until(pilot, lambda: isinstance(pilot.app.screen, SessionScreen) and pilot.app.screen not in earlier)
    screen = pilot.app.screen
    assert isinstance(screen, SessionScreen)
    await until(pilot, lambda: bool(screen.query("#status")))
    return screen


def steps_shown(screen: SessionScreen | FollowScreen) -> int:
    shown = screen.query(TimelineView)
    return sum("→" in row.title for row in shown.first().rows) if shown else 0


async def asked(pilot: Pilot[None], text: str) -> TeleportScreen:
    """The screen of the move, once it asks ``text``."""
    await until(pilot, lambda: isinstance(pilot.app.screen, TeleportScreen) and text in words(pilot))
    assert isinstance(pilot.app.screen, TeleportScreen)
    return pilot.app.screen


async def follows(pilot: Pilot[None]) -> FollowScreen:
    await until(pilot, lambda: isinstance(pilot.app.screen, FollowScreen) and bool(pilot.app.screen.query("#status")))
    assert isinstance(pilot.app.screen, FollowScreen)
    return pilot.app.screen


async def test_there_in_mid_run_and_back(world: Backend) -> None:
    await connected(world)
    hold(world, 7)
    app = app_here()
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await begin(pilot, "fill in the form and send it")
        await until(pilot, lambda: steps_shown(screen) >= 2)
        await pilot.press("t")
        await asked(pilot, "It runs: its step finishes first")
        await pilot.press("y")
        directory = screen.directory
        assert directory is not None
        await until(pilot, (directory / LEAVE_NAME).exists, 60)
        world.data.with_name("hold-here").unlink()
        moving = await asked(pilot, "May this leave for attic?")
        listed = [line.text for line in moving.query_one("#leaves").lines]  # pyright: ignore[reportAttributeAccessIssue]
        assert any("events.jsonl" in line for line in listed)
        assert "stopped after" in status(screen), "the step under way was finished, and the run here has ended"
        assert steps_shown(screen) == 4
        assert whereabouts(directory).phase == "here", "nothing has left yet"
        await pilot.press("y")
        there = await follows(pilot)
        assert whereabouts(directory).phase == "there"
        await until(pilot, lambda: steps_shown(there) == 7)
        assert "at attic: running" in status(there)
        assert any(title == "handed over to cloud" for title in titles(there))
        await pilot.press("t")
        await until(pilot, lambda: isinstance(app.screen, TeleportScreen) and "▶ the step there ends" in words(pilot))
        await pilot.pause(0.5)
        hold(world, None)
        back = await another(pilot, screen)
        await until(pilot, lambda: "recorded" in status(back))
        assert any(title == "taken back from attic" for title in titles(back))
        await pilot.press("f7")
        last = await another(pilot, screen, back)
        await until(pilot, lambda: "done after 10 steps" in status(last))
    assert submissions() == [[*form_run.TEXTS, True]]
    done = [fact.step for fact in facts(SessionStore().root) if isinstance(fact, events.Acted)]
    assert done == list(range(1, 11))


async def stopped_here(pilot: Pilot[None], steps: int, mode: str = "") -> SessionScreen:
    """A session that was stopped after so many steps (0: where it asks first)."""
    screen = await begin(pilot, "fill in the form and send it", mode)
    await until(pilot, lambda: steps_shown(screen) >= steps)
    await pilot.press("escape")
    await until(pilot, lambda: "interrupted" in status(screen) and not screen.running)
    return screen


async def moved(pilot: Pilot[None], world: Backend, mode: str = "", steps: int = 1) -> FollowScreen:
    """A session of so many steps here (or that waits for its user), which then went to the backend."""
    await connected(world)
    await stopped_here(pilot, steps, mode)
    await pilot.press("t")
    await asked(pilot, "May this leave for attic?")
    await pilot.press("y")
    return await follows(pilot)


@pytest.mark.slow
async def test_what_waits_there_is_asked_here_and_the_answer_arrives(world: Backend) -> None:
    hold(world, 5)
    app = app_here()
    async with app.run_test(size=(80, 24)) as pilot:
        there = await moved(pilot, world)
        assert there.directory is not None
        await until(pilot, lambda: steps_shown(there) == 5)
        await pilot.press("s")
        await pilot.pause(0.5)
        hold(world, None)
        await until(pilot, lambda: "at attic: stopped" in status(there))
        before = steps_shown(there)
        await pilot.press("f6")
        await pilot.press(*"on")
        await pilot.press("enter")
        await until(pilot, lambda: "you: on" in titles(there))
        await until(pilot, lambda: steps_shown(there) > before)
        await until(pilot, lambda: "at attic: done: sent" in status(there), 60)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, HomeScreen) and bool(app.screen.query("#sessions")))
        table = app.screen.query_one("#sessions", DataTable)
        await until(pilot, lambda: table.row_count == 1 and "at attic" in table.get_row_at(0))
        table.focus()
        await pilot.press("enter")
        again = await follows(pilot)
        await until(pilot, lambda: "at attic: done: sent" in status(again))
        assert steps_shown(again) == 10
    assert len(submissions()) == 1
    assert whereabouts(there.directory).phase == "there"


async def test_an_approval_there(world: Backend) -> None:
    policy = world.data.parent / "asks.yaml"
    send = "{left: 10, top: 160, right: 100, bottom: 182}"
    policy.write_text(f"gate:\n  rules:\n    - {{decision: ask, name: before sending, regions: [{send}]}}\n")
    app = app_here()
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, HomeScreen))
        app.screen.query_one("#policy", Input).value = str(policy)
        there = await moved(pilot, world)
        await until(pilot, lambda: isinstance(app.screen, ChoiceScreen) and bool(app.screen.query("#choices")), 60)
        assert "attic asks: May this be done? click" in words(pilot)
        assert submissions() == []
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is there)
        assert "WAITS FOR YOU" in status(there)
        await pilot.press("y")
        await until(pilot, lambda: isinstance(app.screen, ChoiceScreen) and bool(app.screen.query("#choices")))
        await pilot.press("up", "up", "enter")  # from letting it wait, where the cursor is
        await until(pilot, lambda: "at attic: done: sent" in status(there), 60)
        assert any(title.startswith("you permitted, once: click") for title in titles(there))
    assert len(submissions()) == 1


async def test_a_cut_upload_says_whose_it_is_and_the_same_key_goes_on(world: Backend) -> None:
    known = await world.connected()
    app = app_here()
    async with CutProxy(world.port, random.Random(1)) as proxy, app.run_test(size=(80, 24)) as pilot:
        keep_backend("attic", msgspec.structs.replace(known, url=f"http://127.0.0.1:{proxy.listening}"))
        screen = await stopped_here(pilot, 1)
        assert screen.directory is not None
        (screen.directory / "home" / "large").write_bytes(random.Random(1).randbytes(6 << 20))
        proxy.cut_after = 3_500_000
        await pilot.press("t")
        await asked(pilot, "May this leave for attic?")
        await pilot.press("y")
        await asked(pilot, "It did not come through: the backend cannot be reached")
        assert "The session is yours, and here. Moving it to attic again goes on where this ended." in words(pilot)
        assert whereabouts(screen.directory).here
        proxy.cut_after = -1
        await pilot.press("t")
        there = await follows(pilot)
        await until(pilot, lambda: "at attic: running" in status(there), 60)
    assert whereabouts(screen.directory).phase == "there"


@pytest.mark.slow
async def test_letting_go_in_mid_upload_and_keeping_a_hand_over_that_was_cut_off(world: Backend) -> None:
    await connected(world)
    app = app_here()
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await stopped_here(pilot, 1)
        directory = screen.directory
        assert directory is not None
        (directory / "home" / "large").write_bytes(random.Random(1).randbytes(120 << 20))
        await pilot.press("t")
        await asked(pilot, "May this leave for attic?")
        await pilot.press("y")
        await until(pilot, lambda: "it is sent" in words(pilot) and "▶ it is sent" in words(pilot))
        await pilot.press("ctrl+c")
        await asked(pilot, "Let go.")
        assert "The session is yours, and here." in words(pilot)
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is screen)
        keep_whereabouts(directory, msgspec.structs.replace(whereabouts(directory), phase="handing_over"))
        await pilot.press("t")
        await asked(pilot, "Only attic knows whether it has taken the session over")
        await pilot.press("k")
        await until(pilot, lambda: app.screen is screen)
        assert whereabouts(directory).phase == "here"
        await pilot.press("f7")
        again = await another(pilot, screen)
        await until(pilot, lambda: steps_shown(again) >= 1)
        await pilot.press("escape")
        await until(pilot, lambda: "interrupted" in status(again) and not again.running)


def test_letting_go_at_any_moment_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEAGENT_HOME", str(tmp_path))
    keep_backend("attic", Connected("http://127.0.0.1:9", "token", "", ""))
    with SessionStore().create(FakeClock()) as session:
        spec = DesktopSpec(320, 220)
        session.writer.take_over(events.SessionCreated(task="press", model="embedded", desktop=spec, version="0"), 0.0)
    before = {child.pid for child in psutil.Process().children()}
    for delay_s in (0.0, 0.01, 0.1, 0.3, 1.0):
        for thread in (FollowThread(session.directory, "attic", 1), MoveThread(session.directory, "attic", "pull")):
            thread.start()
            time.sleep(delay_s)
            thread.stop() if isinstance(thread, FollowThread) else thread.cancel()
            assert thread.join(20)
    assert {child.pid for child in psutil.Process().children()} <= before


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (
            DesktopSpec(320, 220, policy_yaml="teleport: deny", policy_name="mine"),
            ["mine says teleport: deny", "change the policy"],
        ),
        (DesktopSpec(320, 220, offline=True), ["is offline", "cannot be undone"]),
        (DesktopSpec(320, 220, host=HostSpec()), ["this machine's own desktop", "begin in a sandbox"]),
    ],
    ids=["policy", "offline", "host"],
)
async def test_a_refusal_says_why_and_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spec: DesktopSpec, said: list[str]
) -> None:  # fmt: skip
    await refused(tmp_path, monkeypatch, spec, "embedded", said)


async def test_a_server_as_model_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = ["decided by a server", "another model"]
    await refused(tmp_path, monkeypatch, DesktopSpec(320, 220), "openai:http://127.0.0.1:1/v1#m", said)


def test_in_offline_mode_nothing_leaves(tmp_path: Path) -> None:
    with SessionStore(tmp_path / "sessions").create(FakeClock()) as session:
        spec = DesktopSpec(320, 220)
        session.writer.take_over(events.SessionCreated(task="press", model="embedded", desktop=spec, version="0"), 0.0)
    environment = {**os.environ, "EDGEAGENT_HOME": str(tmp_path), "EDGEAGENT_OFFLINE": "1"}
    push = [sys.executable, "-m", "edgeagent", "teleport", "push", session.id]
    said = subprocess.run(push, env=environment, capture_output=True, text=True, timeout=60)
    assert said.returncode == 5
    assert "start edgeagent without --offline" in said.stderr


async def refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spec: DesktopSpec, model: str, said: list[str]) -> None:
    monkeypatch.setenv("EDGEAGENT_HOME", str(tmp_path))
    with SessionStore().create(FakeClock()) as session:
        await session.writer.emit(events.SessionCreated(task="press", model=model, desktop=spec, version="0"))
    app = app_here()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.app.push_screen(SessionScreen(session.directory))
        await pilot.press("t")
        await until(pilot, lambda: isinstance(app.screen, TellScreen))
        told = words(pilot)
        assert all(part in told for part in ["It cannot be moved", *said]), told
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, SessionScreen))


@pytest.mark.slow
async def test_of_several_backends_one_is_chosen_and_no_means_no(world: Backend) -> None:
    known = await world.connected()
    keep_backend("attic", known)
    keep_backend("cellar", known)
    app = app_here()
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await stopped_here(pilot, 1)
        await pilot.press("t")
        await until(pilot, lambda: isinstance(app.screen, ChoiceScreen) and bool(app.screen.query("#choices")))
        await pilot.press("down", "enter")
        await asked(pilot, "May this leave for cellar?")
        await pilot.press("n")
        await until(pilot, lambda: app.screen is screen)
        assert screen.directory is not None
        assert whereabouts(screen.directory).phase == "here"


@pytest.mark.slow
async def test_a_backend_that_is_gone_for_a_while_is_followed_again(world: Backend) -> None:
    hold(world, 5)
    app = app_here()
    async with app.run_test(size=(120, 40)) as pilot:
        there = await moved(pilot, world)
        await until(pilot, lambda: "at attic: running" in status(there))
        world.kill()
        await until(pilot, lambda: "not followed at the moment" in status(there), 60)
        hold(world, None)
        world.start()
        await until(pilot, lambda: "at attic: done: sent" in status(there), 60)
        assert steps_shown(there) == 10
    assert len(submissions()) == 1

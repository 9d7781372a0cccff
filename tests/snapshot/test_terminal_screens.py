"""Every screen of the terminal app looks as it did, in three sizes and two themes: SVG pictures, compared letter by letter.

A change that is wanted: ``UPDATE_SNAPSHOTS=1 pytest tests/snapshot``, then look at what changed (`gunzip -c … > x.svg`).
"""

from __future__ import annotations

import gzip
import os
import re
import shutil
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from support.terminal import SlowModel, make_app, until
from textual.pilot import Pilot
from textual.widgets import DataTable, Input, Static, TabbedContent, TextArea

from edgeagent import events
from edgeagent.agents.agent import Agent, AgentLimits, AgentStart
from edgeagent.errors import TeleportRefused, UsageError
from edgeagent.policy.asking import Question
from edgeagent.sessions.branching import undone_by_rewind
from edgeagent.sessions.store import SessionStore
from edgeagent.sessions.whereabouts import Whereabouts, keep_whereabouts
from edgeagent.settings import Settings
from edgeagent.teleport.backends import Connected
from edgeagent.teleport.progress import Entered, Moved
from edgeagent.teleport.wire import Standing
from edgeagent.tui.agents_screen import AgentsScreen
from edgeagent.tui.asking import AskScreen
from edgeagent.tui.choices import MODE_CHOICES
from edgeagent.tui.compare_screen import CompareScreen
from edgeagent.tui.connect_screen import ConnectScreen
from edgeagent.tui.dialog import ChoiceScreen, LineScreen, TellScreen
from edgeagent.tui.editing import EditScreen
from edgeagent.tui.follow_screen import FollowScreen, question_there
from edgeagent.tui.following import Stood
from edgeagent.tui.frame_view import FrameView
from edgeagent.tui.moving import Over, Progressed, Way
from edgeagent.tui.policy_screen import PolicyScreen
from edgeagent.tui.rewinding import question
from edgeagent.tui.session_screen import SessionScreen
from edgeagent.tui.settings_screen import SettingsScreen
from edgeagent.tui.teleport_screen import TeleportScreen
from edgeagent.tui.teleporting import refusal_lines
from edgeagent.tui.tour import TourScreen
from edgeagent.tui.watching import WatchScreen
from edgeagent_harness.protocol.actions import Click
from edgeagent_harness.protocol.geometry import Point

GOLDEN = Path(__file__).parents[1] / "golden" / "session_v1"
KEPT = Path(__file__).with_name("terminal")
SIZES = ((80, 24), (120, 40), (200, 60))
THEMES = ("edgeagent-dark", "edgeagent-light")
NAMES = ("20260102-030405-aaaaaa", "20260102-030406-bbbbbb")
QUESTION = Question(
    "click button 'Submit'", "mode ask", ("chromium", "shop.example"), proposed=Click(Point(320, 200)),
    again="the very same in this place",
)  # fmt: skip
AGENTS = {
    "forms": Agent(
        "forms", "/nonexistent/edgeagent/agents/forms.toml", "Fills in forms, asks before it opens anything",
        "Write dates as 2026-11-30.\nLeave fields empty that the task does not name.", mode="ask", policy="forms.yaml",
        actions=("click", "scroll", "type", "key", "open_url"), ask=("open_url",), limits=AgentLimits(40, 300.0),
        start=AgentStart(url="http://forms.localhost/"),
    ),
    "looker": Agent("looker", "/nonexistent/edgeagent/agents/looker.toml", "Only looks", mode="plan"),
    "old": UsageError("/nonexistent/edgeagent/agents/old.toml, line 3: unknown key 'tools'", "did you mean model?"),
}  # fmt: skip
BROKEN = "version: 1\ngate:\n  mode: ask\n  rules:\n    - {decision: deny, text: ['(a']}\n"
Opener = Callable[[Pilot[None], Path], Awaitable[None]]


async def home(pilot: Pilot[None], root: Path) -> None:
    await until(pilot, lambda: bool(pilot.app.screen.query("#sessions")))
    await until(pilot, lambda: pilot.app.screen.query_one("#sessions", DataTable).row_count == len(NAMES))
    pilot.app.screen.query_one("#sessions").focus()


async def session(pilot: Pilot[None], root: Path) -> None:
    await pilot.app.push_screen(SessionScreen(root / NAMES[0]))
    screen = pilot.app.screen
    assert isinstance(screen, WatchScreen)
    await until(pilot, lambda: screen.outcome == "recorded")
    await pilot.press("up", "up")


async def close_up(pilot: Pilot[None], root: Path) -> None:
    await session(pilot, root)
    await pilot.press("f4", "f5")


async def help_(pilot: Pilot[None], root: Path) -> None:
    await session(pilot, root)
    await pilot.press("f1")


async def compare(pilot: Pilot[None], root: Path) -> None:
    await pilot.app.push_screen(CompareScreen(root / NAMES[0], root / NAMES[1]))
    await until(pilot, lambda: pilot.app.screen.query_one(DataTable).row_count > 0)


async def ask(pilot: Pilot[None], root: Path) -> None:
    await session(pilot, root)
    await pilot.app.push_screen(AskScreen(QUESTION, (640, 400)))


async def edit(pilot: Pilot[None], root: Path) -> None:
    assert QUESTION.proposed is not None
    await pilot.app.push_screen(EditScreen(QUESTION.proposed, (640, 400)))


async def mode(pilot: Pilot[None], root: Path) -> None:
    await pilot.app.push_screen(ChoiceScreen("Mode", MODE_CHOICES, "ask"))


async def model(pilot: Pilot[None], root: Path) -> None:
    await pilot.app.push_screen(LineScreen("Which model is to go on?", "embedded, or a GGUF file", "embedded"))


async def policy(pilot: Pilot[None], root: Path) -> None:
    await pilot.app.push_screen(PolicyScreen.of_choice("web"))


async def policy_text(pilot: Pilot[None], root: Path) -> None:
    await pilot.app.push_screen(PolicyScreen("/home/me/shop.yaml", BROKEN))
    pilot.app.screen.query_one(TabbedContent).active = "text"
    await pilot.pause()
    pilot.app.screen.query_one(TextArea).focus()


async def agents(pilot: Pilot[None], root: Path) -> None:
    await pilot.app.push_screen(AgentsScreen("forms", AGENTS))


async def settings(pilot: Pilot[None], root: Path) -> None:
    await pilot.app.push_screen(SettingsScreen())


async def tour(pilot: Pilot[None], root: Path) -> None:
    await pilot.app.push_screen(TourScreen())


def move(root: Path, way: Way = "push") -> TeleportScreen:
    return TeleportScreen(root / NAMES[0], "attic", "https://attic.example:8470", way)


async def teleport(pilot: Pilot[None], root: Path) -> None:
    await pilot.app.push_screen(move(root))
    await until(pilot, lambda: bool(pilot.app.screen.query_one("#yes").region))


async def sending(pilot: Pilot[None], root: Path) -> None:
    await teleport(pilot, root)
    screen = pilot.app.screen
    assert isinstance(screen, TeleportScreen)
    screen.say_words("")
    for progress in (
        Entered("preparing", NAMES[0], "attic"), Entered("uploading", NAMES[0], "attic"), Moved(3_400_000, 9_100_000, 120_000),
    ):  # fmt: skip
        screen.hear(Progressed(progress))


async def cut_off(pilot: Pilot[None], root: Path) -> None:
    await sending(pilot, root)
    screen = pilot.app.screen
    assert isinstance(screen, TeleportScreen)
    keep_whereabouts(root / NAMES[0], Whereabouts("uploading", "attic"))
    screen.hear(Over("the backend cannot be reached: connection reset", "do the same again once it can be"))


async def returning(pilot: Pilot[None], root: Path) -> None:
    await pilot.app.push_screen(move(root, "pull"))
    screen = pilot.app.screen
    assert isinstance(screen, TeleportScreen)
    await until(pilot, lambda: "no backend is called" in str(screen.query_one("#teleport-words", Static).render()))


async def follow(pilot: Pilot[None], root: Path) -> None:
    keep_whereabouts(root / NAMES[0], Whereabouts("there", "attic", 1))
    await pilot.app.push_screen(FollowScreen(root / NAMES[0]))
    screen = pilot.app.screen
    assert isinstance(screen, FollowScreen)
    await until(pilot, lambda: "no backend is called" in screen.now_words())
    await pilot.press("up", "up")
    screen.hear(Stood(Standing(NAMES[0], "running", "cloud", 1, 30, 3, "", "")))
    screen.show_status()


async def waits_there(pilot: Pilot[None], root: Path) -> None:
    await session(pilot, root)
    standing = Standing(NAMES[0], "idle", "cloud", 1, 31, 3, "", "", "needs_user")
    verdict = events.Verdict(False, "before sending", "to be approved (before sending)", action=QUESTION.proposed)
    await pilot.app.push_screen(question_there("attic", standing, verdict))


async def rewind(pilot: Pilot[None], root: Path) -> None:
    await session(pilot, root)
    await pilot.app.push_screen(question(undone_by_rewind(SessionStore(root), NAMES[0], 1), 1))


async def refused(pilot: Pilot[None], root: Path) -> None:
    await session(pilot, root)
    problem = TeleportRefused("in offline mode nothing leaves this machine", "start edgeagent without --offline, then press T")
    await pilot.app.push_screen(TellScreen("It cannot be moved", refusal_lines(problem)))


async def connect(pilot: Pilot[None], root: Path) -> None:
    await session(pilot, root)
    await pilot.app.push_screen(ConnectScreen())
    for name, said in (("name", "attic"), ("url", "https://backend.example:8470"), ("token", "x" * 40)):
        pilot.app.screen.query_one(f"#{name}", Input).value = said
    pilot.app.screen.query_one("#token-file", Input).value = "/etc/hostname"
    await pilot.press("enter")


async def shown_key(pilot: Pilot[None], root: Path) -> None:
    await connect(pilot, root)
    found = Connected("https://backend.example:8470", "x" * 40, "5a" * 32, "age1x", models=("holo3.1-0.8b",))
    form = pilot.app.screen
    assert isinstance(form, ConnectScreen)
    form.show_key(found)


SCREENS: dict[str, Opener] = {
    "home": home, "session": session, "close-up": close_up, "help": help_, "compare": compare, "ask": ask, "edit": edit,
    "mode": mode, "model": model, "policy": policy, "policy-text": policy_text, "agents": agents, "settings": settings,
    "tour": tour, "teleport": teleport, "sending": sending, "cut-off": cut_off, "returning": returning, "follow": follow,
    "waits-there": waits_there, "rewind": rewind, "refused": refused, "connect": connect, "shown-key": shown_key,
}  # fmt: skip


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Two recorded sessions that are the same everywhere, in a place and a time zone that are."""
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setenv("XDG_CONFIG_HOME", "/nonexistent")
    monkeypatch.setenv("EDGEAGENT_HOME", "/nonexistent")
    for variable in ("NO_COLOR", "TMUX", "KITTY_WINDOW_ID", "TERM_PROGRAM", "EDGEAGENT_PICTURES"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    time.tzset()
    for name in NAMES:
        shutil.copytree(GOLDEN, tmp_path / "sessions" / name)
    yield tmp_path / "sessions"
    monkeypatch.undo()
    time.tzset()


async def taken(root: Path, name: str, size: tuple[int, int], theme: str) -> str:
    """The screen ``name`` as SVG, without what differs from run to run."""
    app = make_app(root, SlowModel(1), Settings(theme=theme))
    app.animation_level = "none"
    async with app.run_test(size=size) as pilot:
        await home(pilot, root)
        await SCREENS[name](pilot, root)
        await app.workers.wait_for_complete()
        for widget in app.screen.query(TextArea):
            widget.cursor_blink = False
        for widget in app.screen.query(Input):
            widget.cursor_blink = False
        await pilot.pause()
        await until(pilot, lambda: all(frame.is_mounted for frame in app.screen.query(FrameView)))
        await app.workers.wait_for_complete()
        await pilot.pause()
        svg = app.export_screenshot()
    return re.sub(r"terminal-\d+", "terminal", svg)


@pytest.mark.parametrize(
    ("size", "theme"),
    [
        pytest.param(size, theme, marks=() if (size, theme) == (SIZES[0], THEMES[0]) else pytest.mark.slow)
        for size in SIZES
        for theme in THEMES
    ],
    ids=lambda part: part if isinstance(part, str) else f"{part[0]}x{part[1]}",
)
@pytest.mark.parametrize("name", SCREENS)
async def test_it_looks_as_it_did(root: Path, tmp_path: Path, name: str, size: tuple[int, int], theme: str) -> None:
    svg = await taken(root, name, size, theme)
    path = KEPT / f"{name}-{size[0]}x{size[1]}-{theme.removeprefix('edgeagent-')}.svg.gz"
    if os.environ.get("UPDATE_SNAPSHOTS"):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(gzip.compress(svg.encode(), mtime=0))
        return
    if svg != gzip.decompress(path.read_bytes()).decode():
        seen = tmp_path / path.name.removesuffix(".gz")
        seen.write_text(svg)
        pytest.fail(f"{name} looks different: compare {path} with {seen}; if that is wanted, UPDATE_SNAPSHOTS=1")

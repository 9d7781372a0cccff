"""The policy editor writes what a run would take, refuses all else with line and reason, and then keeps the file as it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.terminal import SlowModel, make_app, until
from textual.pilot import Pilot
from textual.widgets import Input, Static, TabbedContent, TextArea

from edgeagent.tui.home import HomeScreen
from edgeagent.tui.policy_screen import PolicyScreen

BEFORE = "version: 1\n# mine\ngate:\n  mode: ask\n"


async def opened(pilot: Pilot[None], policy: Path) -> TextArea:
    """The editor, opened from the first screen by its key, on its text."""
    await until(pilot, lambda: isinstance(pilot.app.screen, HomeScreen))
    pilot.app.screen.query_one("#policy", Input).value = str(policy)
    await pilot.press("f11")
    await until(pilot, lambda: isinstance(pilot.app.screen, PolicyScreen) and bool(pilot.app.screen.query("#policy-text")))
    pilot.app.screen.query_one(TabbedContent).active = "text"
    area = pilot.app.screen.query_one(TextArea)
    area.focus()
    await pilot.pause()
    return area


def said(pilot: Pilot[None]) -> str:
    return str(pilot.app.screen.query_one("#policy-sound", Static).render())


def told(pilot: Pilot[None], words: str) -> bool:
    return any(words in one.message for one in pilot.app._notifications)  # pyright: ignore[reportPrivateUsage]


def content(path: Path) -> str:
    return path.read_text()


def write(path: Path, text: str) -> None:
    path.write_text(text)


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "mine" / "my.yaml"
    path.parent.mkdir()
    path.write_text(BEFORE)
    return path


async def test_an_edit_is_checked_as_it_is_typed_and_written_by_its_key(policy: Path, tmp_path: Path) -> None:
    app = make_app(tmp_path / "sessions", SlowModel(1))
    async with app.run_test(size=(80, 24)) as pilot:
        area = await opened(pilot, policy)
        area.move_cursor(area.document.end)
        await pilot.press(*"  limits: {max_steps: 5}")
        await until(pilot, lambda: said(pilot) == "✓ sound; not written yet")
        assert content(policy) == BEFORE
        await pilot.press("ctrl+s")
        await until(pilot, lambda: said(pilot) == "✓ sound")
        assert content(policy) == f"{BEFORE}  limits: {{max_steps: 5}}"
        assert "more than 5 steps" in str(app.screen.query_one("#policy-words", Static).render())
        await pilot.press("escape")
        assert isinstance(app.screen, HomeScreen)


BROKEN = (
    (f"{BEFORE}  limitz: {{max_steps: 5}}\n", 5, "unknown key 'gate.limitz'"),
    (f"{BEFORE}  rules:\n    - {{decision: deny, text: ['(a']}}\n", 6, "is no RE2 pattern"),
    ("version: 1\ngate: {mode: [ask\n", 3, "no valid YAML"),
    (f"{BEFORE}execution_environment:\n  filesystem:\n    read_write: [/home/agent, POLICY]\n", 0, "shows the policy"),
)


async def test_what_is_broken_is_refused_with_line_and_reason(policy: Path, tmp_path: Path) -> None:
    app = make_app(tmp_path / "sessions", SlowModel(1))
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        area = await opened(pilot, policy)
        for text, line, reason in BROKEN:
            area.text = text.replace("POLICY", str(policy.parent))
            await until(pilot, lambda reason=reason: reason in said(pilot))
            begins = f"✗ line {line}:" if line else "✗"
            assert said(pilot).startswith(begins), "the name stands above: what is wrong has the room"
            app.clear_notifications()
            await pilot.press("ctrl+s")
            await until(pilot, lambda: told(pilot, "Not written"))
            assert content(policy) == BEFORE
            if line:
                assert area.cursor_location[0] == min(line, area.document.line_count) - 1
        await pilot.press("escape")
        assert isinstance(app.screen, PolicyScreen), "what is not written is not left by one key"
        await pilot.press("escape")
        assert isinstance(app.screen, HomeScreen)
        assert content(policy) == BEFORE


async def test_what_somebody_else_wrote_meanwhile_is_not_lost_unseen(policy: Path, tmp_path: Path) -> None:
    app = make_app(tmp_path / "sessions", SlowModel(1))
    async with app.run_test(size=(120, 40)) as pilot:
        area = await opened(pilot, policy)
        area.text = BEFORE.replace("ask", "plan")
        write(policy, BEFORE.replace("ask", "bounded"))
        await pilot.press("ctrl+s")
        await until(pilot, lambda: told(pilot, "has changed since"))
        assert "bounded" in content(policy)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "plan" in content(policy))


async def test_a_profile_is_read_only(tmp_path: Path) -> None:
    app = make_app(tmp_path / "sessions", SlowModel(1))
    async with app.run_test(size=(80, 24)) as pilot:
        area = await opened(pilot, Path("web"))
        assert area.read_only
        await pilot.press("ctrl+s")
        assert told(pilot, "no file of yours")

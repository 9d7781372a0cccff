"""The `sessions` commands on recorded sessions: what they print, and their exit codes."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from edgeagent import events
from edgeagent.cli.main import cli
from edgeagent.errors import EdgeAgentError, RecordingDamaged, RecordingTooNew, SessionNotFound, UsageError
from edgeagent.events import FORMAT
from edgeagent.sessions.store import SessionStore
from edgeagent.testing import AllowAll, Button, FakeClock, FakeDesktop, ScriptedModel
from edgeagent_harness.protocol.actions import Click, Finish
from edgeagent_harness.protocol.geometry import Rect
from edgeagent_harness.protocol.messages import DesktopSpec

BOX = Rect(10, 10, 90, 34)


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The id of a session of one step that was stopped before it was done."""
    monkeypatch.setenv("EDGEAGENT_HOME", str(tmp_path))
    return asyncio.run(_recorded())


async def _recorded() -> str:
    from edgeagent.loop import Loop

    with SessionStore().create(FakeClock()) as session:
        await session.writer.emit(events.SessionCreated("press Save", "scripted", DesktopSpec(320, 200), "0"))
        await session.writer.emit(events.RunStarted("new"))
        desktop = FakeDesktop([Button("Save", BOX)])
        model = ScriptedModel([Click(BOX.centre), Finish(reason="pressed")])
        await Loop(desktop, model, AllowAll(), FakeClock(), session.writer).run()
        return session.id


def call(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["sessions", *arguments])


def test_list_tells_each_session(session: str) -> None:
    line = call("list").output.splitlines()[1]
    assert line.split()[:3] == [session, "done", "1"]
    assert line.endswith("press Save")
    (told,) = json.loads(call("list", "--output", "json").output)
    assert (told["id"], told["status"], told["steps"]) == (session, "done", 1)


def test_list_of_none_says_where_it_looked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEAGENT_HOME", str(tmp_path))
    assert call("list").output == f"no sessions in {tmp_path}/sessions\n"
    assert json.loads(call("list", "--output", "json").output) == []


def test_show_tells_each_step(session: str) -> None:
    shown = call("show", session[:-2])
    assert shown.exit_code == 0
    assert "click (50, 22) → confirmed" in shown.output
    (step,) = json.loads(call("show", session, "--output", "json").output)["steps"]
    assert step["action"]["kind"] == "click"
    assert step["effect"]["status"] == "confirmed"


@pytest.mark.parametrize("command", [["show"], ["replay"], ["rm", "--yes"], ["export", "--format", "html"]])
def test_an_unknown_session_is_a_usage_error_with_near_matches(session: str, command: list[str]) -> None:
    error = call(*command, session[:-1] + "?").exception
    assert isinstance(error, SessionNotFound)
    assert error.exit_code == 2
    assert session in error.hint


def test_rm_asks_first(session: str) -> None:
    assert isinstance(call("rm", session).exception, UsageError)
    assert SessionStore().ids() == [session]
    assert call("rm", "--yes", session).exit_code == 0
    assert SessionStore().ids() == []


def test_a_session_that_is_done_is_not_resumed_without_more_to_do(session: str) -> None:
    error = call("resume", session).exception
    assert isinstance(error, EdgeAgentError)
    assert error.exit_code == 2
    assert "--message" in error.hint


def log_of(session: str) -> Path:
    return SessionStore().find(session) / "events.jsonl"


def test_a_damaged_session_is_shown_but_not_resumed(session: str) -> None:
    lines = log_of(session).read_bytes().splitlines(keepends=True)
    log_of(session).write_bytes(b"".join([*lines[:3], lines[3].replace(b"click", b"clack"), *lines[4:]]))
    shown = call("show", session)
    assert shown.exit_code == 0
    assert "damaged: line 5: its hash is not that of line 4" in shown.output
    assert "click (50, 22) → confirmed" in shown.output
    assert "(damaged)" in call("list").output
    error = call("resume", session, "--message", "more").exception
    assert isinstance(error, RecordingDamaged)
    assert "line 5" in str(error)
    assert error.exit_code == 3


def test_a_torn_session_is_shown_with_what_will_be_cut(session: str) -> None:
    log_of(session).write_bytes(log_of(session).read_bytes()[:-20])
    shown = call("show", session)
    assert "half an event at the end" in shown.output
    assert "interrupted" in shown.output


def test_a_session_of_a_later_version_is_shown_but_not_resumed(session: str) -> None:
    lines = log_of(session).read_bytes().splitlines(keepends=True)
    newer = lines[-1].replace(b'"format":%d' % FORMAT, b'"format":%d' % (FORMAT + 1)).replace(b"run_ended", b"run_slept")
    log_of(session).write_bytes(b"".join([*lines[:-1], newer]))
    shown = call("show", session)
    assert shown.exit_code == 0
    assert f"not shown, of a later format ({FORMAT + 1}): 1" in shown.output
    error = call("resume", session).exception
    assert isinstance(error, RecordingTooNew)
    assert "later edgeagent" in error.hint


def test_a_lost_pack_still_shows_the_steps(session: str) -> None:
    (SessionStore().find(session) / "frames.pack").unlink()
    assert "click (50, 22) → confirmed" in call("show", session).output


def test_what_a_model_said_cannot_command_the_terminal(session: str) -> None:
    async def end_badly() -> None:
        with SessionStore().open(session, FakeClock()) as opened:
            await opened.writer.emit(events.RunEnded("failed", "no\x1b]0;owned\x07"))

    asyncio.run(end_badly())
    shown = CliRunner().invoke(cli, ["sessions", "show", session], color=True).output
    assert "no\\x1b]0;owned\\x07" in shown
    assert "\x1b]" not in shown

"""A session is created, worked on by the real loop, closed, found again, resumed and removed."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from edgeagent import events
from edgeagent.errors import EnvironmentProblem, RecordingError, RecordingFull, SessionBusy, SessionNotFound
from edgeagent.folders import sessions_root
from edgeagent.limits import Limits
from edgeagent.loop import Loop
from edgeagent.recording.reader import SessionReader
from edgeagent.runner import ModelChoice, Runner, RunRequest
from edgeagent.sessions.reconcile import reconcile
from edgeagent.sessions.store import OpenSession, SessionStore
from edgeagent.testing import AllowAll, Button, FakeClock, FakeDesktop, ScriptedModel, TextField
from edgeagent_harness.protocol.actions import Action, AskUser, Click, Finish, Type
from edgeagent_harness.protocol.geometry import Rect
from edgeagent_harness.protocol.messages import DesktopSpec

FIELD, BUTTON = Rect(10, 10, 200, 32), Rect(10, 50, 100, 72)
SCRIPT: list[Action] = [Click(FIELD.centre), Type("Zoë"), Click(BUTTON.centre), Finish(reason="saved")]


def desktop() -> FakeDesktop:
    return FakeDesktop([TextField("name", FIELD), Button("Save", BUTTON)])


async def begin(session: OpenSession) -> None:
    await session.writer.emit(events.SessionCreated("save my name", "scripted", DesktopSpec(320, 200), "0"))
    await session.writer.emit(events.RunStarted("new"))


async def work(session: OpenSession, screen: FakeDesktop, script: list[Action]) -> events.RunEnded:
    history = await reconcile(session.history, screen, session.writer)
    loop = Loop(screen, ScriptedModel(script), AllowAll(), FakeClock(), session.writer, history=history)
    return await loop.run()


async def test_a_run_is_recorded_and_read_back(tmp_path: Path) -> None:
    store, screen = SessionStore(tmp_path), desktop()
    with store.create(FakeClock()) as session:
        await begin(session)
        ended = await work(session, screen, SCRIPT)
    assert ended == events.RunEnded("done", "saved")
    with SessionReader.open(store.find(session.id)) as reader:
        assert [step.action for step in reader.steps()] == SCRIPT[:-1]
        assert [step.effect.status for step in reader.steps()] == ["confirmed"] * 3
        last = reader.frame(reader.steps()[-1].frame_after)
        assert (last.width, last.height) == (320, 200)
        assert last.pixels == (await screen.observe()).screen.pixels
        assert not reader.damage()


async def test_a_session_that_could_not_begin_leaves_nothing_and_one_that_began_stays(tmp_path: Path) -> None:
    store = SessionStore(tmp_path)
    with pytest.raises(RecordingFull), store.create(FakeClock()):
        raise RecordingFull("the disk is full")
    assert os.listdir(tmp_path) == []
    with store.create(FakeClock()) as begun:
        await begin(begun)
    with pytest.raises(RecordingFull), store.open(begun.id, FakeClock()):
        raise RecordingFull("the disk is full")
    assert store.ids() == [begun.id]


def test_what_was_there_empty_is_not_taken_for_ones_own(tmp_path: Path) -> None:
    store = SessionStore(tmp_path)
    (tmp_path / "20260101-000000-abcdef" / "home").mkdir(parents=True)
    (tmp_path / "20260101-000000-abcdef" / "events.jsonl").touch()
    with pytest.raises(RecordingFull), store.open("20260101", FakeClock()):
        raise RecordingFull("the disk is full")
    assert store.ids() == ["20260101-000000-abcdef"]


def test_of_a_session_that_cannot_be_made_nothing_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise RecordingFull("the disk is full")

    monkeypatch.setattr("edgeagent.sessions.store.SessionWriter.create", refused)
    with pytest.raises(RecordingFull):
        SessionStore(tmp_path).create(FakeClock())
    assert os.listdir(tmp_path) == []


async def test_summary_follows_the_session(tmp_path: Path) -> None:
    store = SessionStore(tmp_path)
    session = store.create(FakeClock())
    assert store.summaries()[0].status == "running"
    await begin(session)
    session.close()
    assert store.summaries()[0].status == "interrupted"
    with store.open(session.id, FakeClock()) as again:
        await work(again, desktop(), SCRIPT)
    (summary,) = store.summaries()
    assert (summary.status, summary.steps, summary.task) == ("done", 3, "save my name")
    assert summary.size_bytes > 0
    assert not summary.damaged


async def test_a_session_that_lost_its_pictures_goes_on(tmp_path: Path) -> None:
    store = SessionStore(tmp_path)
    with store.create(FakeClock()) as session:
        await begin(session)
        await work(session, desktop(), [*SCRIPT[:2], AskUser("which name?")])
    (session.directory / "frames.pack").unlink()
    with SessionReader.open(session.directory) as reader:
        assert [damage.reason for damage in reader.damage()] == ["frames.pack: 3 of the screens are not there"]
    with store.open(session.id, FakeClock()) as again:
        assert (await work(again, desktop(), SCRIPT)).outcome == "done"
    with SessionReader.open(session.directory) as reader:
        assert len(reader.steps()) == 5
        assert reader.frame(reader.steps()[-1].frame_after).width == 320
        assert not reader.damage(), "the same screens came again"


def test_a_session_has_one_owner(tmp_path: Path) -> None:
    store = SessionStore(tmp_path)
    with store.create(FakeClock()) as session, pytest.raises(SessionBusy, match=r"in use by process [0-9]+"):
        store.open(session.id, FakeClock())
    with pytest.raises(SessionNotFound):
        store.open("", FakeClock())
    store.open(session.id, FakeClock()).close()


def test_sessions_are_found_by_unambiguous_prefix(tmp_path: Path) -> None:
    store = SessionStore(tmp_path)
    clock = FakeClock()
    first = store.create(clock)
    clock.advance(86_400)
    second = store.create(clock)
    first.close()
    second.close()
    assert store.ids() == [first.id, second.id]
    assert store.find(second.id[:8]) == second.directory
    with pytest.raises(SessionNotFound, match="could be 2 sessions"):
        store.find("2026")
    with pytest.raises(SessionNotFound) as error:
        store.find(first.id[:-1] + "x")
    assert first.id in error.value.hint
    assert store.remove(first.id) == first.directory
    assert store.ids() == [second.id]


def test_what_an_application_made_read_only_is_removed_too(tmp_path: Path) -> None:
    store = SessionStore(tmp_path / "sessions")
    with store.create(FakeClock()) as session:
        elsewhere = tmp_path / "elsewhere"
        elsewhere.mkdir(mode=0o500)
        locked = session.home / "cache" / "locked"
        locked.mkdir(parents=True)
        (locked / "file").touch()
        (locked / "link").symlink_to(elsewhere)
        locked.chmod(0o500)
    store.remove(session.id)
    assert not session.directory.exists()
    assert elsewhere.stat().st_mode & 0o777 == 0o500, "links are not followed"


def test_the_root_follows_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("EDGEAGENT_HOME", str(tmp_path))
    assert sessions_root() == tmp_path / "sessions"
    monkeypatch.delenv("EDGEAGENT_HOME")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert sessions_root() == tmp_path / "data" / "edgeagent" / "sessions"


class Factories:
    """One fake desktop and one script for a runner; ``specs`` are the desktops that it asked for."""

    def __init__(self) -> None:
        self.specs: list[DesktopSpec] = []

    @asynccontextmanager
    async def open_desktop(self, spec: DesktopSpec) -> AsyncGenerator[FakeDesktop]:
        self.specs.append(spec)
        yield desktop()

    @asynccontextmanager
    async def open_model(self, choice: ModelChoice, seed: int, restarted: Callable[[str], None]) -> AsyncGenerator[ScriptedModel]:
        yield ScriptedModel(SCRIPT)

    def runner(self, store: SessionStore, told: list[events.EventData]) -> Runner:
        return Runner(
            store, FakeClock(), AllowAll(), listeners=[told.append], open_desktop=self.open_desktop, open_model=self.open_model
        )


async def test_resuming_a_torn_session_tells_what_was_cut(tmp_path: Path) -> None:
    store = SessionStore(tmp_path)
    with store.create(FakeClock()) as session:
        await begin(session)
    with (session.directory / "events.jsonl").open("ab") as log:
        log.write(b'{"format":1,"se')
    told: list[events.EventData] = []
    result = await Factories().runner(store, told).resume(session.id)
    assert result.ended.outcome == "done"
    assert told[0] == events.LogRepaired(15)
    assert (session.directory / "events.torn").read_bytes() == b'{"format":1,"se\n'


@pytest.mark.parametrize("own_home", [True, False])
async def test_a_moved_session_takes_its_own_home_along(tmp_path: Path, own_home: bool) -> None:
    store, factories = SessionStore(tmp_path / "old"), Factories()
    request = RunRequest("t", DesktopSpec(320, 200, home="" if own_home else "/home/of/the/user"), limits=Limits(max_steps=1))
    result = await factories.runner(store, []).start(request)
    assert result.ended.outcome == "limit"
    moved = SessionStore(store.root.rename(tmp_path / "new"))
    await factories.runner(moved, []).resume(result.session, limits=Limits())
    homes = [spec.home for spec in factories.specs]
    if own_home:
        assert homes == [str(root / result.session / "home") for root in (store.root, moved.root)]
    else:
        assert homes == ["/home/of/the/user"] * 2


async def test_what_is_no_text_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    store = SessionStore(tmp_path)
    with pytest.raises(RecordingError, match="no UTF-8 text"), store.create(FakeClock()) as session:
        await session.writer.emit(events.SessionCreated("a task", "scripted", DesktopSpec(home="/home/b\udcffd"), "0"))
    assert store.ids() == []


def test_what_is_no_folder_of_sessions_is_a_problem_of_the_machine(tmp_path: Path) -> None:
    (tmp_path / "sessions").write_text("")
    with pytest.raises(EnvironmentProblem, match=r"cannot list .*: Not a directory"):
        SessionStore(tmp_path / "sessions").ids()

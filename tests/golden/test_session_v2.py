"""The golden session of format 2 is read for ever; sessions of format 1 go on in format 2; an older program only reads."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from edgeagent import events
from edgeagent.errors import RecordingTooNew
from edgeagent.events import FORMAT
from edgeagent.homes.kept import build, home_after
from edgeagent.recording import log, log_reading
from edgeagent.recording.export.telling import tell
from edgeagent.recording.log import LOG_NAME, EventLog
from edgeagent.recording.reader import SessionReader
from edgeagent.runner import ModelChoice, Runner
from edgeagent.sessions import branching
from edgeagent.sessions.retention import Rules, doomed
from edgeagent.sessions.state import recorded_state
from edgeagent.sessions.store import SessionStore
from edgeagent.testing import AllowAll, Button, FakeClock, FakeDesktop, ScriptedModel
from edgeagent_harness.protocol.actions import Click, Finish
from edgeagent_harness.protocol.geometry import Rect
from edgeagent_harness.protocol.messages import DesktopSpec

GOLDEN = Path(__file__).parent
SESSION = GOLDEN / "session_v2"
EXPECTED = json.loads((GOLDEN / "session_v2.json").read_text())
EARLIER = [pytest.param("session_v1", 4, id="format 1"), pytest.param("session_v2", 3, id="format 2")]


def test_every_event_and_frame_reads() -> None:
    with SessionReader.open(SESSION) as reader:
        assert [event.kind for event in reader.events()] == EXPECTED["kinds"]
        assert reader.contents.last_hash == EXPECTED["last_hash"]
        assert not reader.damage()
        for frame_id, (width, height, sha256) in EXPECTED["frames"].items():
            frame = reader.frame(frame_id)
            assert (frame.width, frame.height, hashlib.sha256(frame.pixels).hexdigest()) == (width, height, sha256)
        facts = [event.data for event in reader.events()]
        masked = next(fact for fact in facts if isinstance(fact, events.Masked))
        assert [area.why for area in masked.areas] == ["region clock", "secret"]
        assert masked.texts == {"card": 2}
        assert recorded_state(facts).seen(owned=False) == "parked"


def test_it_folds_into_the_same_history() -> None:
    with SessionReader.open(SESSION) as reader:
        history = reader.history()
        assert [step.number for step in history.steps] == [1, 2, 3]
        assert getattr(history.steps[2].action, "text", "") == " again", "the rewound step does not count"
        assert [step.number for step in tell(reader).steps] == [1, 2, 3]


@pytest.mark.parametrize("step", range(4))
def test_every_home_is_given_back(step: int, tmp_path: Path) -> None:
    home = home_after(SESSION, step)
    assert home is not None
    assert build(SESSION, home, tmp_path / "home") == []
    file = tmp_path / "home" / "Zoë.txt"
    assert (file.read_text() if file.exists() else None) == EXPECTED["homes"][str(step)]


# -- from one version to the next ---------------------------------------------------------------------------------------------


@pytest.fixture
def store(tmp_path: Path) -> SessionStore:
    return SessionStore(tmp_path / "sessions")


def stored(store: SessionStore, name: str) -> str:
    """A copy of a golden session, as it lies in a store."""
    with SessionReader.open(GOLDEN / name) as reader:
        session = reader.events()[0].session
    shutil.copytree(GOLDEN / name, store.root / session)
    return session


@asynccontextmanager
async def open_desktop(spec: DesktopSpec) -> AsyncGenerator[FakeDesktop]:
    yield FakeDesktop([Button("Save", Rect(10, 110, 100, 134))])


@asynccontextmanager
async def open_model(choice: ModelChoice, seed: int, restarted: Callable[[str], None]) -> AsyncGenerator[ScriptedModel]:
    yield ScriptedModel([Click(Rect(10, 110, 100, 134).centre), Finish(reason="more is done")])


@pytest.mark.parametrize(("name", "steps"), EARLIER)
async def test_a_session_of_an_earlier_format_goes_on(store: SessionStore, name: str, steps: int) -> None:
    session = stored(store, name)
    before = (store.root / session / LOG_NAME).read_bytes()
    runner = Runner(store, FakeClock(), AllowAll(), open_desktop=open_desktop, open_model=open_model)
    result = await runner.resume(session, message="do more")
    assert (result.ended.outcome, result.steps) == ("done", steps + 1)
    after = (store.root / session / LOG_NAME).read_bytes()
    assert after.startswith(before), "what an earlier version wrote is never rewritten"
    formats = [json.loads(line)["format"] for line in after[len(before) :].splitlines()]
    assert set(formats) == {FORMAT}
    with SessionReader.open(store.root / session) as reader:
        assert not reader.damage()
        assert len(reader.steps()) == steps + 1
    assert [summary.state for summary in store.summaries()] == ["done"]


@pytest.mark.parametrize(("name", "steps"), EARLIER)
def test_a_session_of_an_earlier_format_forks_and_rewinds(store: SessionStore, name: str, steps: int) -> None:
    session = stored(store, name)
    forked = branching.fork(store, session, 2, FakeClock())
    assert forked.home == ("restored" if name == "session_v2" else "as_it_is")
    with SessionReader.open(store.root / forked.session) as reader, SessionReader.open(GOLDEN / name) as golden:
        assert reader.steps() == golden.steps()[:2]
        assert not reader.damage()
    branching.rewind(store, session, 1, FakeClock())
    with SessionReader.open(store.root / session) as reader:
        assert len(reader.steps()) == 1
    assert steps > 2


def test_an_older_program_reads_what_it_knows_and_changes_nothing(store: SessionStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program of format 1, which knows none of the kinds that came with 2."""
    session = stored(store, "session_v2")
    known = {json.loads(line)["data"]["kind"] for line in (GOLDEN / "session_v1" / LOG_NAME).read_text().splitlines()}
    monkeypatch.setattr(log, "FORMAT", 1)
    monkeypatch.setattr(log_reading, "FORMAT", 1)
    convert = log_reading.tolerant.convert

    def of_format_1(value: dict[str, object], kind: type[events.Event]) -> events.Event:
        data = value["data"]
        if isinstance(data, dict) and data.get("kind") not in known:
            raise log_reading.msgspec.ValidationError("no such kind")
        return convert(value, kind)

    monkeypatch.setattr(log_reading.tolerant, "convert", of_format_1)
    before = {path: path.read_bytes() for path in (store.root / session).rglob("*") if path.is_file()}
    with SessionReader.open(store.root / session) as reader:
        assert reader.contents.skipped > 5
        assert not reader.contents.damage
        assert len(reader.steps()) >= 3, "what was done is read"
    with pytest.raises(RecordingTooNew, match="format 2"):
        EventLog.open(store.root / session / LOG_NAME, session, FakeClock())
    with pytest.raises(RecordingTooNew):
        store.open(session, FakeClock())
    after = {path: path.read_bytes() for path in (store.root / session).rglob("*") if path.is_file() and path.name != "lock"}
    assert after == before


def test_rules_never_delete_what_a_later_version_wrote(store: SessionStore) -> None:
    session = stored(store, "session_v2")
    path = store.root / session / LOG_NAME
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:-1], lines[-1].replace(b'"format":%d' % FORMAT, b'"format":%d' % (FORMAT + 1))]))
    assert doomed(store.summaries(), Rules(older_than_days=0, keep_last=0, total_bytes=0), frozenset(), 1e12) == []

"""A recorded run is forked and rewound: steps, screens and home as they were, effects outside told, and it goes on from there."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from click.testing import CliRunner

from edgeagent import events
from edgeagent.cli.main import cli
from edgeagent.errors import RecordingTooNew, UsageError
from edgeagent.events import FORMAT
from edgeagent.limits import Limits
from edgeagent.ports import Deed, Look
from edgeagent.recording.export.telling import tell
from edgeagent.recording.reader import SessionReader
from edgeagent.recording.replay import stretches
from edgeagent.runner import ModelChoice, Runner, RunRequest
from edgeagent.runner.resuming import approved_by_user
from edgeagent.sessions import branching, swapping
from edgeagent.sessions.retention import Rules, doomed, keep, kept_by_user
from edgeagent.sessions.store import SessionStore
from edgeagent.testing import AllowAll, Button, FakeClock, FakeDesktop, ScriptedModel, TextField
from edgeagent_harness.audit import AuditLog
from edgeagent_harness.protocol.actions import Action, Click, Finish, Type
from edgeagent_harness.protocol.audit import Connection
from edgeagent_harness.protocol.geometry import Rect
from edgeagent_harness.protocol.messages import DesktopSpec, Guard, SettleSpec

FIELD, SAVE = Rect(10, 10, 200, 32), Rect(10, 50, 100, 72)
SCRIPT: tuple[Action, ...] = (Click(FIELD.centre), Type("Zoë"), Type(" and Ada"), Click(SAVE.centre))


class SavingDesktop(FakeDesktop):
    """Writes what stands in its field to ``home/a.txt`` after each action, as an application would."""

    def __init__(self, home: Path) -> None:
        super().__init__([TextField("name", FIELD), Button("Save", SAVE)])
        self._file = home / "a.txt"
        self.hands.focus = self.widget(TextField, "name")
        self.widget(TextField, "name").text = self._file.read_text() if self._file.exists() else ""

    async def perform(self, action: Action, settle: SettleSpec, guard: Guard | None = None) -> Deed:
        deed = await super().perform(action, settle, guard)
        self._file.write_text(self.widget(TextField, "name").text)
        return deed

    async def observe(self, settle: SettleSpec | None = None) -> Look:
        return await super().observe(settle)


@dataclass
class World:
    """A store, and runners whose desktops save into their session's home."""

    store: SessionStore
    clock: FakeClock = field(default_factory=FakeClock)
    homes: list[Path] = field(default_factory=list[Path])
    audit_host: str = ""

    @asynccontextmanager
    async def open_desktop(self, spec: DesktopSpec) -> AsyncGenerator[SavingDesktop]:
        self.homes.append(Path(spec.home))
        yield SavingDesktop(Path(spec.home))

    @asynccontextmanager
    async def open_model(self, choice: ModelChoice, seed: int, restarted: Callable[[str], None]) -> AsyncGenerator[ScriptedModel]:
        def choose(prompt: object) -> Action:
            self.clock.advance(1)
            done = len(getattr(prompt, "history").steps)  # noqa: B009
            return SCRIPT[done] if done < len(SCRIPT) else Finish(reason="written")

        yield ScriptedModel(choose)

    def runner(self) -> Runner:
        return Runner(self.store, self.clock, AllowAll(), open_desktop=self.open_desktop, open_model=self.open_model)

    def facts(self, session: str) -> list[events.EventData]:
        with SessionReader.open(self.store.root / session) as reader:
            assert not reader.damage()
            return [event.data for event in reader.events()]


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv("EDGEAGENT_HOME", str(tmp_path))
    return World(SessionStore(tmp_path / "sessions"))


async def recorded(world: World) -> str:
    result = await world.runner().start(RunRequest("write", DesktopSpec(320, 200), limits=Limits(max_steps=10)))
    assert (result.ended.outcome, result.steps) == ("done", 4)
    return result.session


def text_in(world: World, session: str) -> str:
    file = world.store.root / session / "home" / "a.txt"
    return file.read_text() if file.exists() else "(no file)"


@pytest.mark.parametrize(("step", "text"), [(0, "(no file)"), (1, ""), (2, "Zoë"), (3, "Zoë and Ada"), (4, "Zoë and Ada")])
async def test_a_fork_has_the_home_and_the_steps_of_then(world: World, step: int, text: str) -> None:
    source = await recorded(world)
    before = (world.store.root / source / "events.jsonl").read_bytes()
    forked = branching.fork(world.store, source, step, world.clock)
    assert (forked.home, forked.not_restored, forked.not_undoable) == ("restored", (), ())
    assert text_in(world, forked.session) == text
    with SessionReader.open(world.store.root / forked.session) as reader, SessionReader.open(world.store.root / source) as old:
        assert reader.steps() == old.steps()[:step]
        for one in reader.steps():
            assert reader.frame(one.frame_after) == old.frame(one.frame_after)
        assert not reader.damage()
        assert {event.parent for event in reader.events()} == {source}
        assert tell(reader).parent == source
    assert (world.store.root / source / "events.jsonl").read_bytes() == before, "the source stays as it is"
    assert text_in(world, source) == "Zoë and Ada"


async def test_a_fork_goes_on_by_itself(world: World) -> None:
    source = await recorded(world)
    forked = branching.fork(world.store, source, 2, world.clock)
    assert [summary.state for summary in world.store.summaries() if summary.id == forked.session] == ["parked"]
    result = await world.runner().resume(forked.session)
    assert (result.ended.outcome, result.steps) == ("done", 4)
    assert world.homes[-1] == world.store.root / forked.session / "home"
    assert text_in(world, forked.session) == "Zoë and Ada"
    again = branching.fork(world.store, forked.session, 1, world.clock)
    assert text_in(world, again.session) == "", "a fork of a fork, at a step that it took over"


async def test_a_rewound_session_goes_on_from_there(world: World) -> None:
    session = await recorded(world)
    rewound = branching.rewind(world.store, session, 2, world.clock)
    assert (rewound.home, text_in(world, session)) == ("restored", "Zoë")
    with SessionReader.open(world.store.root / session) as reader:
        history = reader.history()
        assert (len(history.steps), history.ended, history.next_step) == (2, None, 3)
        assert [act.step for stretch in stretches(event.data for event in reader.events()) for act in stretch] == [0, 1, 2]
        story = tell(reader)
        assert [one.number for one in story.steps] == [1, 2]
        taken_back = next(note for note in story.ending.notes if note.title == "Taken back")
        assert taken_back.text.startswith("3. type ' and Ada'")
    result = await world.runner().resume(session)
    assert (result.ended.outcome, result.steps) == ("done", 4)
    assert text_in(world, session) == "Zoë and Ada"
    kinds = [type(fact).__name__ for fact in world.facts(session)]
    assert kinds.count("Intent") == 6, "what was taken back stays recorded"
    assert branching.rewind(world.store, session, 3, world.clock).home == "restored"
    assert text_in(world, session) == "Zoë and Ada"


async def test_what_was_said_after_the_step_is_not_heard_any_more(world: World) -> None:
    runner = world.runner()
    said = iter([(), (), (events.UserMessage("also greet"),), (), ()])
    runner.inbox = lambda: next(said, ())
    result = await runner.start(RunRequest("write", DesktopSpec(320, 200)))
    branching.rewind(world.store, result.session, 3, world.clock)
    with SessionReader.open(world.store.root / result.session) as reader:
        assert reader.history().user_messages == ("also greet",)
    branching.rewind(world.store, result.session, 2, world.clock)
    with SessionReader.open(world.store.root / result.session) as reader:
        assert reader.history().user_messages == ()


@pytest.mark.parametrize("step", [5, 99])
async def test_a_step_that_is_not_there(world: World, step: int) -> None:
    session = await recorded(world)
    with pytest.raises(UsageError, match=f"no step {step}"):
        branching.fork(world.store, session, step, world.clock)
    with pytest.raises(UsageError, match=f"no step {step}"):
        branching.rewind(world.store, session, step, world.clock)
    assert len(world.store.ids()) == 1, "nothing is left behind"


async def test_effects_outside_are_told(world: World) -> None:
    """A connection that the audit lists after the step stays made; one before it is none of this branch's business."""
    session = await recorded(world)
    directory = world.store.root / session
    with SessionReader.open(directory) as reader:
        times = {event.data.step: event.time for event in reader.events() if isinstance(event.data, events.Acted)}
    moments = iter([times[1] - 0.5, times[4] - 0.5])
    with AuditLog(directory / "audit.jsonl", lambda: next(moments)) as audit:
        audit.append(Connection("allowed", "sandbox", "connect", "early.example", 443, bytes_out=10))
        audit.append(Connection("allowed", "sandbox", "connect", "mail.example", 443, bytes_out=2100))
    forked = branching.fork(world.store, session, 2, world.clock)
    assert forked.not_undoable[0] == "1 connection to mail.example:443, 2.1 kB sent"
    assert forked.not_undoable[-1].startswith("step 4, which may have sent something: click")
    assert not any("early" in line for line in forked.not_undoable)
    assert isinstance(world.facts(forked.session)[-1], events.Forked)
    assert not (world.store.root / forked.session / "audit.jsonl").exists()


async def test_a_home_of_the_users_is_never_put_back(world: World, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    result = await world.runner().start(RunRequest("write", DesktopSpec(320, 200, home=str(mine))))
    rewound = branching.rewind(world.store, result.session, 2, world.clock)
    assert (mine / "a.txt").read_text() == "Zoë and Ada"
    assert (rewound.home, rewound.not_undoable) == ("as_it_is", (f"whatever was written to {mine}",))


async def test_a_session_without_kept_homes_forks_with_the_home_it_has(world: World) -> None:
    """As those of format 1."""
    session = await recorded(world)
    for path in (world.store.root / session).glob("homes.jsonl"):
        path.unlink()
    assert branching.fork(world.store, session, 4, world.clock).home == "restored"
    early = branching.fork(world.store, session, 2, world.clock)
    assert (early.home, text_in(world, early.session)) == ("as_it_is", "Zoë and Ada")


async def test_a_later_format_is_not_forked(world: World) -> None:
    session = await recorded(world)
    log = world.store.root / session / "events.jsonl"
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join([*lines[:-1], lines[-1].replace(b'"format":%d' % FORMAT, b'"format":%d' % (FORMAT + 1))]))
    with pytest.raises(RecordingTooNew):
        branching.fork(world.store, session, 1, world.clock)


@pytest.mark.parametrize("point", ["before the log", "before the swap", "in the swap"])
async def test_a_crash_in_a_rewind_leaves_one_of_the_two(world: World, monkeypatch: pytest.MonkeyPatch, point: str) -> None:
    session = await recorded(world)
    directory = world.store.root / session

    class Crash(BaseException):
        pass

    def crash(*_: object) -> None:
        if point == "in the swap":
            (directory / "home").rename(directory / "home.old")
        raise Crash

    target, name = (branching, "not_undoable") if point == "before the log" else (branching, "swap_home")
    with monkeypatch.context() as patch:
        patch.setattr(target, name, crash)
        with pytest.raises(Crash):
            branching.rewind(world.store, session, 2, world.clock)
    with world.store.open(session, world.clock) as opened:
        steps = len(opened.history.steps)
    assert (steps, text_in(world, session)) == ((4, "Zoë and Ada") if point == "before the log" else (2, "Zoë"))
    assert not (directory / swapping.NEXT_NAME).exists()


async def test_rules_spare_what_must_stay(world: World) -> None:
    old, kept, newer = [await recorded(world) for _ in range(3)]
    keep(world.store, kept)
    later_s = world.clock.time_s() + 40 * 86_400
    summaries = world.store.summaries()
    assert [one.summary.id for one in doomed(summaries, Rules(older_than_days=30), kept_by_user(world.store), later_s)] == [
        old,
        newer,
    ]
    assert [one.summary.id for one in doomed(summaries, Rules(keep_last=1), kept_by_user(world.store), later_s)] == [old]
    with world.store.open(old, world.clock):
        owned = world.store.summaries()
        assert doomed(owned, Rules(keep_last=0, total_bytes=0), frozenset({kept, newer}), later_s) == [], "it has an owner"
    size = summaries[-1].size_bytes
    total = doomed(summaries, Rules(total_bytes=size * 2 + 2000), frozenset(), later_s)
    assert [one.summary.id for one in total] == [old]


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(cli, ["sessions", *arguments], catch_exceptions=True)
    return result.exit_code, result.output


async def test_the_commands(world: World) -> None:
    session = await recorded(world)
    code, said = run("fork", session, "--at", "2", "--output", "json")
    forked = json.loads(said)
    assert (code, forked["home"], forked["step"]) == (0, "restored", 2)
    code, said = run("compare", session, forked["session"])
    assert code == 1
    assert "they differ from step 3 on" in said
    assert run("compare", session, session)[0] == 0
    code, said = run("search", "AND ADA")
    assert [line.split()[:4] for line in said.splitlines()] == [[session, "step", "3", "typed"]]
    assert run("search", "nowhere to be found") == (0, "nowhere\n")
    code, said = run("rewind", session, "--to", "1")
    assert code == 0
    assert f"go on: edgeagent sessions resume {session}" in said
    assert run("keep", session)[0] == 0
    assert run("prune", "--keep-last", "0", "--yes")[0] == 0
    assert world.store.ids() == [session]


async def test_what_was_to_be_approved_is_not_after_a_rewind(world: World) -> None:
    session = await recorded(world)
    with world.store.open(session, world.clock) as opened:
        await opened.writer.emit(events.Verdict(False, "ask", "to be approved", ends="needs_user", action=SCRIPT[3]))
        await opened.writer.emit(events.RunEnded("needs_user", "to be approved"))
    with world.store.open(session, world.clock) as opened:
        assert approved_by_user(opened) == events.Approved("ask", SCRIPT[3])
    branching.rewind(world.store, session, 2, world.clock)
    with world.store.open(session, world.clock) as opened, pytest.raises(UsageError, match="waits for no approval"):
        approved_by_user(opened)

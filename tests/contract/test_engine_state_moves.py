"""An engine's state that goes along with a session spares the other engine the work, says the same, and cannot harm."""

from __future__ import annotations

import os
import random
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from support.bundles import KEY, Chunks
from support.tiny_models import TinyModels

from edgeagent import events
from edgeagent.engine import LlamaModel, open_model
from edgeagent.errors import TeleportRefused
from edgeagent.folders import HOME_VARIABLE, parked_folder
from edgeagent.history import History, Step
from edgeagent.ports import Prompt, Reply
from edgeagent.recording.log import LOG_NAME, Author, EventLog
from edgeagent.recording.log_reading import read_log
from edgeagent.screen import Screen
from edgeagent.sessions.store import SessionStore
from edgeagent.teleport import engine_state
from edgeagent.teleport.importing import take_in
from edgeagent.teleport.manifest import EngineState, canonical, sign, verify
from edgeagent.teleport.plan import Plan, make_plan
from edgeagent.teleport.telling import plan_lines
from edgeagent.testing import FakeClock
from edgeagent_harness.protocol.actions import Wait
from edgeagent_harness.protocol.effects import Effect
from edgeagent_harness.protocol.frames import FrameInfo
from edgeagent_harness.protocol.messages import DesktopSpec

pytestmark = pytest.mark.llama
SESSION = "20260101-000000-moves"
OTHER = "20260101-000000-other"
INFO = FrameInfo(0, 320, 200, 0)
STEPS = 3


@pytest.fixture(params=["dense", "hybrid"])
def model(request: pytest.FixtureRequest, tiny_models: TinyModels) -> Path:
    return tiny_models.named(request.param)


@pytest.fixture
def at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> At:
    return At(tmp_path, monkeypatch)


class At:
    """Turns this process into one of several machines, each with its own sessions and caches."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._root, self._monkeypatch = root, monkeypatch

    def __call__(self, machine: str) -> SessionStore:
        home = self._root / machine
        self._monkeypatch.setenv(HOME_VARIABLE, str(home))
        return SessionStore(home / "sessions")


def prompt(step: int) -> Prompt:
    steps = tuple(Step(number, Wait(1000), Effect("confirmed")) for number in range(1, step))
    return Prompt("do it", Screen(INFO, bytes([step]) * INFO.size_bytes), History("do it", steps=steps))


@asynccontextmanager
async def asked(model: Path, mmproj: Path, session: str = SESSION) -> AsyncGenerator[LlamaModel]:
    async with open_model(str(model), str(mmproj), 0, print, "holo", session=session) as opened:
        assert isinstance(opened, LlamaModel)
        opened.recall(prompt(STEPS + 1).history)
        yield opened


def created(store: SessionStore, model: Path, mmproj: Path, policy: str = "") -> Path:
    """A session that has begun."""
    directory = store.root / SESSION
    (directory / "home").mkdir(parents=True)
    with EventLog.create(directory / LOG_NAME, Author(SESSION), FakeClock()) as log:
        spec = DesktopSpec(policy_yaml=policy)
        log.append(events.SessionCreated("do it", str(model), spec, "0.1.0", mmproj=str(mmproj), family="holo"))
    return directory


async def worked_on(store: SessionStore, model: Path, mmproj: Path) -> Path:
    """A session with a few answers whose run ended for its user: its engine's state is on disk."""
    directory = created(store, model, mmproj)
    async with asked(model, mmproj) as opened:
        for step in range(1, STEPS + 1):
            await opened.complete(prompt(step))
        await opened.leave(replace(prompt(STEPS + 1).history, ended=events.RunEnded("needs_user", "may I?")))
    return directory


def computed(reply: Reply) -> int:
    return reply.usage.prompt_tokens - reply.usage.cached_tokens


def arrive(plan: Plan, store: SessionStore) -> str:
    """Take ``plan`` in, and give what the log says of its engine's state."""
    signed, _ = verify(sign(plan.manifest, KEY))
    directory = take_in(store, signed, Chunks(plan), "a file", trusted=True, known=True)
    assert not any((directory / name).exists() for name in (*engine_state.ARRIVED, engine_state.DROPPED_NAME))
    return said_of(directory)


def said_of(directory: Path) -> str:
    """What the log of the session that arrived in ``directory`` says of its engine's state."""
    last = read_log(directory / LOG_NAME).events[-1].data
    assert isinstance(last, events.TakenBack)
    return last.engine_state


async def test_the_first_question_after_a_move_computes_only_what_is_new(at: At, model: Path, tiny_models: TinyModels) -> None:
    store = at("home")
    directory = await worked_on(store, model, tiny_models.mmproj)
    plan = make_plan(directory, with_engine_state=True)
    state = plan.manifest.engine
    assert isinstance(state, EngineState)
    kept = [parked_folder() / f"{SESSION}{suffix}" for suffix in (".state", ".memo")]
    assert state.size == sum(path.stat().st_size for path in kept)
    assert any("engine's state" in line.text for line in plan_lines(plan))
    async with asked(model, tiny_models.mmproj) as stayed:
        expected = await stayed.complete(prompt(STEPS + 1))
    assert "came along" in arrive(plan, at("there"))
    assert {path.stat().st_mode & 0o077 for path in parked_folder().iterdir()} == {0}
    async with asked(model, tiny_models.mmproj) as moved:
        reply = await moved.complete(prompt(STEPS + 1))
    assert arrive(make_plan(directory), at("without")) == ""
    async with asked(model, tiny_models.mmproj) as fresh:
        anew = await fresh.complete(prompt(STEPS + 1))
    assert reply.text == expected.text == (await _told_the_same(at, plan, model, tiny_models)).text
    assert computed(reply) == computed(expected)
    assert computed(reply) < computed(anew) / 2


async def _told_the_same(at: At, plan: Plan, model: Path, models: TinyModels) -> Reply:
    """The same question where what the model was told came along, but the state did not survive."""
    arrive(plan, at("told"))
    (parked_folder() / f"{SESSION}.moved").unlink()
    async with asked(model, models.mmproj) as opened:
        reply = await opened.complete(prompt(STEPS + 1))
    assert reply.usage.cached_tokens == 0
    return reply


async def test_nobody_else_takes_it_over(at: At, tiny_models: TinyModels) -> None:
    """Whoever made the state may have put anything behind the words that it claims to hold."""
    model = tiny_models.dense
    plan = make_plan(await worked_on(at("home"), model, tiny_models.mmproj), with_engine_state=True)
    arrive(plan, at("there"))
    memo = (parked_folder() / f"{SESSION}.memo").read_bytes()
    (parked_folder() / f"{OTHER}.memo").write_bytes(memo)
    async with asked(model, tiny_models.mmproj, OTHER) as other:
        assert (await other.complete(prompt(STEPS + 1))).usage.cached_tokens == 0
    for name in parked_folder().glob("system-*"):
        name.unlink()
    async with asked(model, tiny_models.mmproj) as own, asked(model, tiny_models.mmproj, OTHER) as other:
        assert (await own.complete(prompt(STEPS + 1))).usage.cached_tokens > 0
        assert (await other.complete(prompt(STEPS + 1))).usage.cached_tokens == 0
        await own.leave(replace(prompt(STEPS + 1).history, ended=events.RunEnded("needs_user", "may I?")))
    names = {path.name for path in parked_folder().iterdir()}
    assert {f"{SESSION}.moved"} == {name for name in names if name.startswith(SESSION) and not name.endswith(".memo")}


async def test_another_engine_here_drops_it_and_says_so(at: At, tiny_models: TinyModels) -> None:
    directory = await worked_on(at("home"), tiny_models.dense, tiny_models.mmproj)
    plan = make_plan(directory, with_engine_state=True)
    plain, more = make_plan(directory).manifest, plan.manifest
    assert (plain.format, b'"engine"' in canonical(plain)) == (1, False), "earlier versions read it"
    assert (more.format, b'"engine"' in canonical(more)) == (2, True)
    assert set(plain.chunks()) < set(more.chunks())
    before = tiny_models.dense.read_bytes()
    try:
        tiny_models.dense.write_bytes(tiny_models.hybrid.read_bytes())
        assert "another model" in arrive(plan, at("there"))
    finally:
        tiny_models.dense.write_bytes(before)
    assert not parked_folder().exists()


async def test_what_is_left_out(at: At, tiny_models: TinyModels, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is damaged, too large, or another's words; the session itself arrives all the same."""
    directory = await worked_on(at("home"), tiny_models.dense, tiny_models.mmproj)
    plan = make_plan(directory, with_engine_state=True)
    unknown = take_in(at("unknown"), plan.manifest, Chunks(plan), "a file", trusted=True)
    assert "dropped: whoever signed the bundle is not known here" in said_of(unknown)
    assert not parked_folder().exists()
    assert isinstance(plan.manifest.engine, EngineState)
    chunks = Chunks(plan)
    del chunks.data[plan.manifest.engine.state[0].id]
    lacking = take_in(at("lacking"), plan.manifest, chunks, "a file", trusted=True, known=True)
    assert "dropped: it did not arrive whole" in said_of(lacking)
    assert not parked_folder().exists()
    monkeypatch.setattr(engine_state, "MAX_BYTES", 1000)
    assert arrive(plan, at("small")).endswith("was dropped: there is no room for it")
    assert not parked_folder().exists()
    at("home")
    larger = make_plan(directory, with_engine_state=True).manifest
    assert larger.format == 1
    assert "larger" in next(stays.why for stays in larger.stays if stays.path == "engine state")


@pytest.mark.parametrize(
    "policy", ["secrets: [{name: site, source: environment, hosts: [a.example]}]", "redaction: {patterns: [{name: n, match: x}]}"]
)
def test_it_stays_where_something_is_taken_out_of_what_is_said(at: At, policy: str) -> None:
    directory = created(at("home"), Path("model.gguf"), Path("mmproj.gguf"), policy)
    with pytest.raises(TeleportRefused, match="does not leave"):
        make_plan(directory, with_engine_state=True)
    assert make_plan(directory).manifest.format == 1


async def test_a_foreign_state_never_harms(at: At, model: Path, tiny_models: TinyModels) -> None:
    """Flipped, cut, filled and swapped bytes: each question is answered, if need be by the next process, without."""
    plan = make_plan(await worked_on(at("home"), model, tiny_models.mmproj), with_engine_state=True)
    arrive(plan, at("there"))
    state = parked_folder() / f"{SESSION}.moved"
    whole, rng = state.read_bytes(), random.Random(11)
    restarts: list[str] = []
    async with open_model(str(model), str(tiny_models.mmproj), 0, restarts.append, "holo", session="beside-it") as beside:
        expected = (await beside.complete(prompt(1))).text
        for number in range(int(os.environ.get("EDGEAGENT_FUZZ_STATES", "6"))):
            state.write_bytes(_damaged(whole, rng))
            async with asked(model, tiny_models.mmproj) as opened:
                assert (await opened.complete(prompt(STEPS + 1))).text
            assert len(restarts) <= 1 + number
        assert (await beside.complete(prompt(1))).text == expected
    assert len(restarts) < 4


def _damaged(whole: bytes, rng: random.Random) -> bytes:
    """Mostly in the first kilobytes, where lengths and counts are, and in those of llama.cpp's own part."""
    data = bytearray(whole)
    begins = len(b"edgeagent-state-3\n") + 4 + int.from_bytes(whole[18:22], "little")
    for _ in range(rng.choice((1, 1, 4, 64))):
        start, reach = rng.choice(((0, 600), (begins, 400), (begins, len(data) - begins), (0, len(data))))
        place = min(len(data) - 1, start + rng.randrange(reach))
        data[place] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, data[place] ^ 1 << rng.randrange(8)))
    if rng.random() < 0.2:
        del data[rng.randrange(len(data)) :]
    return bytes(data)

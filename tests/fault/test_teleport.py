"""A session moves to a real backend and back: one chain, nothing done twice, never two owners, whatever is cut on the way."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
import random
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import psutil
import pytest
from support import form_run
from support.cloud import HAS_RAY, Backend, backend, until
from support.cut_proxy import CutProxy
from support.earnest import Earnest
from support.teleporting import run_until_step, silent

from edgeagent import events
from edgeagent.cloud.blobs import Blobs
from edgeagent.errors import NotOwner, TeleportError, TeleportRefused
from edgeagent.recording.reader import SessionReader
from edgeagent.sessions.store import SessionStore
from edgeagent.sessions.summary import summarize
from edgeagent.sessions.whereabouts import whereabouts
from edgeagent.teleport.api import connect
from edgeagent.teleport.mirroring import Mirror, follow
from edgeagent.teleport.progress import Moved, Progress
from edgeagent.teleport.pulling import pull
from edgeagent.teleport.pushing import push, require_permitted
from edgeagent.teleport.wire import Command, Standing
from edgeagent.testing import FakeClock
from edgeagent_harness.protocol.messages import DesktopSpec

NEEDS_RAY = pytest.mark.skipif(not HAS_RAY, reason="Ray is not installed: there is no wheel of it for this machine")
ON_RAY = pytest.param("on ray", marks=[pytest.mark.slow, NEEDS_RAY])


@pytest.fixture(params=["embedded", "in earnest", ON_RAY])
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[Backend]:
    """A backend on SQLite and a folder, one on PostgreSQL and S3, and one whose workers run on Ray."""
    monkeypatch.setenv("EDGEAGENT_HOME", str(tmp_path / "client"))
    monkeypatch.setenv(form_run.WITNESS_VARIABLE, str(tmp_path / "witness"))
    stores = {"engine": "ray"} if request.param == "on ray" else {}
    if request.param == "in earnest":
        servers: Earnest = request.getfixturevalue("earnest")
        stores = servers.stores()
        for name, value in servers.s3.environment.items():
            monkeypatch.setenv(name, value)
    with backend(tmp_path / "cloud", {form_run.PACE_VARIABLE: "0.3"}, **stores) as made:
        yield made


earnest_is_slow = pytest.mark.parametrize(
    "world", ["embedded", pytest.param("in earnest", marks=pytest.mark.slow), ON_RAY], indirect=True
)  # fmt: skip


def submissions() -> list[list[object]]:
    path = Path(os.environ[form_run.WITNESS_VARIABLE])
    return [json.loads(line)["form"] for line in path.read_text().splitlines()] if path.exists() else []


async def test_there_at_step_4_and_back_at_8(world: Backend) -> None:
    store = SessionStore()
    began = await run_until_step(form_run.make(store), form_run.REQUEST, 4)
    assert (began.ended.outcome, began.ended.message, began.steps) == ("stopped", "moves", 4)
    known = await world.connected()
    async with connect(known) as api:
        await push(store, began.session, "cloud", known, api, silent, lambda plan: True)
        assert whereabouts(store.root / began.session).phase == "there"
        with pytest.raises(NotOwner, match="belongs to cloud"):
            await form_run.make(store).resume(began.session)
        await until(lambda: api.standing(began.session), lambda standing: standing.last_step >= 7)
        directory = await pull(store, began.session, "cloud", known, api, silent)
    ended = await form_run.make(store).resume(began.session)
    assert ended.ended.outcome == "done"
    assert submissions() == [[*form_run.TEXTS, True]]
    with SessionReader.open(directory) as reader:
        assert reader.damage() == []
        facts = [event.data for event in reader.events()]
    assert [fact.step for fact in facts if isinstance(fact, events.Acted)] == list(range(1, 11))
    moves = [fact for fact in facts if isinstance(fact, events.HandedOver | events.TakenBack | events.Restored)]
    assert moves[0] == events.HandedOver("cloud", 1)
    assert moves[2] == events.TakenBack("cloud", 2)
    there, back = (fact for fact in moves if isinstance(fact, events.Restored))
    assert (there.how, there.steps, back.how) == ("replayed", 4, "replayed")
    assert 7 <= back.steps <= 9


async def test_only_what_is_new_is_sent_again_and_a_cut_upload_goes_on(world: Backend) -> None:
    store, runner = SessionStore(), form_run.make(SessionStore())
    began = await run_until_step(runner, form_run.REQUEST, 2)
    home = store.root / began.session / "home"
    for number in range(6):
        (home / f"large {number}").write_bytes(random.Random(number).randbytes(1 << 20))
    direct = await world.connected()
    totals: list[tuple[int, int]] = []

    def tell(progress: Progress) -> None:
        if isinstance(progress, Moved) and not progress.done:
            totals.append((progress.total, progress.had))

    async with CutProxy(world.port, random.Random(1)) as proxy:
        proxy.cut_after = 3_500_000
        known = msgspec.structs.replace(direct, url=f"http://127.0.0.1:{proxy.listening}")
        async with connect(known) as api:
            with pytest.raises(TeleportError):
                await push(store, began.session, "cloud", known, api, tell, lambda plan: True)
    assert whereabouts(store.root / began.session).here, "nothing was asked of the backend that could have made it the owner"
    async with connect(direct) as api:
        await push(store, began.session, "cloud", direct, api, tell, lambda plan: True)
        (everything, had), (rest, stored) = totals
        assert had == 0
        assert everything - (3 << 20) <= rest + (1 << 20), "less than a chunk is sent twice"
        assert stored >= 3 << 20
        await pull(store, began.session, "cloud", direct, api, silent)
        (home / "small").write_text("new")
        totals.clear()
        await push(store, began.session, "cloud", direct, api, tell, lambda plan: True)
    assert totals[0][1] > 6 << 20
    assert totals[0][0] < 200_000, "logs and what is new"


@earnest_is_slow
async def test_the_copy_here_follows_and_a_message_wakes_what_waits(world: Backend) -> None:
    store = SessionStore()
    began = await run_until_step(form_run.make(store), form_run.REQUEST, 3)
    known = await world.connected()
    seen: list[events.EventData] = []
    async with connect(known) as api:
        await push(store, began.session, "cloud", known, api, silent, lambda plan: True)
        mirror = Mirror(store.root / began.session)
        try:
            async for one in follow(api, began.session, mirror):
                if not isinstance(one, Standing):
                    seen.append(one.data)
                elif one.state == "idle":
                    break
        finally:
            mirror.close()
        assert [fact.step for fact in seen if isinstance(fact, events.Acted)] == list(range(4, 11))
        with SessionReader.open(store.root / began.session) as reader:
            assert reader.damage() == []
            assert reader.events()[-1].data == seen[-1]
        assert summarize(store.root / began.session).state == "teleported"
        key = "k" * 16
        for _ in range(2):
            await api.command(began.session, Command(key, "say", "thank you"))
        await until(
            lambda: api.standing(began.session), lambda standing: standing.state == "idle" and standing.events > len(seen) + 8
        )
        directory = await pull(store, began.session, "cloud", known, api, silent)
    with SessionReader.open(directory) as reader:
        said = [event.data.text for event in reader.events() if isinstance(event.data, events.UserMessage)]
    assert said == ["thank you"], "the same command again changes nothing"


def assert_done_once(directory: Path) -> None:
    """Each of the ten steps is there, and the form was sent once."""
    with SessionReader.open(directory) as reader:
        steps = [event.data.step for event in reader.events() if isinstance(event.data, events.Acted | events.Reconciled)]
    assert steps == list(range(1, 11))
    assert len(submissions()) == 1


async def test_a_lost_worker_is_replaced(world: Backend) -> None:
    store = SessionStore()
    began = await run_until_step(form_run.make(store), form_run.REQUEST, 1)
    known = await world.connected()
    async with connect(known) as api:
        await push(store, began.session, "cloud", known, api, silent, lambda plan: True)
        await until(lambda: api.standing(began.session), lambda standing: standing.last_step >= 3)
        [process] = world.worker_processes()
        process.kill()
        killed_s = time.monotonic()
        stopped_at = (await api.standing(began.session)).last_step
        await until(lambda: api.standing(began.session), lambda standing: standing.last_step > stopped_at)
        assert time.monotonic() - killed_s < 15
        await until(lambda: api.standing(began.session), lambda standing: standing.state == "idle")
        directory = await pull(store, began.session, "cloud", known, api, silent)
    assert_done_once(directory)


@pytest.mark.parametrize("world", ["embedded", pytest.param("in earnest", marks=pytest.mark.slow)], indirect=True)
async def test_of_two_servers_of_one_folder_one_runs_workers_and_the_other_goes_on(tmp_path: Path, world: Backend) -> None:
    store = SessionStore()
    began = await run_until_step(form_run.make(store), form_run.REQUEST, 1)
    known = await world.connected()
    second = dataclasses.replace(world, port=0, process=None)
    second.start()
    try:
        there = msgspec.structs.replace(known, url=f"http://127.0.0.1:{second.port}")
        async with connect(known) as one, connect(there) as other:
            await push(store, began.session, "cloud", there, other, silent, lambda plan: True)
            await until(lambda: one.standing(began.session), lambda standing: standing.last_step >= 3)
            assert second.process is not None
            assert workers_of(second) == [], "the first one runs them all"
            assert len(workers_of(world)) == 1
            world.kill()
            await until(lambda: other.standing(began.session), lambda standing: standing.state == "idle")
            directory = await pull(store, began.session, "cloud", there, other, silent)
    finally:
        second.stop()
    assert_done_once(directory)


def workers_of(served: Backend) -> list[psutil.Process]:
    assert served.process is not None
    return [one for one in psutil.Process(served.process.pid).children() if "edgeagent.cloud.worker" in one.cmdline()]


@pytest.mark.parametrize("world", ["in earnest"], indirect=True)
async def test_a_ledger_that_goes_away_for_a_while_ends_no_session(world: Backend, earnest: Earnest) -> None:
    store = SessionStore()
    began = await run_until_step(form_run.make(store), form_run.REQUEST, 1)
    known = await world.connected()
    async with connect(known) as api:
        await push(store, began.session, "cloud", known, api, silent, lambda plan: True)
        await until(lambda: api.standing(began.session), lambda standing: standing.last_step >= 3)
        earnest.database.stop()
        try:
            with pytest.raises(TeleportError, match="the ledger does not answer"):
                await api.standing(began.session)
            await asyncio.sleep(2)
        finally:
            earnest.database.start()
        standing = await until(lambda: api.standing(began.session), lambda standing: standing.state == "idle")
        assert standing.outcome == "done"
        directory = await pull(store, began.session, "cloud", known, api, silent)
    with SessionReader.open(directory) as reader:
        facts = [event.data for event in reader.events()]
    assert [fact.step for fact in facts if isinstance(fact, events.Acted)] == list(range(1, 11))
    assert not any(isinstance(fact, events.Reconciled) for fact in facts), "the same worker went on"
    assert submissions() == [[*form_run.TEXTS, True]]


@pytest.mark.slow
@NEEDS_RAY
@pytest.mark.parametrize("victim", ["actor", "machine"])
async def test_a_lost_machine_is_replaced(
    victim: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, earnest: Earnest
) -> None:  # fmt: skip
    """Of a Ray cluster: killed with all that runs on it, as is the actor alone. SQLite is refused on more than one machine."""
    monkeypatch.setenv("EDGEAGENT_HOME", str(tmp_path / "client"))
    monkeypatch.setenv(form_run.WITNESS_VARIABLE, str(tmp_path / "witness"))
    store = SessionStore()
    began = await run_until_step(form_run.make(store), form_run.REQUEST, 1)
    kind = {"engine": "ray", "machines": 2, "ledger": earnest.stores()["ledger"]}
    with backend(tmp_path / "cloud", {form_run.PACE_VARIABLE: "0.5"}, **kind) as world:
        known = await world.connected()
        async with connect(known) as api:
            await push(store, began.session, "cloud", known, api, silent, lambda plan: True)
            await until(lambda: api.standing(began.session), lambda standing: standing.last_step >= 3)
            world.kill_above_worker(victim)
            killed_s = time.monotonic()
            stopped_at = (await api.standing(began.session)).last_step
            await until(lambda: api.standing(began.session), lambda standing: standing.last_step > stopped_at)
            took_s = time.monotonic() - killed_s
            print(f"{victim} lost: next step after {took_s:.1f} s")
            assert took_s < 15
            await until(lambda: api.standing(began.session), lambda standing: standing.state == "idle")
            directory = await pull(store, began.session, "cloud", known, api, silent)
    assert_done_once(directory)


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        (DesktopSpec(320, 220, policy_yaml="teleport: deny", policy_name="mine"), "mine says teleport: deny"),
        (DesktopSpec(320, 220, policy_yaml="network: {egress: {mode: offline}}"), "is offline"),
        (DesktopSpec(320, 220, offline=True), "is offline"),
    ],
)
async def test_what_may_not_leave_does_not(spec: DesktopSpec, why: str, tmp_path: Path) -> None:
    store = SessionStore(tmp_path / "sessions")
    with store.create(FakeClock()) as session:
        await session.writer.emit(events.SessionCreated("secret", "embedded", spec, "0.1.0"))
    with pytest.raises(TeleportRefused, match=why) as refused:
        require_permitted(store.root / session.id)
    assert refused.value.exit_code == 5


@pytest.mark.parametrize(
    "stores",
    [
        (),
        pytest.param(("--in-earnest",), marks=pytest.mark.slow),
        pytest.param(("--engine", "ray"), marks=[pytest.mark.slow, NEEDS_RAY]),
    ],
)
async def test_random_faults(stores: tuple[str, ...]) -> None:
    """A few; `scripts/handover_faults.py` tries as many as one likes."""
    program = Path(__file__).parents[2] / "scripts" / "handover_faults.py"
    argv = [sys.executable, str(program), "--count", "4", "--seed", "3", *stores]
    process = await asyncio.create_subprocess_exec(*argv, stdout=asyncio.subprocess.PIPE)
    told, _ = await process.communicate()
    assert process.returncode == 0, told.decode()
    assert json.loads(told)["hand_overs"] >= 4


@earnest_is_slow
async def test_another_machine_with_other_paths_and_keys_takes_it(
    world: Backend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    store = SessionStore()
    began = await run_until_step(form_run.make(store), form_run.REQUEST, 2)
    (store.root / began.session / "home" / "notes").write_text("untracked")
    known = await world.connected()
    async with connect(known) as api:
        await push(store, began.session, "cloud", known, api, silent, lambda plan: True)
        await until(lambda: api.standing(began.session), lambda standing: standing.state == "idle")
    monkeypatch.setenv("EDGEAGENT_HOME", str(tmp_path / "somebody" / "else" / "data"))
    other = SessionStore()
    async with connect(known) as api:
        directory = await pull(other, began.session, "cloud", known, api, silent)
        assert directory.parent == other.root
        assert (directory / "home" / "notes").read_text() == "untracked"
        assert whereabouts(directory).epoch == 2
        with SessionReader.open(directory) as reader:
            assert reader.damage() == []
        await push(other, began.session, "cloud", known, api, silent, lambda plan: True)
    with pytest.raises(NotOwner):
        async with connect(known) as api:
            await pull(store, began.session, "elsewhere", known, api, silent)


@pytest.mark.slow
async def test_a_workspace_of_200_mb(world: Backend) -> None:
    store = SessionStore()
    began = await run_until_step(form_run.make(store), form_run.REQUEST, 10)
    home = store.root / began.session / "home"
    for number in range(20):
        (home / f"large {number}").write_bytes(random.Random(number).randbytes(10 << 20))
    before = {path.name: path.stat().st_size for path in home.iterdir()}
    known = await world.connected()
    async with connect(known) as api:
        began_s = time.monotonic()
        await push(store, began.session, "cloud", known, api, silent, lambda plan: True)
        there_s = time.monotonic()
        directory = await pull(store, began.session, "cloud", known, api, silent)
        print(f"200 MB there in {there_s - began_s:.1f} s, back in {time.monotonic() - there_s:.1f} s")
    assert {path.name: path.stat().st_size for path in (directory / "home").iterdir()} == before
    assert (directory / "home" / "large 7").read_bytes() == random.Random(7).randbytes(10 << 20)


@earnest_is_slow
async def test_a_run_under_way_finishes_its_step_and_moves(world: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(form_run.PACE_VARIABLE, "0.3")
    store, opened, acted = SessionStore(), asyncio.Event(), asyncio.Event()
    runner, sessions = form_run.make(store), list[str]()
    runner.on_opened = lambda session, _directory: (sessions.append(session), opened.set())[0]
    runner.listeners.append(lambda fact: acted.set() if isinstance(fact, events.Acted) else None)
    run = asyncio.create_task(runner.start(form_run.REQUEST))
    await opened.wait()
    await acted.wait()
    known = await world.connected()
    async with connect(known) as api:
        await push(store, sessions[0], "cloud", known, api, silent, lambda plan: True)
        left = await run
        assert (left.ended.outcome, left.ended.message) == ("stopped", "the session moves to cloud")
        standing = await until(lambda: api.standing(sessions[0]), lambda standing: standing.state == "idle")
        assert (standing.last_step, standing.outcome) == (10, "done")
        directory = await pull(store, sessions[0], "cloud", known, api, silent)
    with SessionReader.open(directory) as reader:
        facts = [event.data for event in reader.events()]
    assert [fact.step for fact in facts if isinstance(fact, events.Acted)] == list(range(1, 11))
    assert not any(isinstance(fact, events.Reconciled) for fact in facts), "no step was cut off"
    assert submissions() == [[*form_run.TEXTS, True]]


async def test_blobs_that_are_damaged_at_rest_keep_no_session_away(world: Backend) -> None:
    """What is needed for the way back is taken from the session again; what is needed to rebuild it is asked for again."""
    store = SessionStore()
    began = await run_until_step(form_run.make(store), form_run.REQUEST, 10)
    known = await world.connected()

    def damage() -> int:
        blobs = Blobs(world.settings.blobs_url)
        names = [one.name for one in blobs.all("acme")]
        for name in names:
            blobs.put("acme", name, blobs.get("acme", name)[::-1])
        return len(names)

    async with connect(known) as api:
        await push(store, began.session, "cloud", known, api, silent, lambda plan: True)
        await until(lambda: api.standing(began.session), lambda standing: standing.state == "idle")
        assert damage() > 0
        shutil.rmtree(store.root / began.session / "home")  # so that more must be fetched than what is new
        await pull(store, began.session, "cloud", known, api, silent)
        assert damage() > 0
        await push(store, began.session, "cloud", known, api, silent, lambda plan: True)
        await until(lambda: api.standing(began.session), lambda standing: standing.state == "idle")
        directory = await pull(store, began.session, "cloud", known, api, silent)
    with SessionReader.open(directory) as reader:
        assert reader.damage() == []


async def test_what_keeps_one_session_there_is_told_and_keeps_no_other(world: Backend) -> None:
    store = SessionStore()
    stuck, other = [(await run_until_step(form_run.make(store), form_run.REQUEST, 9)).session for _ in range(2)]
    known = await world.connected()
    async with connect(known) as api:
        await push(store, stuck, "cloud", known, api, silent, lambda plan: True)
        await until(lambda: api.standing(stuck), lambda standing: standing.state == "idle")
        lock = world.data / "arriving" / "acme" / f"{stuck}.lock"
        lock.unlink()
        lock.mkdir()  # as little of use as a full disk would be
        with pytest.raises(TeleportError, match=r"cloud cannot give the session back now: .*\.lock"):
            await pull(store, stuck, "cloud", known, api, silent)
        await push(store, other, "cloud", known, api, silent, lambda plan: True)
        await until(lambda: api.standing(other), lambda standing: standing.state == "idle")
        assert ".lock" in (await api.standing(stuck)).trouble
        lock.rmdir()
        await pull(store, stuck, "cloud", known, api, silent)
        assert (await api.standing(stuck)).trouble == ""
        await pull(store, other, "cloud", known, api, silent)
    assert len(submissions()) == 2

"""Where workers run: each engine starts them, lets them leave, kills them, and says how they ended; on Ray with lo only."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import msgspec
import psutil
import pytest
from support import form_run
from support.cloud import TESTS
from support.lo_only import in_lo_only
from support.teleporting import run_until_step

from edgeagent import events
from edgeagent.cloud.engines import Engine, Worker
from edgeagent.cloud.engines.local import LocalEngine
from edgeagent.cloud.engines.on_ray import RayEngine
from edgeagent.cloud.ledger import Ledger, Row
from edgeagent.cloud.ledger.database import migrate, open_database
from edgeagent.cloud.worker import Orders
from edgeagent.recording.reader import SessionReader
from edgeagent.sessions.store import SessionStore
from edgeagent.teleport.manifest import Head
from edgeagent.teleport.wire import Echo, Flip, Prepare

INSIDE = "EDGEAGENT_LO_ONLY"
HAS_RAY = find_spec("ray") is not None
TENANT, SIGNER, ATTEMPT = "acme", "a" * 64, "b" * 32
on_ray = pytest.param(
    "ray", marks=pytest.mark.skipif(INSIDE not in os.environ, reason="runs inside the test below, with lo only")
)


@pytest.fixture(scope="module")
def witness(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """What all workers are told by their environment; a cluster gets it when it starts."""
    path = tmp_path_factory.mktemp("witness") / "forms"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(form_run.WITNESS_VARIABLE, str(path))
        patch.setenv(form_run.PACE_VARIABLE, "0.15")
        patch.setenv("PYTHONPATH", str(TESTS))
        yield path


@pytest.fixture(scope="module", params=["local", on_ray])
def engine(request: pytest.FixtureRequest, witness: Path) -> Iterator[Engine]:
    made: Engine = LocalEngine() if request.param == "local" else RayEngine("", 1, "sqlite:///one")
    yield made
    made.close()
    assert not descendants("raylet", "gcs_server", "cloud.worker")


class World:
    """A ledger with one session that was begun at home and is the cloud's now."""

    def __init__(self, root: Path, session: str) -> None:
        self.root, self.session = root, session
        self.url = f"sqlite:///{root / 'ledger.sqlite'}"
        self.ledger = Ledger(open_database(self.url))
        migrate(self.ledger.engine)
        prepare = Prepare(0, SIGNER, ATTEMPT, "age1x")
        row = self.ledger.prepare(TENANT, session, prepare, 10)
        head = Head(1, 0, "c" * 64)
        self.ledger.verified(row, "d" * 64, head, "stopped")
        self.row = self.ledger.take_over(TENANT, session, Flip(0, ATTEMPT, Echo("d" * 64, head)), "running")

    def orders(self) -> Orders:
        """The next turn."""
        self.row = self.ledger.claim(self.now(), f"worker {self.row.turn + 1}")
        root = str(self.root / TENANT)
        return Orders(self.url, root, "cloud", TENANT, self.session, self.row.epoch, self.row.turn, "support.form_run:make")

    def now(self) -> Row:
        return self.ledger.find(TENANT, self.session)

    def steps(self) -> list[int]:
        with SessionReader.open(self.root / TENANT / self.session) as reader:
            assert reader.damage() == []
            return [event.data.step for event in reader.events() if isinstance(event.data, events.Acted | events.Reconciled)]


@pytest.fixture
def world(tmp_path: Path, witness: Path) -> World:
    witness.unlink(missing_ok=True)
    began = asyncio.run(run_until_step(form_run.make(SessionStore(tmp_path / TENANT, "cloud")), form_run.REQUEST, 1))
    return World(tmp_path, began.session)


def descendants(*named: str) -> list[psutil.Process]:
    """Processes of this one, with one of these words in their command line."""
    return [one for one in psutil.Process().children(recursive=True) if any(name in " ".join(one.cmdline()) for name in named)]


def until(wanted: Callable[[], object], timeout_s: float = 30.0) -> None:
    end_s = time.monotonic() + timeout_s
    while not wanted():
        assert time.monotonic() < end_s, "it did not come"
        time.sleep(0.05)


def start(engine: Engine, world: World, past: int = 0) -> Worker:
    """A worker that is under way, past so many steps."""
    worker = engine.start(world.orders())
    until(lambda: worker.ended() or (worker.placed() and world.now().last_step > past))
    return worker


def test_a_worker_finishes_what_was_begun(engine: Engine, world: World) -> None:
    worker = engine.start(world.orders())
    until(worker.ended)
    assert worker.last_words() == "exit code 0"
    assert (world.now().outcome, world.now().state) == ("done", "idle")
    assert world.steps() == list(range(1, form_run.STEPS + 1))


def test_who_leaves_says_nothing_and_the_next_one_goes_on(engine: Engine, world: World) -> None:
    worker = start(engine, world, 2)
    worker.leave()
    until(worker.ended)
    left = world.now()
    assert (left.state, left.worker) == ("running", world.row.worker), "nobody but another worker is to notice"
    assert 3 <= left.last_step < form_run.STEPS, left
    until(engine.start(world.orders()).ended)
    assert (world.now().outcome, world.steps()) == ("done", list(range(1, form_run.STEPS + 1)))


def test_who_is_killed_acts_no_more(engine: Engine, world: World, witness: Path) -> None:
    worker = start(engine, world, 2)
    worker.kill()
    until(worker.ended)
    until(lambda: not descendants("cloud.worker"))
    stood = world.now().last_step
    time.sleep(0.5)
    assert world.now().last_step == stood
    until(engine.start(world.orders()).ended)
    assert world.steps() == list(range(1, form_run.STEPS + 1))
    assert len(witness.read_text().splitlines()) == 1, "sent once"


def test_a_process_that_dies_is_noticed(engine: Engine, world: World) -> None:
    worker = start(engine, world)
    [process] = descendants("cloud.worker")
    process.kill()
    until(worker.ended, 5)
    assert worker.last_words() == "exit code -9"


def test_a_turn_that_is_over_is_refused(engine: Engine, world: World) -> None:
    late = world.orders()
    world.orders()
    worker = engine.start(late)
    until(worker.ended)
    assert worker.last_words() == "exit code 1"
    assert world.steps() == [1]


def test_who_waits_for_a_place_can_be_called_off(engine: Engine, world: World) -> None:
    orders = world.orders()
    first = engine.start(orders)
    until(first.placed)
    waiting = engine.start(msgspec.structs.replace(orders, turn=orders.turn + 1))
    assert waiting.placed() == isinstance(engine, LocalEngine), "the cluster has room for one"
    for worker in (waiting, first):
        worker.kill()
        until(worker.ended)
    assert (world.now().state, world.now().worker) == ("running", world.row.worker)


def test_files_that_are_elsewhere(engine: Engine, world: World) -> None:
    worker = engine.start(msgspec.structs.replace(world.orders(), root=str(world.root / "elsewhere")))
    until(worker.ended)
    assert ("--data must lie where each of the cluster's machines finds it" in worker.last_words()) == isinstance(
        engine, RayEngine
    )
    assert world.steps() == [1]


@pytest.mark.skipif(INSIDE in os.environ, reason="this is the inside")
@pytest.mark.skipif(not HAS_RAY, reason="Ray is not installed: there is no wheel of it for this machine")
def test_all_of_this_on_ray() -> None:
    """In a network namespace with lo only: Ray has ports that whoever reaches them may use."""
    argv = in_lo_only([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", __file__, "-k", "ray"])
    environment = os.environ | {INSIDE: "1", "PYTHONPATH": str(TESTS)}
    told = subprocess.run(argv, capture_output=True, text=True, timeout=480, env=environment, check=False)
    assert told.returncode == 0, told.stdout + told.stderr
    assert "7 passed" in told.stdout, told.stdout

"""Chunks that nobody needs go, in a directory and in S3; what a session or an upload under way counts on never does."""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from support import form_run
from support.cloud import Backend, backend, until
from support.earnest import Earnest
from support.teleporting import run_until_step, silent

from edgeagent.cli.cloud import cloud
from edgeagent.cloud.blobs import Blobs
from edgeagent.cloud.depot import Depot
from edgeagent.cloud.ledger import Ledger, schema
from edgeagent.cloud.ledger.database import migrate, open_database
from edgeagent.cloud.seat_names import seat_name
from edgeagent.cloud.serving import Settings, open_depot
from edgeagent.cloud.sweeping import DAY_S, Sweep, Swept, delete_session, sweep
from edgeagent.errors import BundleRefused, NotOwner, SessionBusy, SessionNotFound, UsageError
from edgeagent.folders import parked_folder
from edgeagent.recording.reader import SessionReader
from edgeagent.sessions.lock import SessionLock
from edgeagent.sessions.store import SessionStore
from edgeagent.teleport.api import connect
from edgeagent.teleport.manifest import chunk_id
from edgeagent.teleport.pulling import pull
from edgeagent.teleport.pushing import push
from edgeagent.teleport.wire import Prepare

NOW_S = 2_000_000_000.0
LATER_S = NOW_S + 2 * DAY_S


@pytest.fixture(params=["embedded", "in earnest"])
def depot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[Depot]:
    stores = {"ledger": f"sqlite:///{tmp_path / 'ledger.sqlite'}", "blobs": f"file://{tmp_path / 'blobs'}"}
    if request.param == "in earnest":
        servers: Earnest = request.getfixturevalue("earnest")
        for name, value in servers.s3.environment.items():
            monkeypatch.setenv(name, value)
        stores = servers.stores()
    engine = open_database(stores["ledger"])
    migrate(engine)
    yield Depot(tmp_path / "cloud", Ledger(engine, lambda: NOW_S), Blobs(stores["blobs"]), "cloud")
    engine.dispose()


def send(depot: Depot, tenant: str, data: bytes) -> str:
    name = chunk_id(data)
    depot.receive(tenant, name, depot.identity.recipient.seal(data))
    return name


def age(depot: Depot) -> None:
    """As if nobody had counted on anything for long."""
    with depot.ledger.engine.begin() as connection:
        connection.execute(schema.chunks.update().values(counted_s=0.0))


def test_what_nobody_counts_on_goes_and_the_rest_stays(depot: Depot) -> None:
    old, new, other = (send(depot, tenant, os.urandom(50)) for tenant in ("acme", "acme", "other"))
    age(depot)
    assert depot.ledger.missing("acme", [new]) == [], "somebody counts on it"
    dry = list(sweep(depot, Sweep(dry_run=True), LATER_S - DAY_S - 1))
    assert [(one.tenant, one.chunks) for one in dry] == [("acme", 1), ("other", 1)]
    assert depot.blobs.get("acme", old), "it was only asked"
    done = list(sweep(depot, Sweep(), NOW_S + DAY_S - 1))
    assert done == [Swept(one.tenant, one.chunks, one.chunk_bytes) for one in dry]
    assert depot.blobs.get("acme", new)
    for tenant, chunk in (("acme", old), ("other", other)):
        assert depot.ledger.missing(tenant, [chunk]) == [chunk]
        with pytest.raises(BundleRefused):
            depot.blobs.get(tenant, chunk)
    assert [one.chunks for one in sweep(depot, Sweep(), LATER_S)] == [1]


def test_what_the_ledger_does_not_know_goes_a_time_of_grace_later(depot: Depot) -> None:
    """The server died after it had stored the chunk, and before it had written so."""
    depot.ledger.prepare("acme", "one", Prepare(0, "a" * 64, "b" * 32, "age1" + "x" * 58), 9)
    data = os.urandom(50)
    depot.blobs.put("acme", chunk_id(data), depot.identity.recipient.seal(data))
    depot.blobs.put("acme", f"{'e' * 64}.manifest", b"of a session that was packed again since")
    assert list(sweep(depot, Sweep(), NOW_S)) == [Swept("acme", manifests=1, entered=1)]
    assert list(sweep(depot, Sweep(), NOW_S + 3600)) == [Swept("acme")]
    assert [one.chunks for one in sweep(depot, Sweep(), LATER_S)] == [1]
    assert list(depot.blobs.all("acme")) == []


def test_an_upload_under_way_loses_nothing(depot: Depot) -> None:
    """Uploads ask, send what is missing, and then rely on all of it, while everything old is swept again and again."""
    pieces = {chunk_id(data): data for data in (random.Random(number).randbytes(64) for number in range(12))}
    for _ in range(8):
        for chunk, data in pieces.items():
            if random.random() < 0.7:
                depot.receive("acme", chunk, depot.identity.recipient.seal(data))
        age(depot)
        start = threading.Barrier(3)

        def upload(start: threading.Barrier = start) -> None:
            start.wait()
            for chunk in depot.ledger.missing("acme", list(pieces)):
                depot.receive("acme", chunk, depot.identity.recipient.seal(pieces[chunk]))
            assert depot.ledger.missing("acme", list(pieces)) == []
            for chunk, data in pieces.items():
                assert depot.identity.open(depot.blobs.get("acme", chunk), 1 << 20) == data

        def clear(start: threading.Barrier = start) -> None:
            start.wait()
            list(sweep(depot, Sweep(), NOW_S + 60))

        with ThreadPoolExecutor(3) as threads:
            for done in [threads.submit(upload), threads.submit(upload), threads.submit(clear)]:
                done.result()


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Backend]:
    monkeypatch.setenv("EDGEAGENT_HOME", str(tmp_path / "client"))
    monkeypatch.setenv(form_run.WITNESS_VARIABLE, str(tmp_path / "witness"))
    with backend(tmp_path / "cloud", {form_run.PACE_VARIABLE: "0.05"}) as made:
        yield made


async def test_a_session_moves_as_before_with_everything_old_swept_at_each_point(world: Backend) -> None:
    store = SessionStore()
    began = await run_until_step(form_run.make(store), form_run.REQUEST, 3)
    known, depot = await world.connected(), open_depot(world.settings)

    def clear(keep_days: float = 30) -> Swept:
        age(depot)
        [swept] = sweep(depot, Sweep(keep_days=keep_days))
        assert not swept.kept_because
        return swept

    async with connect(known) as api:
        await push(store, began.session, "cloud", known, api, silent, lambda plan: True)
        assert clear().chunks == 0, "the session's manifest names them all"
        await until(lambda: api.standing(began.session), lambda standing: standing.state == "idle")
        clear()
        directory = await pull(store, began.session, "cloud", known, api, silent)
        clear()
        await push(store, began.session, "cloud", known, api, silent, lambda plan: True)
        await pull(store, began.session, "cloud", known, api, silent)
        copy = depot.directory("acme", began.session)
        assert copy.is_dir()
        swept = clear(keep_days=-1)
        assert swept.sessions == 1
        assert swept.chunks > 3
        assert not copy.exists()
        assert depot.ledger.stored_bytes("acme") == 0
        assert depot.ledger.find("acme", began.session).epoch == 4, "what the ledger says of it stays"
        await push(store, began.session, "cloud", known, api, silent, lambda plan: True)
        await pull(store, began.session, "cloud", known, api, silent)
    with SessionReader.open(directory) as reader:
        assert reader.damage() == []


async def test_sessions_are_listed_and_deleted(world: Backend) -> None:
    store = SessionStore()
    began = await run_until_step(form_run.make(store), form_run.REQUEST, 10)
    known = await world.connected()
    data = ["--data", str(world.data)]
    async with connect(known) as api:
        await push(store, began.session, "cloud", known, api, silent, lambda plan: True)
        await until(lambda: api.standing(began.session), lambda standing: standing.state == "idle")
        listed = CliRunner().invoke(cloud, ["sessions", "list", *data])
        assert "acme" in listed.output
        assert f"{began.session}" in listed.output
        refused = CliRunner().invoke(cloud, ["sessions", "delete", "acme", began.session, *data])
        assert isinstance(refused.exception, NotOwner), "it would be lost"
        await pull(store, began.session, "cloud", known, api, silent)
        done = CliRunner().invoke(cloud, ["sessions", "delete", "acme", began.session, *data])
        assert done.output == f"{began.session} of acme is removed\n"
        with pytest.raises(SessionNotFound):
            await api.standing(began.session)
        assert not (world.data / "sessions" / "acme" / began.session).exists()
        again = CliRunner().invoke(cloud, ["sessions", "delete", "acme", began.session, *data])
        assert isinstance(again.exception, SessionNotFound)


def test_a_session_that_is_worked_on_is_not_removed_under_its_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgeagent.cloud.sweeping._LEAVE_S", 0.3)
    depot = open_depot(Settings(tmp_path / "cloud"))
    row = depot.ledger.prepare("acme", "one", Prepare(0, "a" * 64, "b" * 32, "age1" + "x" * 58), 9)
    depot.directory("acme", "one").mkdir(parents=True)
    lock = SessionLock(depot.directory("acme", "one"))
    with pytest.raises(SessionBusy):
        delete_session(depot, row)
    lock.release()
    assert depot.directory("acme", "one").is_dir()


def test_what_its_engine_kept_goes_with_a_session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And that of another tenant's session with the same id stays."""
    monkeypatch.setenv("EDGEAGENT_HOME", str(tmp_path))
    depot = open_depot(Settings(tmp_path / "cloud"))
    parked_folder().mkdir(parents=True)
    for tenant in ("acme", "other"):
        depot.ledger.prepare(tenant, "one", Prepare(0, "a" * 64, "b" * 32, "age1" + "x" * 58), 9)
        depot.directory(tenant, "one").mkdir(parents=True)
        (parked_folder() / f"{seat_name(tenant, 'one')}.state").touch()
    delete_session(depot, depot.ledger.find("acme", "one"))
    assert [path.stem for path in parked_folder().iterdir()] == [seat_name("other", "one")]


def test_a_time_of_grace_that_an_upload_could_outlast_is_refused(tmp_path: Path) -> None:
    refused = CliRunner().invoke(cloud, ["gc", "--data", str(tmp_path), "--grace-hours", "1"])
    assert isinstance(refused.exception, UsageError)


def test_a_ledger_of_the_first_version_is_taken_over(tmp_path: Path) -> None:
    import alembic.command
    import alembic.config

    engine = open_database(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    config = alembic.config.Config()
    config.set_main_option("script_location", str(Path(schema.__file__).parent / "migrations"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        alembic.command.upgrade(config, "0001")
        connection.execute(sa.text("insert into chunks values ('acme', 'c', 10)"))
    migrate(engine)
    with engine.begin() as connection:
        assert connection.execute(sa.select(schema.chunks.c.counted_s)).scalar_one() > 1e9
    engine.dispose()

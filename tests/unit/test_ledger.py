"""The ledger: one owner, one worker at a time, and nothing done by whoever was one before; its migrations make its tables."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from support.postgres import HAS_POSTGRES, postgres

from edgeagent.cloud.ledger import Ledger, Row
from edgeagent.cloud.ledger.database import migrate, open_database
from edgeagent.cloud.ledger.schema import metadata
from edgeagent.errors import EnvironmentProblem, LedgerLost, NotOwner, SessionNotFound, UsageError
from edgeagent.teleport.manifest import Head
from edgeagent.teleport.wire import Command, Echo, Flip, Prepare, Return

HEAD = Head(12, 3, "c" * 64)
ECHO = Echo("d" * 64, HEAD)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    if not HAS_POSTGRES:
        pytest.skip("PostgreSQL is not installed")
    with tempfile.TemporaryDirectory(prefix="edgeagent-pg-", dir="/var/tmp") as folder:
        os.chmod(folder, 0o755)
        with postgres(Path(folder) / "cluster") as made:
            yield made.url


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Ledger]:
    on_file = request.param == "sqlite"
    engine = open_database(f"sqlite:///{tmp_path / 'ledger.sqlite'}" if on_file else request.getfixturevalue("server"))
    migrate(engine)
    yield Ledger(engine)
    if not on_file:
        with engine.begin() as connection:
            metadata.drop_all(connection)
            connection.execute(sa.text("drop table alembic_version"))
    engine.dispose()


def running(ledger: Ledger) -> Row:
    ledger.prepare("acme", "one", Prepare(0, "a" * 64, "b" * 32, "age1" + "x" * 58), 9)
    ledger.verified(ledger.find("acme", "one"), ECHO.manifest_hash, HEAD, "stopped")
    return ledger.take_over("acme", "one", Flip(0, "b" * 32, ECHO), "running")


def test_the_migrations_make_the_tables(ledger: Ledger) -> None:
    migrate(ledger.engine)  # again: nothing to do
    with ledger.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_of_many_at_once_one_takes_over(ledger: Ledger) -> None:
    """Sixteen workers claim the same turn; the loser of a turn can write nothing."""
    row = running(ledger)

    def claim(number: int) -> Row | None:
        try:
            return ledger.claim(row, f"worker {number}")
        except NotOwner:
            return None

    with ThreadPoolExecutor(16) as pool:
        won = [claimed for claimed in pool.map(claim, range(16)) if claimed]
    assert len(won) == 1
    later = ledger.claim(won[0], "the next")
    with pytest.raises(NotOwner, match="turn 1 of epoch 1 is over"):
        ledger.note_turn(won[0], {"last_step": 99})
    ledger.note_turn(later, {"last_step": 4})
    assert ledger.find("acme", "one").last_step == 4
    with pytest.raises(NotOwner):
        ledger.finish_turn(won[0], "done", "", HEAD)


def test_a_session_that_went_home_has_no_workers(ledger: Ledger) -> None:
    row = ledger.claim(running(ledger), "worker")
    ledger.begin_return("acme", "one", _asked(1))
    ledger.note_turn(row, {})
    ledger.packed("acme", "one", 1, "e" * 64, HEAD)
    back = ledger.hand_back("acme", "one", 1, Echo("e" * 64, HEAD))
    assert (back.owner, back.epoch) == ("client", 2)
    assert ledger.hand_back("acme", "one", 1, Echo("e" * 64, HEAD)) == back, "the same request again"
    with pytest.raises(NotOwner):
        ledger.note_turn(row, {"last_step": 9})


def test_what_is_returning_stays_so_when_its_worker_ends(ledger: Ledger) -> None:
    row = ledger.claim(running(ledger), "worker")
    ledger.begin_return("acme", "one", _asked(1))
    ledger.finish_turn(row, "stopped", "the session goes back", HEAD)
    assert ledger.find("acme", "one").state == "returning"


def test_commands_are_kept_until_they_are_in_the_log(ledger: Ledger) -> None:
    running(ledger)
    assert ledger.command("acme", "one", Command("k" * 8, "say", "hello"))
    assert not ledger.command("acme", "one", Command("k" * 8, "say", "hello again"))
    assert [one.text for one in ledger.commands("acme", "one")] == ["hello"]
    assert [one.text for one in ledger.commands("acme", "one")] == ["hello"], "its worker may have died"
    ledger.taken("acme", "one", ["k" * 8])
    assert ledger.commands("acme", "one") == []


def test_no_question_crosses_tenants(ledger: Ledger) -> None:
    running(ledger)
    ledger.stored("acme", [("f" * 64, 10)])
    assert ledger.missing("evil", ["f" * 64]) == ["f" * 64]
    assert (ledger.all("evil"), ledger.stored_bytes("evil"), ledger.commands("evil", "one")) == ([], 0, [])
    with pytest.raises(SessionNotFound):
        ledger.find("evil", "one")


def _asked(epoch: int) -> Return:
    return Return(epoch, "a" * 64, "age1" + "x" * 58)


def test_many_servers_may_start_at_once(ledger: Ledger) -> None:
    with ledger.engine.begin() as connection:
        metadata.drop_all(connection)
        connection.execute(sa.text("drop table alembic_version"))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: migrate(ledger.engine), range(4)))
    assert ledger.all("acme") == []


def test_the_same_session_announced_many_times_at_once_is_one(ledger: Ledger) -> None:
    def announce(number: int) -> Row:
        return ledger.prepare("acme", "one", Prepare(0, "a" * 64, f"{number:032}", "age1" + "x" * 58), 1)

    with ThreadPoolExecutor(8) as pool:
        assert {row.state for row in pool.map(announce, range(8))} == {"uploading"}
    with pytest.raises(UsageError, match="as many as are permitted"):
        ledger.prepare("acme", "two", Prepare(0, "a" * 64, "b" * 32, "age1" + "x" * 58), 1)


def test_what_is_announced_while_it_is_taken_over_stays_taken_over(ledger: Ledger) -> None:
    for number in range(12):
        name = f"s{number}"
        ledger.prepare("acme", name, Prepare(0, "a" * 64, "b" * 32, "age1" + "x" * 58), 99)
        ledger.verified(ledger.find("acme", name), ECHO.manifest_hash, HEAD, "stopped")

        def take_over(name: str = name) -> None:
            with contextlib.suppress(NotOwner):
                ledger.take_over("acme", name, Flip(0, "b" * 32, ECHO), "running")

        def announce(name: str = name) -> None:
            with contextlib.suppress(NotOwner):
                ledger.prepare("acme", name, Prepare(0, "a" * 64, "c" * 32, "age1" + "x" * 58), 99)

        with ThreadPoolExecutor(2) as pool:
            for done in (pool.submit(take_over), pool.submit(announce)):
                done.result()
        row = ledger.find("acme", name)
        assert (row.owner, row.state, row.attempt) in (("cloud", "running", "b" * 32), ("client", "uploading", "c" * 32))


@pytest.mark.parametrize("url", ["sqlite:////nowhere/at/all.sqlite", "postgresql+psycopg://nobody@/none?host=/nowhere"])
def test_a_database_that_does_not_answer(url: str) -> None:
    engine = open_database(url)
    with pytest.raises(LedgerLost, match="the ledger does not answer"):
        Ledger(engine).find("acme", "one")
    with pytest.raises(EnvironmentProblem, match="cannot be used"):
        migrate(engine)


@pytest.mark.parametrize("url", ["nonsense", "oracle9://x"])
def test_an_address_that_is_none(url: str) -> None:
    with pytest.raises(UsageError, match="--ledger"):
        open_database(url)

"""Opens the ledger's database and brings it up to date."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import alembic.command
import alembic.config
import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import SQLAlchemyError

from edgeagent.errors import EnvironmentProblem

_BUSY_MS = 10_000
READS = "edgeagent_reads"
"""Option of connections that write nothing: they wait for no writer."""


def open_database(url: str) -> sa.Engine:
    """The database at ``url`` (SQLAlchemy's form). Raises `EnvironmentProblem` if it cannot be used."""
    engine = sa.create_engine(url, pool_pre_ping=True)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def migrate(engine: sa.Engine) -> None:
    """Bring the tables up to date. Raises `EnvironmentProblem`."""
    config = alembic.config.Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    try:
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            alembic.command.upgrade(config, "head")
    except SQLAlchemyError as error:
        raise EnvironmentProblem(f"the ledger {engine.url!r} cannot be used: {error}", "check --ledger") from error


def _prepare_sqlite(connection: Any, _record: object) -> None:
    """Durable at each commit, readers beside the writer; a writer waits for the other one."""
    connection.isolation_level = None  # transactions are begun below, not by the driver's own rules
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={_BUSY_MS}"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: sa.Connection) -> None:
    """Whoever means to write takes the lock at once: an upgrade in mid-transaction would fail where waiting helps."""
    reads = connection.get_execution_options().get(READS)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")

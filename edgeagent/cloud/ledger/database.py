"""Opens the ledger's database and brings it up to date."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import alembic.command
import alembic.config
import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, OperationalError, SQLAlchemyError

from edgeagent.errors import EnvironmentProblem, LedgerLost, UsageError

_BUSY_MS = 10_000
_CONNECT_S = 5
_MIGRATING = 7_203_154
"""Number of the lock that servers take which start at the same time; any would do."""
READS = "edgeagent_reads"
"""Option of connections that write nothing: they wait for no writer."""


def open_database(url: str) -> sa.Engine:
    """The database at ``url`` (SQLAlchemy's form). Raises `UsageError`, or `EnvironmentProblem` where its driver is missing.

    From then on `LedgerLost` is raised wherever it does not answer.
    """
    on_postgres = url.startswith("postgresql")
    options: dict[str, Any] = {"connect_args": {"connect_timeout": _CONNECT_S}} if on_postgres else {}
    try:
        engine = sa.create_engine(url, pool_pre_ping=True, **options)
    except (ArgumentError, NoSuchModuleError) as error:
        raise UsageError(f"--ledger: {error}", "postgresql+psycopg://USER@HOST/DATABASE") from error
    except ModuleNotFoundError as error:
        raise EnvironmentProblem(f"the ledger's driver is missing: {error}", "pip install 'edgeagent[postgres]'") from error
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    event.listen(engine, "handle_error", _say_lost)
    return engine


def migrate(engine: sa.Engine) -> None:
    """Bring the tables up to date. Raises `EnvironmentProblem`."""
    config = alembic.config.Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    try:
        with engine.begin() as connection:
            if engine.dialect.name == "postgresql":
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MIGRATING)))
            config.attributes["connection"] = connection
            alembic.command.upgrade(config, "head")
    except (SQLAlchemyError, LedgerLost) as error:
        raise EnvironmentProblem(f"the ledger {engine.url!r} cannot be used: {error}", "check --ledger") from error


def one_at_a_time(connection: sa.Connection, tenant: str) -> None:
    """Let no other change of the tenant's in until this transaction ends. SQLite has one writer at a time anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(tenant, 0))))


def _say_lost(context: Any) -> None:
    error = context.original_exception
    if context.is_disconnect or isinstance(context.sqlalchemy_exception, OperationalError):
        first_line = str(error).split("\n", 1)[0]
        raise LedgerLost(f"the ledger does not answer: {first_line}", "see whether its database runs") from error


def _prepare_sqlite(connection: Any, _record: object) -> None:
    """Durable at each commit, readers beside the writer; a writer waits for the other one."""
    connection.isolation_level = None  # transactions are begun below, not by the driver's own rules
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={_BUSY_MS}"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: sa.Connection) -> None:
    """Whoever means to write takes the lock at once: an upgrade in mid-transaction would fail where waiting helps."""
    reads = connection.get_execution_options().get(READS)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")

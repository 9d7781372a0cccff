"""What the ledger has to say when chunks and sessions are removed."""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa

from edgeagent.cloud.ledger import schema
from edgeagent.cloud.ledger.database import READS
from edgeagent.cloud.ledger.ledger import Row

_CHUNKS, _SESSIONS = schema.chunks, schema.sessions


def tenants(engine: sa.Engine) -> list[str]:
    """All that have anything, or could."""
    tables = (schema.sessions, schema.chunks, schema.tokens)
    with engine.execution_options(**{READS: True}).connect() as connection:
        return list(connection.execute(sa.union(*(sa.select(table.c.tenant) for table in tables)).order_by("tenant")).scalars())


def chunks(engine: sa.Engine, tenant: str) -> dict[str, tuple[int, float]]:
    """The tenant's chunks: sealed bytes, and when somebody last counted on each."""
    asked = sa.select(_CHUNKS.c.id, _CHUNKS.c.sealed_bytes, _CHUNKS.c.counted_s).where(_CHUNKS.c.tenant == tenant)
    with engine.execution_options(**{READS: True}).connect() as connection:
        return {row.id: (row.sealed_bytes, row.counted_s) for row in connection.execute(asked)}


def collect(engine: sa.Engine, tenant: str, chunk: str, before_s: float, remove: Callable[[], None]) -> bool:
    """Forget a chunk that nobody counted on since ``before_s``, and ``remove`` it before anyone can be told that it is missing.

    False: somebody counts on it after all. What ``remove`` raises leaves it as it is.
    """
    with engine.begin() as connection:
        old = (_CHUNKS.c.tenant == tenant, _CHUNKS.c.id == chunk, _CHUNKS.c.counted_s < before_s)
        if connection.execute(_CHUNKS.delete().where(*old)).rowcount != 1:
            return False
        remove()
    return True


def forget_session(engine: sa.Engine, row: Row) -> bool:
    """Strike the session out, with what was said to it; false: it is not as ``row`` says any more."""
    commands = schema.commands
    with engine.begin() as connection:
        said = (commands.c.tenant == row.tenant, commands.c.session == row.session)
        same = (_SESSIONS.c.tenant == row.tenant, _SESSIONS.c.session == row.session, _SESSIONS.c.epoch == row.epoch)
        as_it_was = (*same, _SESSIONS.c.state == row.state)
        if connection.execute(sa.select(_SESSIONS.c.session).where(*as_it_was).with_for_update()).first() is None:
            return False
        connection.execute(commands.delete().where(*said))
        connection.execute(_SESSIONS.delete().where(*as_it_was))
    return True

"""Ledger and blobs belong to the servers of one folder: they have its keys, and the sessions lie there.

A server of another folder could read no chunk, would find no session, and would call lost what the others work on.
"""

from __future__ import annotations

import sqlalchemy as sa

from edgeagent.cloud.blobs import Blobs
from edgeagent.cloud.ledger import schema
from edgeagent.cloud.ledger.database import one_at_a_time
from edgeagent.errors import BundleRefused, EnvironmentProblem

_LEDGER = "ledger"
_MARK = ("_servers", "folder")
"""As whose, and under what name, the key lies among the blobs. No tenant is called so."""


def bind(ledger: sa.Engine, blobs: Blobs, key: str) -> None:
    """Let ledger and blobs be those of the folder with this public ``key``. Raises `EnvironmentProblem` if they are another's."""
    for what, theirs in (("ledger is that", _of_ledger(ledger, key)), ("blobs are those", _of_blobs(blobs, key))):
        if theirs != key:
            raise EnvironmentProblem(
                f"the {what} of servers with another --data folder (its key is {theirs}, this one's {key})",
                "give all servers the same folder; a backend of its own needs a ledger and a place for blobs of its own",
            )


def _of_ledger(engine: sa.Engine, key: str) -> str:
    folders = schema.folders
    with engine.begin() as connection:
        one_at_a_time(connection, _LEDGER)
        theirs = connection.execute(sa.select(folders.c.key).where(folders.c.place == _LEDGER)).scalar()
        if theirs is None:
            connection.execute(folders.insert().values(place=_LEDGER, key=key))
    return theirs or key


def _of_blobs(blobs: Blobs, key: str) -> str:
    try:
        return blobs.get(*_MARK).decode("ascii", "replace")
    except BundleRefused:  # nobody's yet
        blobs.put(*_MARK, key.encode())
        return blobs.get(*_MARK).decode("ascii", "replace")

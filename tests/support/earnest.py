"""What a backend in earnest stands on: a PostgreSQL and an S3 server of the test's own."""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from support.postgres import Postgres, postgres
from support.s3 import S3, s3

BUCKET = "chunks"


@dataclass(frozen=True, slots=True)
class Earnest:
    """Both servers, which run."""

    database: Postgres
    s3: S3

    def stores(self) -> dict[str, str]:
        """A fresh database and a fresh prefix: `Backend`'s ``ledger`` and ``blobs``."""
        name = f"t{secrets.token_hex(8)}"
        engine = sa.create_engine(self.database.url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(sa.text(f"create database {name}"))
        engine.dispose()
        return {"ledger": self.database.url.replace("/postgres?", f"/{name}?"), "blobs": f"s3://{BUCKET}/{name}"}


@contextmanager
def in_earnest() -> Iterator[Earnest]:
    """For the duration of a ``with`` block; a folder that the database's own user can enter holds it."""
    with tempfile.TemporaryDirectory(prefix="edgeagent-pg-", dir="/var/tmp") as folder:
        os.chmod(folder, 0o755)
        with postgres(Path(folder) / "cluster") as database, s3() as server:
            server.make_bucket(BUCKET)
            yield Earnest(database, server)

"""Figures for Prometheus, in its text form."""

from __future__ import annotations

from collections import Counter
from typing import get_args

import sqlalchemy as sa

from edgeagent.cloud.depot import Depot
from edgeagent.cloud.ledger import schema
from edgeagent.cloud.pool import Pool
from edgeagent.teleport.wire import State


def render(depot: Depot, pool: Pool | None) -> str:
    """All figures now."""
    table = schema.sessions
    with depot.ledger.engine.connect() as connection:
        counted = connection.execute(sa.select(table.c.state, sa.func.count()).group_by(table.c.state))
        states = Counter({str(state): int(count) for state, count in counted})
        stored = connection.execute(sa.select(sa.func.coalesce(sa.func.sum(schema.chunks.c.sealed_bytes), 0))).scalar_one()
    lines = ["# HELP edgeagent_sessions Sessions by state.", "# TYPE edgeagent_sessions gauge"]
    lines += [f'edgeagent_sessions{{state="{state}"}} {states[state]}' for state in get_args(State)]
    lines += _one("edgeagent_chunk_bytes", "gauge", "Sealed bytes of all chunks.", int(stored))
    lines += _one("edgeagent_workers", "gauge", "Workers that run now.", len(pool.workers) if pool else 0)
    lines += _one("edgeagent_workers_lost_total", "counter", "Workers that were lost.", pool.taken_over if pool else 0)
    return "\n".join(lines) + "\n"


def _one(name: str, kind: str, help_text: str, value: int) -> list[str]:
    return [f"# HELP {name} {help_text}", f"# TYPE {name} {kind}", f"{name} {value}"]

"""``edgeagent cloud gc`` and ``edgeagent cloud sessions``: what whoever runs a backend keeps, and what goes."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgeagent.cli.cloud_options import BLOBS, DATA, LEDGER, folder_of, require_extra
from edgeagent.cli.sessions_text import echo_json
from edgeagent.counts import counted
from edgeagent.errors import SessionNotFound

if TYPE_CHECKING:
    from edgeagent.cloud.depot import Depot
    from edgeagent.cloud.sweeping import Swept

_OUTPUT = click.option("--output", type=click.Choice(["text", "json"]), default="text", show_default=True)


@click.command()
@DATA
@LEDGER
@BLOBS
@click.option("--grace-hours", default=24.0, show_default=True, type=float, help="What was counted on lately stays.")
@click.option(
    "--keep-days", default=30.0, show_default=True, type=click.FloatRange(0), help="Copies of sessions that went home stay."
)
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@_OUTPUT
def gc(
    data: Path | None, ledger: str, blobs: str, grace_hours: float, keep_days: float, dry_run: bool, output: str
) -> None:  # fmt: skip
    """Remove chunks that no session refers to and nobody counts on. Safe while the backend runs."""
    depot = _depot(data, ledger, blobs)
    from edgeagent.cloud.sweeping import Sweep, sweep

    swept = list(sweep(depot, Sweep(3600 * grace_hours, keep_days, dry_run)))
    if output == "json":
        return echo_json([dataclasses.asdict(one) for one in swept])
    for one in swept:
        click.echo(_line(one, dry_run))
    return None


def _line(one: Swept, dry_run: bool) -> str:
    if one.kept_because:
        return f"{one.tenant}: nothing was touched: {one.kept_because}"
    verb = "would go" if dry_run else "went"
    entered = f"; {one.entered} that the ledger did not know, later" if one.entered else ""
    return (
        f"{one.tenant}: {counted(one.chunks, 'chunk')} ({one.chunk_bytes / 1e6:.1f} MB), {counted(one.manifests, 'manifest')}, "
        f"{one.sessions} copies of sessions {verb}{entered}"
    )


@click.group()
def sessions() -> None:
    """The sessions that the backend knows, of all tenants."""


@sessions.command("list")
@DATA
@LEDGER
@click.option("--tenant", default="", help="Only of this one.")
@_OUTPUT
def list_(data: Path | None, ledger: str, tenant: str, output: str) -> None:
    """Each with its owner, and when it last changed."""
    depot = _depot(data, ledger, "")
    from edgeagent.cloud.ledger.collecting import tenants

    rows = [row for name in tenants(depot.ledger.engine) if tenant in ("", name) for row in depot.ledger.all(name)]
    if output == "json":
        return echo_json([dataclasses.asdict(row) for row in rows])
    for row in rows:
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(row.updated_s))
        click.echo(f"{row.tenant:<20}  {row.session:<24}  {row.owner:<7} {row.state:<10} step {row.last_step:<5} {when}")
    return None


@sessions.command()
@click.argument("tenant")
@click.argument("session")
@DATA
@LEDGER
@BLOBS
@click.option("--even-here", is_flag=True, help="Also one that is the backend's: it is lost.")
def delete(tenant: str, session: str, data: Path | None, ledger: str, blobs: str, even_here: bool) -> None:
    """Remove what the backend has of SESSION, and that there was one; its chunks go with the next `gc`.

    The ledger then no longer refuses an older copy of it that lies on some machine.
    """
    depot = _depot(data, ledger, blobs)
    from edgeagent.cloud.sweeping import delete_session

    try:
        row = depot.ledger.find(tenant, session)
    except SessionNotFound as error:
        raise SessionNotFound(f"{tenant} has no session {session!r} here", "edgeagent cloud sessions list") from error
    delete_session(depot, row, even_here)
    click.echo(f"{session} of {tenant} is removed")


def _depot(data: Path | None, ledger: str, blobs: str) -> Depot:
    require_extra()
    from edgeagent.cloud.serving import Settings, open_depot

    return open_depot(Settings(folder_of(data), ledger=ledger, blobs=blobs))

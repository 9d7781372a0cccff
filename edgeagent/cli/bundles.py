"""``sessions export --format bundle`` and ``sessions import``: a session as one encrypted file."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from edgeagent.counts import counted
from edgeagent.errors import UsageError
from edgeagent.prove.keys import read_public, signing_key
from edgeagent.sessions.store import SessionStore
from edgeagent.sessions.summary import human_bytes
from edgeagent.small_files import why
from edgeagent.teleport.bundle_file import open_bundle, write_bundle
from edgeagent.teleport.engine_state import ENGINE_STATE
from edgeagent.teleport.importing import take_in
from edgeagent.teleport.manifest import EngineState
from edgeagent.teleport.plan import make_plan

PASSPHRASE_VARIABLE = "EDGEAGENT_BUNDLE_PASSPHRASE"


def passphrase_from(file: Path | None, confirm: bool) -> str:
    """The passphrase: the first line of ``file``, else ``$EDGEAGENT_BUNDLE_PASSPHRASE``, else asked on the terminal."""
    if file is not None:
        try:
            return file.read_text(encoding="utf-8").split("\n", 1)[0]
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"--passphrase-file {file} cannot be read: {why(error)}", "name a text file") from error
    if PASSPHRASE_VARIABLE in os.environ:
        return os.environ[PASSPHRASE_VARIABLE]
    if not sys.stdin.isatty():
        raise UsageError("there is no terminal to ask for the passphrase on", f"--passphrase-file FILE, or {PASSPHRASE_VARIABLE}")
    return str(click.prompt("passphrase", hide_input=True, confirmation_prompt=confirm, err=True))


def export_bundle(session: Path, out: Path, passphrase_file: Path | None, with_engine_state: bool) -> None:
    """Write the session in ``session`` to ``out``."""
    plan = make_plan(session, with_engine_state)
    used = write_bundle(plan, out, passphrase_from(passphrase_file, confirm=True), signing_key(), _progress)
    again = f", {human_bytes(used)} of them from an unfinished file" if used else ""
    state = plan.manifest.engine
    more = f", {human_bytes(state.size)} of the engine's state" if isinstance(state, EngineState) else ""
    click.echo(f"{out}: {human_bytes(plan.manifest.size)} in {counted(len(plan.manifest.files), 'file')}{more}{again}", err=True)
    if with_engine_state and not more:
        told = next((stays.why for stays in plan.manifest.stays if stays.path == ENGINE_STATE), "")
        click.echo(f"without the engine's state: {told}", err=True)


def import_bundle(file: Path, key: Path | None, passphrase_file: Path | None, trusted: bool) -> None:
    """Take in the session in ``file``, signed with ``key`` if one is given."""
    signer = read_public(key).removeprefix("ed25519:") if key else ""
    bundle = open_bundle(file, passphrase_from(passphrase_file, confirm=False), signer)
    with bundle.stream:
        origin, known = f"the file {file.name}", trusted or key is not None
        directory = take_in(SessionStore(), bundle.manifest, bundle, origin, progress=_progress, trusted=trusted, known=known)
    if isinstance(bundle.manifest.engine, EngineState) and not known:
        click.echo("without the engine's state: an engine takes it only from whom you know; --key makes sure", err=True)
    click.echo(
        f"{directory.name}: {counted(bundle.manifest.head.events, 'event')}, {counted(bundle.manifest.head.last_step, 'step')}"
    )
    click.echo(f"signed by ed25519:{bundle.signer}" + ("" if key else ", whoever that is: --key makes sure"))
    click.echo(f"go on: edgeagent sessions resume {directory.name}")


def _progress(done: int, total: int) -> None:
    if sys.stderr.isatty():
        click.echo(f"\r{human_bytes(done)} of {human_bytes(total)} ", nl=done >= total, err=True)

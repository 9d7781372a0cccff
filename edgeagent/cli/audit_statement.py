"""The part of ``edgeagent audit verify`` that is about signed statements."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import click

from edgeagent.cli.proof_text import print_verified, verified_object
from edgeagent.cli.sessions_text import echo_json
from edgeagent.errors import RecordingDamaged, UsageError
from edgeagent.prove.keys import read_public
from edgeagent.prove.statement import STATEMENT_NAME
from edgeagent.prove.verifying import statement_path, verify
from edgeagent.recording.log import LOG_NAME
from edgeagent.sessions.store import SessionStore


@dataclass(frozen=True, slots=True)
class Stated:
    """What came of it; where there is no statement, nothing is wrong."""

    ok: bool = True
    alone: bool = False
    """Whether the target was the statement itself, so that there is nothing else to verify."""


def session_directory(target: str) -> Path:
    """The directory of a session that is named by its path (a copy from elsewhere) or by the beginning of its id."""
    path = Path(target)
    return path if any((path / name).is_file() for name in (LOG_NAME, STATEMENT_NAME)) else SessionStore().find(target)


def _is_audit_log(path: Path) -> bool:
    with path.open("rb") as stream:
        return b'"prev_hash":' in stream.readline()


def verify_statement(target: str, key: Path | None, as_json: bool) -> Stated:
    """Verify and tell the statement that ``target`` is, or that lies with the session ``target``."""
    alone = Path(target).is_file()
    path = statement_path(Path(target) if alone else session_directory(target))
    if path is None and key and alone and not _is_audit_log(Path(target)):
        path = Path(target)  # whoever gives a key means a statement: this one has been damaged
    if path is None:
        if key:
            raise UsageError(f"{target} has no signed statement that --key could be for", "edgeagent prove makes one with a run")
        return Stated()
    trusted = read_public(key) if key else ""
    try:
        found = verify(path, trusted)
    except RecordingDamaged as error:
        echo_json({"path": str(path), "ok": False, "problems": [str(error)]}) if as_json else click.echo(f"PROBLEM: {error}")
        return Stated(False, alone)
    if as_json:
        echo_json(verified_object(path, found))
    else:
        print_verified(path, found)
    return Stated(found.ok, alone)

"""A statement and its verification, for people and for programs."""

from __future__ import annotations

import time
from pathlib import Path

import click
import msgspec

from edgeagent.prove.statement import Statement
from edgeagent.prove.verifying import Verified
from edgeagent.words import printable

_MARKS = {"passed": ("ok  ", "green"), "failed": ("FAIL", "red"), "not_available": ("none", "yellow")}
_SHORT_CHARS = 400


def print_statement(statement: Statement) -> None:
    """Every check, then the verdict."""
    for check in statement.checks:
        mark, colour = _MARKS[check.result]
        click.echo(f"{click.style(mark, fg=colour)}  {check.words}  [{check.name}]")
        if check.detail and check.result != "passed":
            click.echo(f"      {printable(check.detail)[:_SHORT_CHARS]}")
    looks = statement.looks
    click.echo(
        f"{len(statement.processes)} processes, {looks.count} looks, at most {looks.longest_gap_s:.2f} s apart; "
        f"session {statement.session or 'none'}, {_utc(statement.began_s)} to {_utc(statement.ended_s)}"
    )
    click.echo("this does not say:")
    for limit in statement.limits:
        click.echo(f"  - {limit}")
    click.secho(statement.verdict, bold=True, fg="green" if statement.verdict == "PROVEN" else "red")


def print_verified(path: Path, found: Verified) -> None:
    """Whether the statement holds."""
    for problem in found.problems:
        click.secho(f"PROBLEM: {printable(problem)}", fg="red")
    for note in found.notes:
        click.echo(f"note: {printable(note)}")
    words = "valid" if not found.problems else "NOT valid"
    click.secho(f"{path}: {words}, says {found.statement.verdict}, signed with {found.key_words}", bold=True)
    click.echo(found.public_key)


def verified_object(path: Path, found: Verified) -> dict[str, object]:
    """The same for programs."""
    return {
        "path": str(path),
        "ok": found.ok,
        "verdict": found.statement.verdict,
        "public_key": found.public_key,
        "key": found.key_words,
        "problems": list(found.problems),
        "notes": list(found.notes),
        "statement": msgspec.to_builtins(found.statement),
    }


def _utc(time_s: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(time_s))

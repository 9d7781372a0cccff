"""``edgeagent audit``: what a session's policy permitted and denied, and whether that record is still what was written."""

from __future__ import annotations

import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import click

from edgeagent import events
from edgeagent.cli.audit_statement import session_directory, verify_statement
from edgeagent.cli.exits import EXIT_CODES_HELP, Exit
from edgeagent.cli.sessions_text import echo_json
from edgeagent.counts import counted
from edgeagent.errors import RecordingError, UsageError
from edgeagent.recording.audit_trail import Verified, audit_path, verify_session
from edgeagent.recording.log import LOG_NAME
from edgeagent.recording.log_reading import read_log
from edgeagent.words import printable
from edgeagent_harness.audit import read
from edgeagent_harness.policy.hosts import endpoint_text
from edgeagent_harness.policy.types import Endpoint
from edgeagent_harness.protocol import audit as entries
from edgeagent_harness.protocol.messages import DesktopSpec

_OUTPUT = click.option("--output", type=click.Choice(["text", "json"]), default="text", show_default=True)


@click.group(epilog=EXIT_CODES_HELP)
def audit() -> None:
    """Show and verify audit logs. SESSION is a session's directory, or any unambiguous beginning of its id."""


@audit.command()
@click.argument("target", metavar="FILE|SESSION")
@click.option("--key", type=click.Path(path_type=Path), help="Public key that the statement must be signed with.")
@_OUTPUT
def verify(target: str, key: Path | None, output: str) -> None:
    """Check that no line was edited, dropped or reordered; for a session also that none is missing at the end.

    A signed statement (`edgeagent prove`) is verified as well: alone, or with the session that it lies beside.
    Exit code 0 if everything is what was written, and a statement says PROVEN; 1 if not.
    """
    with _reading(target):
        stated = verify_statement(target, key, as_json=output == "json")
        if stated.alone:
            sys.exit(Exit.DONE if stated.ok else Exit.NOT_DONE)
        path, facts = _find(target)
        found = verify_session(path, facts)
    if output == "json":
        echo_json(_report(path, found))
    else:
        _print_report(path, found, anchored=bool(facts))
    sys.exit(Exit.DONE if found.ok and stated.ok else Exit.NOT_DONE)


@audit.command()
@click.argument("target", metavar="FILE|SESSION")
@_OUTPUT
def show(target: str, output: str) -> None:
    """Each entry of an audit log, one line each."""
    with _reading(target):
        path, facts = _find(target)
        lines = read(path)
    if output == "json":
        echo_json(lines)
    else:
        for line in lines:
            clock = time.strftime("%H:%M:%S", time.localtime(line.time))
            click.echo(f"{line.seq + 1:4}  {clock}  {printable(entry_words(line.entry))}")
    if not verify_session(path, facts).ok:
        click.echo(f"this log is NOT what was written: edgeagent audit verify {target}", err=True)


@contextmanager
def _reading(target: str) -> Generator[None]:
    """What cannot be read is told as such."""
    try:
        yield
    except OSError as error:
        raise RecordingError(
            f"cannot read {error.filename or target}: {error.strerror}", "name a file that you may read"
        ) from error


def _find(target: str) -> tuple[Path, list[events.EventData]]:
    """The audit log that is meant, and the session's facts; a file of its own has none."""
    path = Path(target)
    directory = path.parent if path.is_file() else session_directory(target)
    log = directory / LOG_NAME
    facts = [event.data for event in read_log(log).events] if log.is_file() else []
    if path.is_file():
        return path, facts
    specs = [fact.desktop for fact in facts if isinstance(fact, events.SessionCreated)]
    path = audit_path(directory, specs[0] if specs else DesktopSpec())
    if not path.exists() and not any(isinstance(fact, events.AuditAnchored) for fact in facts):
        raise UsageError(f"{path}: there is no audit log", "sessions of this version keep one; older ones have none")
    return path, facts


def _report(path: Path, found: Verified) -> dict[str, object]:
    return {
        "ok": found.ok,
        "path": str(path),
        "lines": found.checked.head.lines,
        "head": found.checked.head.hash,
        "anchored_lines": found.anchored_lines,
        "torn_bytes": len(found.checked.torn),
        "problems": [{"line": problem.line, "reason": problem.reason} for problem in found.problems],
    }


def _print_report(path: Path, found: Verified, anchored: bool) -> None:
    for problem in found.problems:
        click.echo(f"line {problem.line}: {problem.reason}")
    if found.checked.torn:
        click.echo(f"the last line was cut off in its middle (left of it: {counted(len(found.checked.torn), 'byte')})")
    lines = found.checked.head.lines
    click.secho(
        f"{'OK' if found.ok else 'NOT OK'}: {path}, {counted(lines, 'line')}, head {found.checked.head.hash[:16]}", bold=True
    )
    beyond = lines - found.anchored_lines
    if not anchored:
        click.echo("no session stands beside it: a cut end, or a chain that was written anew, cannot be told")
    elif beyond > 0:
        click.echo(f"{counted(beyond, 'line')} at the end anchored nowhere else yet: whether more followed cannot be told")


def entry_words(entry: entries.Entry) -> str:
    """``entry`` in words."""
    match entry:
        case entries.SandboxStarted():
            missing = f"; missing: {', '.join(entry.missing)}" if entry.missing else ""
            accepted = f"; accepted as missing: {', '.join(entry.accepted_missing)}" if entry.accepted_missing else ""
            degraded = f"; degraded: {'; '.join(entry.degraded)}" if entry.degraded else ""
            return f"sandbox started, policy {entry.policy} ({entry.policy_sha256[:12]}){missing}{accepted}{degraded}"
        case entries.SandboxEnded():
            return f"sandbox ended{' BY A VIOLATION' if entry.violation else ''}: {entry.reason}"
        case entries.Connection():
            place = endpoint_text(Endpoint(entry.host, entry.port)) if entry.host else ""
            what = " ".join(filter(None, (entry.protocol, entry.method, f"{place}{entry.path}")))
            moved = f", {entry.bytes_out} bytes out, {entry.bytes_in} in" if entry.decision == "allowed" else ""
            return f"{_words(entry.decision)}: {what} ({entry.reason}){moved}"
        case entries.SystemCall():
            times = f", {entry.count} times" if entry.count > 1 else ""
            return f"{_words(entry.decision)}: system call {entry.call} by {entry.command or '?'} (process {entry.pid}{times})"
        case entries.Executed():
            return f"started: {entry.path} by {entry.command or '?'} (process {entry.pid})"
        case entries.LimitPassed():
            return f"limit passed: {entry.limit}, {entry.used:g} of {entry.allowed:g} {entry.unit}"
        case entries.PolicyChanged():
            what = f"{counted(len(entry.endpoints), 'endpoint')}, {counted(entry.closed_connections, 'connection')} closed"
            return f"policy read anew: {what}" if entry.accepted else f"policy edit refused, the old one holds: {entry.reason}"
        case entries.UserAllowed():
            return f"the user allowed {endpoint_text(Endpoint(entry.host, entry.port))} ({entry.scope})"
        case entries.GateDecision():
            return f"gate {_words(entry.decision)}: {entry.action} (rule {entry.rule}) {entry.reason}"
        case entries.SessionStopped():
            how = f"COULD NOT be stopped ({entry.failed})" if entry.failed else f"stopped, process {entry.pid} after {entry.by}"
            return f"session {entry.session} {how}: {entry.reason}"


def _words(decision: str) -> str:
    return decision.replace("_", " ")

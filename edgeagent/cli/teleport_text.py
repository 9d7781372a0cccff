"""What leaves with a session, in words."""

from __future__ import annotations

import sys

import click

from edgeagent.sessions.summary import human_bytes
from edgeagent.teleport.manifest import FileEntry, FolderEntry, LinkEntry, Manifest
from edgeagent.teleport.plan import Plan
from edgeagent.teleport.progress import Entered, Moved, Previewed, Progress, Stage
from edgeagent.teleport.wire import Standing
from edgeagent.words import printable

_EXPECTS = {
    "exact": "exact: everything that is open comes along",
    "replayed": "replayed: what was filled in is filled in again; nothing was done that can have had an effect outside",
    "reopened": "reopened: applications are started again; something was done that may have had an effect outside",
}


_STAGES: dict[Stage, str] = {
    "preparing": "preparing the way to",
    "uploading": "sending to",
    "verifying": "rebuilt and compared by",
    "handing_over": "handing over to",
    "there": "handed over to",
    "returning": "waiting for the step under way at",
    "fetching": "fetching from",
    "returned": "taken back from",
}


def plan_object(plan: Plan) -> dict[str, object]:
    """What ``--output json`` prints: the list that is sent, and nothing else is."""
    manifest = plan.manifest
    return {
        "session": manifest.session,
        "manifest_hash": plan.hash,
        "events": manifest.head.events,
        "last_step": manifest.head.last_step,
        "transcript_hash": manifest.head.hash,
        "frames": manifest.frames,
        "bytes": manifest.size,
        "expects": manifest.expects,
        "model": manifest.model,
        "policy": manifest.policy,
        "applications": manifest.applications,
        "limits": manifest.limits,
        "left": manifest.left,
        "entries": manifest.entries,
        "stays": manifest.stays,
        "found": manifest.found,
    }


def print_plan(plan: Plan) -> None:
    """Each file, what it may give away, and what stays behind."""
    manifest = plan.manifest
    head = manifest.head
    click.secho(f"session {manifest.session}: {head.events} events, {head.last_step} steps, {manifest.frames} frames", bold=True)
    for entry in manifest.entries:
        click.echo(f"  {_size(entry):>8}  {_mode(entry)}  {printable(_name(entry))}")
    click.echo(f"  {human_bytes(manifest.size):>8}  in {len(manifest.files)} files, {len(manifest.chunks())} chunks")
    _print_found(manifest)
    click.secho("what stays behind:", bold=True)
    for stays in manifest.stays:
        click.echo(f"  {printable(stays.path)}: {printable(stays.why)}")
    click.echo(f"model: {printable(manifest.model.name)}; policy: {printable(manifest.policy)}")
    left = ", ".join(f"{count:g} {what}" for what, count in manifest.left.items())
    if left:
        click.echo(f"left of its limits: {left}")
    click.echo(f"the screen there: {_EXPECTS[manifest.expects]}")


def print_standing(standing: Standing, name: str) -> None:
    """Whose a session is."""
    whose = f"{name} has it" if standing.owner == "cloud" else "a client has it"
    click.secho(f"{standing.session}: {whose}, {standing.state}, epoch {standing.epoch}", bold=True)
    ended = f", {standing.outcome}: {printable(standing.message)}" if standing.outcome else ""
    click.echo(f"  step {standing.last_step}{ended}")


class Bars:
    """Renders a hand-over: a line for each stage, and a bar where there is a terminal."""

    def tell(self, progress: Progress) -> None:
        match progress:
            case Entered(stage=stage, backend=backend):
                click.echo(f"{_STAGES[stage]} {backend}".rstrip(), err=True)
            case Moved(done=done, total=total, had=had):
                self._bar(done, total, had)
            case Previewed():
                pass

    def _bar(self, done: int, total: int, had: int) -> None:
        if not done and total == 0:
            click.echo(f"  nothing to send: {human_bytes(had)} are there already", err=True)
        elif sys.stderr.isatty() or done == total:
            filled = 30 * done // max(1, total)
            bar = "█" * filled + "·" * (30 - filled)
            click.echo(f"\r  {bar} {human_bytes(done)} of {human_bytes(total)}", nl=done == total, err=True)


def _print_found(manifest: Manifest) -> None:
    if not manifest.found:
        click.echo("nothing in these files looks like a secret")
        return
    click.secho("what looks like a secret, and would leave:", bold=True, fg="yellow")
    for found in manifest.found:
        click.secho(f"  {printable(found.path)}: {found.what}", fg="yellow")


def _name(entry: FileEntry | FolderEntry | LinkEntry) -> str:
    match entry:
        case FolderEntry(path=path):
            return f"{path}/"
        case LinkEntry(path=path, target=target):
            return f"{path} -> {target}"
        case _:
            return entry.path


def _size(entry: FileEntry | FolderEntry | LinkEntry) -> str:
    return human_bytes(entry.size) if isinstance(entry, FileEntry) else ""


def _mode(entry: FileEntry | FolderEntry | LinkEntry) -> str:
    return "link" if isinstance(entry, LinkEntry) else f"{entry.mode:04o}"

"""A move on the command line: what leaves, and how far it is."""

from __future__ import annotations

import sys
from typing import Any

import click

from edgeagent.sessions.summary import human_bytes
from edgeagent.teleport.manifest import EngineState
from edgeagent.teleport.plan import Plan
from edgeagent.teleport.progress import Entered, Moved, Previewed, Progress
from edgeagent.teleport.telling import STAGES, Tone, bar, plan_lines
from edgeagent.teleport.wire import Standing
from edgeagent.words import printable

_STYLES: dict[Tone, dict[str, Any]] = {"plain": {}, "title": {"bold": True}, "warning": {"fg": "yellow"}}


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
        "windows": manifest.windows or (),
        "limits": manifest.limits,
        "left": manifest.left,
        "entries": manifest.entries,
        "engine_state": manifest.engine if isinstance(manifest.engine, EngineState) else None,
        "stays": manifest.stays,
        "found": manifest.found,
    }


def print_plan(plan: Plan) -> None:
    """Each file, what it may give away, and what stays behind."""
    for line in plan_lines(plan):
        click.secho(line.text, **_STYLES[line.tone])


def print_standing(standing: Standing, name: str) -> None:
    """Whose a session is."""
    whose = f"{name} has it" if standing.owner == "cloud" else "a client has it"
    click.secho(f"{standing.session}: {whose}, {standing.state}, epoch {standing.epoch}", bold=True)
    ended = (
        f", {standing.outcome}: {printable(standing.message)}".rstrip(": ")
        if standing.outcome and standing.state != "running"
        else ""
    )
    click.echo(f"  step {standing.last_step}{ended}")
    if standing.trouble:
        click.secho(f"  it cannot go on there: {printable(standing.trouble)}", fg="yellow")


class Bars:
    """Renders a hand-over: a line for each stage, and a bar where there is a terminal."""

    def tell(self, progress: Progress) -> None:
        match progress:
            case Entered(stage=stage, backend=backend):
                click.echo(f"{STAGES[stage]} {backend}".rstrip(), err=True)
            case Moved(done=done, total=total, had=had):
                self._bar(done, total, had)
            case Previewed():
                pass

    def _bar(self, done: int, total: int, had: int) -> None:
        if not done and total == 0:
            click.echo(f"  nothing to move: all {human_bytes(had)} are on both sides already", err=True)
        elif sys.stderr.isatty() or done == total:
            click.echo(f"\r  {bar(done, total)} {human_bytes(done)} of {human_bytes(total)}", nl=done == total, err=True)

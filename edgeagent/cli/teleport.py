"""``edgeagent teleport``: a session moves to another machine and back, and what would leave with it."""

from __future__ import annotations

import click

from edgeagent.cli.exits import EXIT_CODES_HELP
from edgeagent.cli.sessions_text import echo_json
from edgeagent.cli.teleport_text import plan_object, print_plan
from edgeagent.sessions.store import SessionStore
from edgeagent.teleport.plan import make_plan

_OUTPUT = click.option("--output", type=click.Choice(["text", "json"]), default="text", show_default=True)


@click.group(epilog=EXIT_CODES_HELP)
def teleport() -> None:
    """Move a session to another machine and back. SESSION may be any unambiguous beginning of its id."""


@teleport.command()
@click.argument("session")
@_OUTPUT
def preview(session: str, output: str) -> None:
    """What would leave: each file, frames, bytes, what looks like a secret, and what stays behind. Nothing is sent."""
    plan = make_plan(SessionStore().find(session))
    if output == "json":
        echo_json(plan_object(plan))
    else:
        print_plan(plan)

"""``edgeagent models states``: what is kept of sessions for their engines, so that they go on without computing again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
import msgspec

from edgeagent.errors import EnvironmentProblem

if TYPE_CHECKING:
    from edgeagent.state_store.port import StateStore
    from edgeagent.state_store.telling import Held


@click.command()
@click.option("--clear", "clears", is_flag=True, help="Remove all of it, behind the disk too.")
@click.option("--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
def states(clears: bool, output: str) -> None:
    """What engines keep of sessions that may go on: on this disk, and behind it (state_store in config.toml).

    Without it a session goes on all the same: its prompt is computed again.
    """
    from edgeagent.state_store import telling

    store = own_store()
    if clears:
        try:
            telling.clear(store)
        except TimeoutError as error:
            raise EnvironmentProblem("the state store does not answer: what it has stays there") from error
    held = [*telling.on_disk(), *([telling.behind(store)] if store else [])]
    if output == "json":
        click.echo(msgspec.json.encode(held).decode())
        return
    for one in held:
        click.echo(f"{one.place:8} {told(one)}")
    for line in telling.last_lines():
        click.echo(f"  {line}")


def told(held: Held) -> str:
    """``2 states, 290 MB in FOLDER``."""
    from edgeagent.sessions.summary import human_bytes

    if held.problem:
        return f"{held.where}: {held.problem}"
    return f"{held.states} states, {human_bytes(held.size_bytes)} in {held.where}"


def own_store() -> StateStore | None:
    """The user's place behind the disk. Raises `UsageError` and `EnvironmentProblem` for one that cannot be used."""
    from edgeagent import settings
    from edgeagent.state_store.settings import app_store, store_for

    return store_for(app_store(settings.read()))

"""``edgeagent teleport``: a session moves to another machine and back, and what would leave with it."""

from __future__ import annotations

import asyncio
import re
import secrets
import sys
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from pathlib import Path
from typing import TypeVar

import click

from edgeagent.cli.exits import EXIT_CODES_HELP
from edgeagent.cli.sessions_text import echo_json
from edgeagent.cli.teleport_text import Bars, plan_object, print_plan, print_standing
from edgeagent.errors import SessionNotFound, UsageError
from edgeagent.sessions.store import SessionStore
from edgeagent.sessions.whereabouts import require_elsewhere, whereabouts
from edgeagent.teleport.api import Api, connect
from edgeagent.teleport.backends import Connected, backend, backends, checked_name, keep_backend, name_of
from edgeagent.teleport.manifest import SESSION_PATTERN
from edgeagent.teleport.meeting import meet, said_of, token_in
from edgeagent.teleport.mirroring import Mirror, follow
from edgeagent.teleport.plan import Plan, make_plan
from edgeagent.teleport.pulling import pull as pull_session
from edgeagent.teleport.pushing import keep as keep_session
from edgeagent.teleport.pushing import push as push_session
from edgeagent.teleport.pushing import require_permitted
from edgeagent.teleport.wire import Command, CommandKind, Standing

T = TypeVar("T")
_OUTPUT = click.option("--output", type=click.Choice(["text", "json"]), default="text", show_default=True)


_ENGINE_STATE = click.option(
    "--with-engine-state", is_flag=True, help="What its engine holds, too: large, never needed, and spares computing it again."
)


@click.group(epilog=EXIT_CODES_HELP)
def teleport() -> None:
    """Move a session to another machine and back. SESSION may be any unambiguous beginning of its id."""


@teleport.command()
@click.argument("session")
@_ENGINE_STATE
@_OUTPUT
def preview(session: str, with_engine_state: bool, output: str) -> None:
    """What would leave: each file, frames, bytes, what looks like a secret, and what stays behind. Nothing is sent."""
    plan = make_plan(SessionStore().find(session), with_engine_state)
    if output == "json":
        echo_json(plan_object(plan))
    else:
        print_plan(plan)


@teleport.command("connect")
@click.argument("name")
@click.argument("url")
@click.option(
    "--token-file", required=True, type=click.Path(path_type=Path), help="File with what `edgeagent cloud token create` printed."
)
@click.option(
    "--ca", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="PEM file to check its certificate with."
)
def connect_(name: str, url: str, token_file: Path, ca: Path | None) -> None:
    """Remember the backend at URL as NAME, with the keys that it shows now: it must keep them."""
    checked_name(name)
    found = asyncio.run(meet(said_of(url, token_in(str(token_file)), str(ca or ""))))
    keep_backend(name, found)
    click.echo(f"{name}: {found.url}, signs with ed25519:{found.signer}")


@teleport.command("backends")
def backends_() -> None:
    """Those that are connected to."""
    for name, known in backends().items():
        click.echo(f"{name}  {known.url}  ed25519:{known.signer}")


@teleport.command()
@click.argument("name")
def disconnect(name: str) -> None:
    """Forget a backend and its token. Sessions that are there stay there."""
    backend(name)
    keep_backend(name, None)


@teleport.command()
@click.argument("session")
@click.option("--to", "name", default="", metavar="NAME", help="Which backend, if there are several.")
@click.option("--plan-only", is_flag=True, help="Show what would leave, and stop there.")
@_ENGINE_STATE
@click.option("--yes", is_flag=True, help="Do not ask.")
def push(session: str, name: str, plan_only: bool, with_engine_state: bool, yes: bool) -> None:
    """Hand SESSION over to a backend, where it goes on. A run that is under way finishes its step first."""
    store = SessionStore()
    directory = store.find(session)
    require_permitted(directory)
    if plan_only:
        return print_plan(make_plan(directory, with_engine_state))
    name = name_of(name or whereabouts(directory).remote)
    bars = Bars()

    def confirm(plan: Plan) -> bool:
        return yes or _confirmed(plan, name)

    async def hand_over(api: Api) -> Standing:
        return await push_session(store, directory.name, name, backend(name), api, bars.tell, confirm, with_engine_state)

    standing = _with_api(backend(name), hand_over)
    print_standing(standing, name)
    return click.echo(f"watch it: edgeagent teleport follow {standing.session}")


def _confirmed(plan: Plan, name: str) -> bool:
    print_plan(plan)
    if not sys.stdin.isatty():
        raise UsageError("not sent: there is no terminal to ask on", "say --yes")
    return click.confirm(f"send this to {name}?")


@teleport.command()
@click.argument("session")
@click.option("--from", "name", default="", metavar="NAME", help="Which backend, if there are several.")
def pull(session: str, name: str) -> None:
    """Take SESSION back. The step under way there finishes first. On a machine that never had it: give its whole id."""
    store = SessionStore()
    session, name = _known(store, session, name)
    bars = Bars()

    async def take_back(api: Api) -> Path:
        return await pull_session(store, session, name, backend(name), api, bars.tell)

    directory = _with_api(backend(name), take_back)
    click.echo(f"{directory.name} is here\ngo on: edgeagent sessions resume {directory.name}")


@teleport.command()
@click.argument("session")
@click.option("--to", "name", default="", metavar="NAME", help="Which backend, if there are several.")
def keep(session: str, name: str) -> None:
    """Let a session whose hand-over was cut off stay here after all."""
    store = SessionStore()
    session, name = _known(store, session, name)
    _with_api(backend(name), lambda api: keep_session(store, session, api))
    click.echo(f"{session} stays here")


@teleport.command()
@click.argument("session", required=False)
@click.option("--at", "name", default="", metavar="NAME", help="Which backend, if there are several.")
@_OUTPUT
def status(session: str | None, name: str, output: str) -> None:
    """Whose SESSION is, as the backend's ledger says; without one, all that the backend has."""
    store = SessionStore()
    if session:
        session, name = _known(store, session, name)
    name = name_of(name)

    async def ask(api: Api) -> list[Standing]:
        return [await api.standing(session)] if session else await api.sessions()

    standings = _with_api(backend(name), ask)
    if output == "json":
        return echo_json(standings)
    for standing in standings:
        print_standing(standing, name)
        here = whereabouts(store.root / standing.session)
        click.echo(f"  this machine knows: {here.phase.replace('_', ' ')}, epoch {here.epoch}")
    return None


@teleport.command("follow")
@click.argument("session")
@click.option("--from", "name", default="", metavar="NAME", help="Which backend, if there are several.")
def follow_(session: str, name: str) -> None:
    """Watch SESSION, and keep the copy here up to date, until it is idle there or comes back. Ctrl-C stops watching only."""
    from edgeagent.cli.live import LivePrinter

    store = SessionStore()
    session, name = _known(store, session, name)
    require_elsewhere(store.find(session))
    printer = LivePrinter(None)

    async def watch(api: Api) -> Standing | None:
        mirror, standing = Mirror(store.find(session)), None
        try:
            async with aclosing(follow(api, session, mirror)) as told:
                async for one in told:
                    if not isinstance(one, Standing):
                        printer(one.data)
                        continue
                    standing = one
                    if standing.state in ("idle", "home"):
                        break
        finally:
            mirror.close()
        return standing

    if standing := _with_api(backend(name), watch):
        print_standing(standing, name)


@teleport.command()
@click.argument("session")
@click.argument("message")
@click.option("--approve", is_flag=True, help="Permit, once, the action that the run there waits for.")
@click.option("--to", "name", default="", metavar="NAME", help="Which backend, if there are several.")
def send(session: str, message: str, approve: bool, name: str) -> None:
    """Say MESSAGE to the run there: an answer, a correction, more to do. A run that waits goes on."""
    if not approve and not message.strip():
        raise UsageError("there is nothing to say in that", "a message, or --approve")
    if approve:
        _command(session, name, "approve", "")
    if message.strip():
        _command(session, name, "say", message)


@teleport.command()
@click.argument("session")
@click.option("--reason", default="stopped with `edgeagent teleport stop`", help="What the session's log is to say.")
@click.option("--to", "name", default="", metavar="NAME", help="Which backend, if there are several.")
def stop(session: str, reason: str, name: str) -> None:
    """End the run there after the step under way. The session stays there."""
    _command(session, name, "stop", reason)


def _command(session: str, name: str, kind: CommandKind, text: str) -> None:
    store = SessionStore()
    session, name = _known(store, session, name)
    require_elsewhere(store.root / session)
    command = Command(secrets.token_hex(16), kind, text)
    print_standing(_with_api(backend(name), lambda api: api.command(session, command)), name)


def _known(store: SessionStore, session: str, name: str) -> tuple[str, str]:
    """The whole id, and the name of the backend that it is at."""
    try:
        directory = store.find(session)
    except SessionNotFound:
        if re.match(SESSION_PATTERN, session) is None:
            raise UsageError(
                f"{session!r} is no session's id", "`edgeagent teleport status` lists those that are there"
            ) from None
        return session, name_of(name)
    return directory.name, name_of(name or whereabouts(directory).remote)


def _with_api(known: Connected, work: Callable[[Api], Awaitable[T]]) -> T:
    async def run() -> T:
        async with connect(known) as api:
            return await work(api)

    return asyncio.run(run())

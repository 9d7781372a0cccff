"""``edgeagent sessions``: what is recorded, and what can be done with it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edgeagent.cli.choices import MODES, RESUME_MODE_HELP
from edgeagent.cli.exits import EXIT_CODES_HELP, Exit, exit_for
from edgeagent.cli.offline import go_on_as_recorded
from edgeagent.cli.output import OutputFormat, Renderer, renderer_for
from edgeagent.cli.remote_notice import tell_what_leaves
from edgeagent.cli.seconds import Seconds
from edgeagent.cli.sessions_branch import COMMANDS as BRANCHING
from edgeagent.cli.sessions_text import echo_json, print_session, print_table, summary_object
from edgeagent.errors import UsageError
from edgeagent.events import GateModeName, ModelChanged, SessionCreated
from edgeagent.limits import Limits
from edgeagent.recording.export.notes import masked_in_words
from edgeagent.recording.reader import SessionReader
from edgeagent.sessions.store import SessionStore
from edgeagent.sessions.summary import SessionSummary, human_bytes, summarize

if TYPE_CHECKING:
    from edgeagent.runner import ModelChoice, Runner, RunResult

_OUTPUT = click.option("--output", type=click.Choice(["text", "json"]), default="text", show_default=True)


@click.group(epilog=EXIT_CODES_HELP)
def sessions() -> None:
    """List, show, resume, replay, export and remove recorded sessions. ID may be any unambiguous beginning."""


for command in BRANCHING:
    sessions.add_command(command)


@sessions.command("list")
@_OUTPUT
def list_(output: str) -> None:
    """All sessions, oldest first."""
    store = SessionStore()
    summaries = store.summaries()
    if output == "json":
        echo_json([summary_object(summary) for summary in summaries])
    elif summaries:
        print_table(summaries)
    else:
        click.echo(f"no sessions in {store.root}")


@sessions.command()
@click.argument("session", metavar="ID")
@_OUTPUT
def show(session: str, output: str) -> None:
    """Each step of a session: what was done, and what came of it."""
    directory = SessionStore().find(session)
    with SessionReader.open(directory) as reader:
        print_session(reader, summarize(directory), as_json=output == "json")


@sessions.command()
@click.argument("session", metavar="ID")
@click.option("--message", default="", help="What to tell the model first: an answer, a correction, more to do.")
@click.option("--max-steps", type=click.IntRange(1, 10_000), help="Actions at most, counted from the session's beginning.")
@click.option("--timeout", "timeout_s", type=Seconds(), metavar="S", help="Seconds at most for this run.")
@click.option("--mode", type=click.Choice(MODES), help=RESUME_MODE_HELP)
@click.option("--approve", is_flag=True, help="Permit, once, the action that the run had ended for.")
@click.option("--model", default="", metavar="MODEL", help="From here on another model decides; as for `edgeagent run`.")
@click.option("--mmproj", default="", metavar="PATH", help="Its vision part.")
@click.option("--family", default="", metavar="NAME", help="How it is spoken to, if its own header misleads.")
@click.option("--output", type=click.Choice(["text", "json", "stream-json"]), default="text", show_default=True)
def resume(
    session: str, message: str, max_steps: int | None, timeout_s: float | None, mode: GateModeName | None, approve: bool,
    model: str, mmproj: str, family: str, output: OutputFormat,
) -> None:  # fmt: skip
    """Go on with a session that was stopped, ran into a limit, or whose process died."""
    recorded = _as_recorded(session)
    limits = None
    if max_steps is not None or timeout_s is not None:
        given = Limits()
        limits = Limits(max_steps=max_steps or given.max_steps, timeout_s=timeout_s or given.timeout_s)
    other = _other_model(model, mmproj, family)
    tell_what_leaves(other.model if other else recorded)
    renderer = renderer_for(output)

    def work(runner: Runner) -> Coroutine[Any, Any, RunResult]:
        return runner.resume(session, message, limits, mode or "", approve, other)

    sys.exit(asyncio.run(_resume(work, renderer)))


def _other_model(model: str, mmproj: str, family: str) -> ModelChoice | None:
    if not model:
        if mmproj or family:
            raise UsageError("--mmproj and --family belong to --model", "name the model, too")
        return None
    from edgeagent.cli.run import chosen

    return chosen(model, mmproj, family)


def _as_recorded(session: str) -> str:
    """Offline, if the session began offline. Returns the model that decided last."""
    with SessionReader.open(SessionStore().find(session)) as reader:
        facts = [event.data for event in reader.events() if isinstance(event.data, SessionCreated | ModelChanged)]
    created = next((fact for fact in facts if isinstance(fact, SessionCreated)), None)
    go_on_as_recorded(created is not None and created.desktop.offline)
    return facts[-1].model if facts else ""


async def _resume(work: Callable[[Runner], Coroutine[Any, Any, RunResult]], renderer: Renderer) -> int:
    from edgeagent.interrupts import run_until_stopped
    from edgeagent.runner import Runner

    runner = Runner(listeners=[renderer.fact], audit_listeners=[renderer.audited], asker=renderer.asker)
    with renderer.alive():
        result = await run_until_stopped(work(runner), runner.brake)
    renderer.result(result)
    return exit_for(result.ended.outcome)


@sessions.command()
@click.argument("session", metavar="ID")
@click.option("--reason", default="stopped with `edgeagent sessions stop`", help="What the session's log is to say.")
def stop(session: str, reason: str) -> None:
    """Stop a running session, whichever process works on it. It can be resumed."""
    from edgeagent.sessions.stopping import stop as stop_session

    directory = SessionStore().find(session)
    stopped = stop_session(directory, reason)
    click.echo(f"{directory.name}: process {stopped.pid} ended after {stopped.by}, in {stopped.took_s:.2f} s")


@sessions.command()
@click.argument("session", metavar="ID")
@click.option(
    "--home",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Start from a copy of this home instead of that which the session began with.",
)
@_OUTPUT
def replay(session: str, home: Path | None, output: str) -> None:
    """Do the recorded actions again in a fresh sandbox, without a model, and compare the screens.

    Exit code 0 if all screens are the same (but for a blinking caret), 1 if one differs.
    """
    from edgeagent.cli.replaying import replay_session

    _as_recorded(session)
    same = asyncio.run(replay_session(SessionStore().find(session), home, as_json=output == "json"))
    sys.exit(Exit.DONE if same else Exit.NOT_DONE)


@sessions.command()
@click.argument("session", metavar="ID")
@click.option("--format", "format_name", required=True, metavar="html|atif|osworld|mp4|bundle")
@click.option("--passphrase-file", type=click.Path(path_type=Path), help="For a bundle: file whose first line is its passphrase.")
@click.option("--with-engine-state", is_flag=True, help="For a bundle: what its engine holds, too; large, and never needed.")
@click.option("--out", type=click.Path(path_type=Path), help="Where to write it; default: named after the session, here.")
def export(session: str, format_name: str, passphrase_file: Path | None, with_engine_state: bool, out: Path | None) -> None:
    """Write a session as a report, a video, in a format that other tools read, or as a bundle to go on with elsewhere."""
    from edgeagent.recording import export as exports

    known = (*exports.FORMATS, "bundle")
    if format_name not in known:
        raise UsageError(f"no export format is called {format_name!r}", f"choose one of {', '.join(known)}")
    directory = SessionStore().find(session)
    if format_name == "bundle":
        from edgeagent.cli.bundles import export_bundle

        return export_bundle(directory, out or Path(f"{directory.name}.eab"), passphrase_file, with_engine_state)
    if with_engine_state:
        raise UsageError(f"--with-engine-state says nothing to format {format_name}", "use it with --format bundle")
    written = exports.export(directory, format_name, out or Path(exports.default_name(directory.name, format_name)))
    with SessionReader.open(directory) as reader:
        if told := masked_in_words(event.data for event in reader.events()):
            click.secho(f"masked, there as here: {told}", fg="yellow", err=True)
    return click.echo(str(written))


@sessions.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--key", type=click.Path(path_type=Path), help="Public key that it must be signed with (`edgeagent prove --public-key`)."
)
@click.option("--passphrase-file", type=click.Path(path_type=Path), help="File whose first line is the passphrase.")
@click.option("--trust", is_flag=True, help="Also if it asks for folders, secrets or a model of this machine.")
def import_(file: Path, key: Path | None, passphrase_file: Path | None, trust: bool) -> None:
    """Take in a session that `export --format bundle` wrote. It is a copy: the other machine keeps its own."""
    from edgeagent.cli.bundles import import_bundle

    import_bundle(file, key, passphrase_file, trust)


@sessions.command()
@click.argument("session_ids", metavar="ID...", nargs=-1, required=True)
@click.option("--yes", is_flag=True, help="Do not ask.")
def rm(session_ids: tuple[str, ...], yes: bool) -> None:
    """Delete sessions for good: their recording and their sandbox's home."""
    store = SessionStore()
    doomed: list[SessionSummary] = [summarize(store.find(session)) for session in session_ids]
    for summary in doomed:
        click.echo(f"{summary.id}  {human_bytes(summary.size_bytes)}  {summary.status}  {summary.task}")
    if not yes:
        if not sys.stdin.isatty():
            raise UsageError("not deleted: there is no terminal to ask on", "say --yes")
        click.confirm("delete for good?", abort=True)
    for summary in doomed:
        store.remove(summary.id)

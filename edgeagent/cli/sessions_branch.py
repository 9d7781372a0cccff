"""``edgeagent sessions fork | rewind | compare | search | keep | prune``."""

from __future__ import annotations

import sys
import time
from itertools import islice

import click

from edgeagent.cli.sessions_text import echo_json
from edgeagent.clock import SystemClock
from edgeagent.errors import UsageError
from edgeagent.recording.reader import SessionReader
from edgeagent.sessions import branching, retention, searching
from edgeagent.sessions.comparing import Pair, compare
from edgeagent.sessions.store import SessionStore
from edgeagent.sessions.summary import human_bytes
from edgeagent.words import describe, effect_words, printable

_HOMES = {
    "restored": "its home is as it was after that step",
    "partly": "its home is as it was after that step, but for what is listed",
    "as_it_is": "its home was not kept at that step: it is as it was at the end",
    "none": "its home is empty",
}
_AT_MOST_HITS = 200
output = click.option("--output", type=click.Choice(["text", "json"]), default="text", show_default=True)


@click.command()
@click.argument("session", metavar="ID")
@click.option("--at", "step", required=True, type=click.IntRange(0), metavar="STEP", help="The last step to take over; 0: none.")
@output
def fork(session: str, step: int, output: str) -> None:
    """Begin a new session that goes on from an earlier step of this one, with the sandbox's home as it was then."""
    _tell(branching.fork(SessionStore(), session, step, SystemClock()), output, "forked as")


@click.command()
@click.argument("session", metavar="ID")
@click.option("--to", "step", required=True, type=click.IntRange(0), metavar="STEP", help="The last step that counts; 0: none.")
@output
def rewind(session: str, step: int, output: str) -> None:
    """Let this session go on from an earlier step, with its home as it was then. What came after stays recorded."""
    _tell(branching.rewind(SessionStore(), session, step, SystemClock()), output, "rewound:")


def _tell(branched: branching.Branched, output: str, what: str) -> None:
    if output == "json":
        echo_json(branched)
        return
    click.echo(f"{what} {branched.session}, after step {branched.step}; {_HOMES[branched.home]}")
    for path in branched.not_restored:
        click.secho(f"     not restored: {printable(path)}", fg="yellow")
    for effect in branched.not_undoable:
        click.secho(f"     cannot be undone: {printable(effect)}", fg="yellow")
    click.echo(f"go on: edgeagent sessions resume {branched.session}")


@click.command("compare")
@click.argument("left", metavar="ID")
@click.argument("right", metavar="ID")
@output
def compare_(left: str, right: str, output: str) -> None:
    """Two sessions step by step. Exit code 0 if they did the same, 1 if not."""
    store = SessionStore()
    with SessionReader.open(store.find(left)) as one, SessionReader.open(store.find(right)) as two:
        comparison = compare(one.steps(), two.steps())
    if output == "json":
        pairs = [{"step": pair.number, "action": pair.same_action, "screen": pair.same_screen} for pair in comparison.pairs]
        echo_json({"first_difference": comparison.first_difference, "same": pairs})
    else:
        for pair in comparison.pairs:
            _show(pair)
        difference = comparison.first_difference
        click.echo("they did the same" if difference is None else f"they differ from step {difference} on")
    sys.exit(0 if comparison.first_difference is None else 1)


def _show(pair: Pair) -> None:
    sign = "=" if pair.same_action else "≠"
    left, right = (
        f"{describe(step.action, step.target)} → {effect_words(step.effect)}" if step else "-" for step in (pair.left, pair.right)
    )
    if pair.same_action:
        click.echo(f"{pair.number:3} {sign} {left}" + ("" if pair.same_screen else "   (another screen)"))
    else:
        click.secho(f"{pair.number:3} {sign} {left}", fg="yellow")
        click.secho(f"      {right}", fg="cyan")


@click.command()
@click.argument("text")
@output
def search(text: str, output: str) -> None:
    """Where TEXT was said, typed, or read off the screen, newest session first."""
    if not text.strip():
        raise UsageError("there is nothing to search for", "say what: edgeagent sessions search invoice")
    hits = list(islice(searching.search(SessionStore(), text), _AT_MOST_HITS))
    if output == "json":
        echo_json(hits)
        return
    for hit in hits:
        place = f"step {hit.step}" if hit.step else ""
        click.echo(f"{hit.session}  {place:9} {hit.where:8} {printable(' '.join(hit.text.split()))}")
    if not hits:
        click.echo("nowhere")


@click.command()
@click.argument("session", metavar="ID")
@click.option("--not", "no_longer", is_flag=True, help="No longer.")
def keep(session: str, no_longer: bool) -> None:
    """Keep a session whatever the rules of `prune` say."""
    known = retention.keep(SessionStore(), session, kept=not no_longer)
    click.echo(f"{known} is {'no longer ' if no_longer else ''}kept whatever the rules say")


@click.command()
@click.option("--older-than", type=click.FloatRange(0), metavar="DAYS", help="Those not touched for longer.")
@click.option("--keep-last", type=click.IntRange(0), metavar="N", help="All but the newest N.")
@click.option("--total-mb", type=click.FloatRange(0), metavar="MB", help="The oldest, until all together have at most so much.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def prune(older_than: float | None, keep_last: int | None, total_mb: float | None, yes: bool) -> None:
    """Delete sessions by rules, for good. What runs, waits for you, is elsewhere, or is of a later version stays."""
    if older_than is None and keep_last is None and total_mb is None:
        raise UsageError("there is no rule", "give one: --older-than DAYS, --keep-last N or --total-mb MB")
    store = SessionStore()
    rules = retention.Rules(older_than, keep_last, None if total_mb is None else round(total_mb * 1e6))
    doomed = retention.doomed(store.summaries(), rules, retention.kept_by_user(store), time.time())
    for one in doomed:
        size = human_bytes(one.summary.size_bytes)
        click.echo(f"{one.summary.id}  {size:>8}  {one.summary.state}  {one.why}  {printable(one.summary.task)}")
    if not doomed:
        click.echo("nothing to delete")
        return
    if not yes:
        if not sys.stdin.isatty():
            raise UsageError("not deleted: there is no terminal to ask on", "say --yes")
        click.confirm(f"delete these {len(doomed)} for good?", abort=True)
    for one in doomed:
        store.remove(one.summary.id)


COMMANDS = (fork, rewind, compare_, search, keep, prune)

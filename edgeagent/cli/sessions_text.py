"""How sessions are told: a table, the steps of one, or JSON."""

from __future__ import annotations

import shutil
import time

import click
import msgspec

from edgeagent.agents.telling import in_words
from edgeagent.counts import counted
from edgeagent.events import SessionCreated
from edgeagent.recording.reader import SessionReader
from edgeagent.sessions.state import State
from edgeagent.sessions.summary import SessionSummary, human_bytes
from edgeagent.words import describe, effect_words, printable

_COLOURS: dict[State, str] = {"done": "green", "running": "cyan", "failed": "red", "teleported": "blue"}


def echo_json(value: object) -> None:
    """``value`` on one line."""
    click.echo(msgspec.json.encode(value).decode())


def summary_object(summary: SessionSummary) -> dict[str, object]:
    """What ``--output json`` tells of a session."""
    return {
        "id": summary.id,
        "status": summary.status,
        "state": summary.state,
        "where": summary.where,
        "owner_pid": summary.owner_pid,
        "newer": summary.newer,
        "task": summary.task,
        "model": summary.model,
        "agent": summary.agent,
        "steps": summary.steps,
        "created": summary.created_s,
        "updated": summary.updated_s,
        "answer": summary.answer,
        "message": summary.message,
        "size_bytes": summary.size_bytes,
        "damaged": summary.damaged,
        "directory": str(summary.directory),
    }


def print_table(summaries: list[SessionSummary]) -> None:
    """One line a session, cut to the terminal's width."""
    width = shutil.get_terminal_size((120, 24)).columns
    click.secho(f"{'session':22}  {'state':11}  {'steps':>5}  {'size':>8}  {'started':16}  task", dim=True)
    for summary in summaries:
        started = time.strftime("%Y-%m-%d %H:%M", time.localtime(summary.created_s)) if summary.created_s else ""
        status = click.style(f"{summary.state:11}", fg=_COLOURS.get(summary.state, "yellow"))
        damaged = "(damaged) " if summary.damaged else "(of a later version) " if summary.newer else ""
        left = f"{summary.id:22}  {status}  {summary.steps:5}  {human_bytes(summary.size_bytes):>8}  {started:16}  "
        where = f"({summary.where}) " if summary.where else ""
        room = max(20, width - len(click.unstyle(left)) - len(damaged) - len(where))
        click.echo(left + click.style(damaged, fg="red") + printable(where) + _one_line(summary.task, room))


def print_session(reader: SessionReader, summary: SessionSummary, as_json: bool) -> None:
    """All of one session but its pixels."""
    if as_json:
        echo_json(
            summary_object(summary) | {"damage": reader.damage(), "steps": [msgspec.to_builtins(s) for s in reader.steps()]}
        )
        return
    click.secho(printable(summary.task), bold=True)
    much = f"{counted(summary.steps, 'step')}  {human_bytes(summary.size_bytes)}"
    click.echo(f"{summary.id}  {_state_words(summary)}  {much}  {summary.directory}")
    _print_agent(reader)
    for step in reader.steps():
        click.echo(f"{step.number:3}  {describe(step.action, step.target)} → {effect_words(step.effect)}")
        if step.effect.message:
            click.secho(f"     {_one_line(step.effect.message, 200)}", dim=True)
    pending = reader.history().pending
    if pending is not None:
        click.secho(
            f"{pending.step:3}  {describe(pending.action, pending.target)} → under way when the process died", fg="yellow"
        )
    if summary.answer or summary.message:
        click.echo(f"     {printable(summary.answer or summary.message)}")
    _print_state(reader, summary)


def _print_agent(reader: SessionReader) -> None:
    """What the session works as, as it was when it began."""
    created = next((event.data for event in reader.events() if isinstance(event.data, SessionCreated)), None)
    if created is None or created.agent is None:
        return
    click.echo(f"works as {created.agent.name}")
    for what, how in in_words(created.agent):
        click.secho(f"     {what:13}{_one_line(how, 200)}", dim=True)


def _print_state(reader: SessionReader, summary: SessionSummary) -> None:
    contents = reader.contents
    for damage in reader.damage():
        click.secho(f"damaged: {f'line {damage.line}: ' if damage.line else ''}{printable(damage.reason)}", fg="red")
    if contents.skipped:
        click.secho(f"not shown, of a later format ({contents.newest_format}): {contents.skipped}", fg="yellow")
    if contents.torn and summary.status != "running":
        click.secho(
            f"half an event at the end ({counted(len(contents.torn), 'byte')}); resuming cuts it off and keeps it", fg="yellow"
        )


def _state_words(summary: SessionSummary) -> str:
    """``parked (limit)``, ``running (process 4711)``."""
    more = f"process {summary.owner_pid}" if summary.owner_pid else summary.status
    return summary.state if more == summary.state else f"{summary.state} ({more})"


def _one_line(text: str, room: int) -> str:
    line = printable(" ".join(text.split()))
    return line if len(line) <= room else line[: room - 1] + "…"

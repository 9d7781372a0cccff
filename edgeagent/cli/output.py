"""How a run is told: live text, one JSON object at the end, or one JSON object a fact."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Literal, Protocol

import click
import msgspec

from edgeagent import events
from edgeagent.cli.asking import terminal_asker
from edgeagent.cli.live import LivePrinter
from edgeagent.counts import counted
from edgeagent.limits import Limits
from edgeagent.policy.asking import TO_BE_APPROVED, Asker
from edgeagent.runner import RunResult
from edgeagent.words import printable
from edgeagent_harness.protocol.audit import Entry

OutputFormat = Literal["text", "json", "stream-json"]


class Renderer(Protocol):
    """Told of each fact and of the result."""

    def fact(self, fact: events.EventData) -> None: ...

    @property
    def asker(self) -> Asker | None:
        """Whom the run may ask; None: nobody reads this output while the run goes on."""
        ...

    def audited(self, session: str, entry: Entry) -> None: ...

    def result(self, result: RunResult) -> None: ...

    def alive(self) -> AbstractContextManager[None]:
        """Shows a sign of life for the duration of a ``with`` block."""
        ...


class TextRenderer:
    """For people."""

    def __init__(self) -> None:
        self.asker = terminal_asker()
        self._live = LivePrinter(self.asker)
        self._reached: events.LimitReached | None = None

    def fact(self, fact: events.EventData) -> None:
        if isinstance(fact, events.LimitReached):
            self._reached = fact
        self._live(fact)

    def audited(self, session: str, entry: Entry) -> None:
        self._live.audited(session, entry)

    def result(self, result: RunResult) -> None:
        if result.would_deny:
            click.echo("without `log` in on_violation this would have been denied:")
        for line in result.would_deny:
            click.secho(f"     {printable(line)}", fg="yellow")
        ended = result.ended
        click.secho(f"{ended.outcome}: {printable(ended.answer or ended.message)}", bold=True)
        median_ms = result.timings.get("total_ms")
        cost = f", median step {median_ms:.0f} ms" if median_ms is not None else ""
        click.echo(f"session {result.session}: {counted(result.steps, 'step')} in {result.wall_s:.1f} s{cost}")
        if ended.outcome in {"interrupted", "needs_user", "limit", "stopped", "error"}:
            click.echo(f"go on: edgeagent sessions resume {result.session}{self._needed_to_go_on(ended)}")
        click.echo(f"report: edgeagent sessions export {result.session} --format html")

    def _needed_to_go_on(self, ended: events.RunEnded) -> str:
        """What to say on resuming, so that the run does not end for the same reason at once."""
        if ended.message.startswith(TO_BE_APPROVED):
            return " --approve"
        if ended.outcome == "limit" and self._reached is not None and self._reached.limit == "steps":
            return f" --max-steps {int(self._reached.value) + Limits().max_steps}"
        return ""

    def alive(self) -> AbstractContextManager[None]:
        return self._live.alive()


class JsonRenderer:
    """One object at the end; with ``stream`` also one for each fact."""

    asker = None

    def __init__(self, stream: bool) -> None:
        self._stream = stream

    def fact(self, fact: events.EventData) -> None:
        if self._stream:
            click.echo(msgspec.json.encode(fact).decode())

    def audited(self, session: str, entry: Entry) -> None:
        if self._stream:
            click.echo(msgspec.json.encode({"kind": "audit", "entry": entry}).decode())

    def result(self, result: RunResult) -> None:
        click.echo(msgspec.json.encode(result.summary()).decode())

    def alive(self) -> AbstractContextManager[None]:
        return nullcontext()


def renderer_for(output: OutputFormat) -> Renderer:
    """The renderer of this ``--output``."""
    return TextRenderer() if output == "text" else JsonRenderer(stream=output == "stream-json")

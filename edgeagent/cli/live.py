"""What a person sees while a run goes on: one line for each fact worth telling, and a sign of life in between."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress

import click

from edgeagent import events
from edgeagent.cli.asking import TerminalAsker
from edgeagent.counts import counted
from edgeagent.policy.news import AuditNews
from edgeagent.timings import StepTimings, TimingFold, phases_line
from edgeagent.words import describe, effect_words, printable, restored_words, with_more
from edgeagent_harness.protocol import audit

_SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_COLOURS = {"confirmed": "green", "partial": "green", "unverifiable": "yellow", "suspected_noop": "yellow", "refused": "red"}


class LivePrinter:
    """Prints facts as they come. A step is two lines: what was seen and why, then what was done, its effect and its cost."""

    def __init__(self, asker: TerminalAsker | None = None) -> None:
        self._asker = asker
        self._timings = TimingFold()
        self._doing = "starting the sandbox and the model"
        self._since_s = time.monotonic()
        self._intent: events.Intent | None = None
        self._news = AuditNews()

    def __call__(self, fact: events.EventData) -> None:
        """Tell ``fact``."""
        self._clear()
        timings = self._timings.advance(fact)
        match fact:
            case events.Intent():
                self._intent = fact
                self._now(f"step {fact.step}: {describe(fact.action, fact.target)}")
            case events.Acted() if timings is not None:
                self._step(fact, timings)
            case events.Malformed(error=error):
                click.secho(f"     not an action: {printable(error)}", fg="yellow")
            case events.Verdict(allow=False, reason=reason):
                click.secho(f"     denied: {printable(reason)}", fg="red")
            case events.DesktopWasLost(reason=reason, violation=True):
                click.secho(f"     STOPPED BY ITS POLICY: {printable(reason)}", fg="red", bold=True)
            case events.DesktopWasLost(reason=reason):
                click.secho(f"     the sandbox was lost ({printable(reason)}); starting it again", fg="yellow")
            case events.EngineRestarted(reason=reason):
                click.secho(f"     the engine was restarted ({printable(reason)})", fg="yellow")
            case events.Reconciled(step=step, screen_changed=changed):
                seen = "the screen has changed since" if changed else "the screen is as it was before"
                click.secho(f"     step {step} was under way when the program died; {seen}; it is not repeated", fg="yellow")
            case events.HandedOver(to=to, engine_state=state):
                click.secho(f"     {with_more(f'handed over to {printable(to)}', state)}", fg="blue")
            case events.TakenBack(source=source, engine_state=state):
                click.secho(f"     {with_more(f'taken back from {printable(source)}', state)}", fg="blue")
            case events.Restored(how=how, steps=steps, why=why, windows=windows):
                click.secho(f"     the screen is {restored_words(how, steps, why, windows)}", fg="blue")
            case events.LogRepaired(bytes_cut=count):
                click.secho(f"     the recording ended in half an event: {counted(count, 'byte')} cut off and kept", fg="yellow")
            case events.RunStarted() | events.Observed():
                self._now("looking at the screen")
            case _:
                pass

    def audited(self, session: str, entry: audit.Entry) -> None:
        """Tell ``entry`` of the audit, if a person should know of it now."""
        told = self._news.words(session, entry)
        if told:
            self._clear()
            click.secho(f"     {printable(told)}", fg="yellow")

    def _step(self, acted: events.Acted, timings: StepTimings) -> None:
        intent, self._intent = self._intent, None
        if intent is None:
            return
        if intent.thought:
            click.secho(f"{acted.step:3}  {printable(intent.thought)}", dim=True)
        badge = click.style(effect_words(acted.effect), fg=_COLOURS.get(acted.effect.status))
        click.echo(f"     {describe(intent.action, intent.target)} → {badge}  {click.style(phases_line(timings), dim=True)}")
        if acted.effect.status == "refused" and acted.effect.message:
            click.secho(f"     {printable(acted.effect.message)}", dim=True)
        self._now("deciding")

    def _now(self, doing: str) -> None:
        self._doing, self._since_s = doing, time.monotonic()

    def _clear(self) -> None:
        if sys.stderr.isatty():
            click.echo("\r\x1b[K", nl=False, err=True)

    async def show_life(self) -> None:
        """Until cancelled, and on a terminal only: what is being waited for, and for how long."""
        if not sys.stderr.isatty():
            return
        tick = 0
        while True:
            await asyncio.sleep(0.1)
            tick += 1
            waited_s = time.monotonic() - self._since_s
            if waited_s > 0.4 and not (self._asker and self._asker.waiting):
                click.echo(f"\r\x1b[K{_SPINNER[tick % len(_SPINNER)]} {self._doing} … {waited_s:.1f} s", nl=False, err=True)

    @contextmanager
    def alive(self) -> Generator[None]:
        """Show life for the duration of a ``with`` block."""
        task = asyncio.ensure_future(self.show_life())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                self._clear()

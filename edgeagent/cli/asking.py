"""Asking the user on the terminal. Only what is typed there after the question was shown counts; a screen cannot answer."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import termios

import click

from edgeagent.policy.asking import Question, Said
from edgeagent.policy.grants import GRANT_S
from edgeagent.words import printable

_ANSWERS: dict[str, Said] = {"y": "yes", "yes": "yes", "a": "always", "always": "always", "n": "no", "no": "no"}
_MAX_LINE_BYTES = 4096


class TerminalAsker:
    """The `Asker` port on the terminal that the command runs on."""

    def __init__(self) -> None:
        self.waiting = False
        """Whether a question is open: nothing else should write to the terminal."""

    async def ask(self, question: Question) -> Said:
        self.waiting = True
        try:
            _show(question)
            while (said := _ANSWERS.get((await _typed_line()).strip().casefold())) is None:
                click.echo(f"     y, n{' or a' if question.again else ''}? ", nl=False, err=True)
            return said
        finally:
            self.waiting = False


def terminal_asker() -> TerminalAsker | None:
    """Somebody to ask, if a person sits at the terminal."""
    return TerminalAsker() if sys.stdin.isatty() and sys.stderr.isatty() else None


def _show(question: Question) -> None:
    click.secho(f"\r\x1b[K     may this be done? {_line(question.action)}", fg="cyan", bold=True, err=True)
    if question.places:
        click.echo(f"     in: {_line(', '.join(question.places))}", err=True)
    if question.why:
        click.echo(f"     {_line(question.why)}", err=True)
    always = f", [a]lways: {question.again}, for {GRANT_S / 60:.0f} minutes" if question.again else ""
    click.echo(f"     rule: {_line(question.rule)}. [y]es once, [n]o{always}: ", nl=False, err=True)


def _line(text: str) -> str:
    return printable(" ".join(text.split()))[:300]


async def _typed_line() -> str:
    """The next line; what was typed before the question does not count. The end of the input is a no."""
    with contextlib.suppress(termios.error):
        termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)
    loop, fd = asyncio.get_running_loop(), sys.stdin.fileno()
    readable = loop.create_future()
    loop.add_reader(fd, lambda: readable.done() or readable.set_result(None))
    try:
        await readable
    finally:
        loop.remove_reader(fd)
    line = os.read(fd, _MAX_LINE_BYTES)
    return line.decode("utf-8", "replace") if line else "no"

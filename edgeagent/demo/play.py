"""Runs one demo task as a user would: ``edgeagent run`` in a process of its own, then a check of what was saved."""

from __future__ import annotations

import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from edgeagent import events
from edgeagent.demo.task import Check, Task
from edgeagent.timings import StepTimings, TimingFold

MODEL = "embedded"
CLI = (sys.executable, "-P", "-m", "edgeagent")
EXIT_MEANS_UNUSABLE = (2, 3)
"""Exit codes of ``edgeagent run`` that say that nothing could be tried: usage, environment."""


class Summary(msgspec.Struct, frozen=True):
    """The object that ``edgeagent run --output json`` ends with."""

    outcome: str
    session: str
    steps: int
    wall_s: float
    message: str = ""
    answer: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one task went."""

    task: Task
    check: Check
    summary: Summary | None
    wall_s: float
    steps: tuple[StepTimings, ...] = ()
    error: str = ""


StepListener = Callable[[events.Intent, events.Acted, StepTimings], None]


def play(task: Task, told: StepListener) -> Outcome:
    """Run ``task``, tell each step, and check what the application saved."""
    with tempfile.TemporaryDirectory(prefix="edgeagent-demo-", ignore_cleanup_errors=True) as scratch:
        home = Path(scratch) / "home"
        home.mkdir()
        task.prepare(home)
        began_s = time.monotonic()
        process = subprocess.Popen(command(task, home), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert process.stderr is not None
        reader = _Reader(told)
        for line in process.stdout:
            reader.line(line)
        error = process.stderr.read().strip()
        code = process.wait()
        wall_s = time.monotonic() - began_s
        check = task.verify(home)
    if code in EXIT_MEANS_UNUSABLE:
        check = Check(False, f"edgeagent run ended with exit code {code}: {error}")
    return Outcome(task, check, reader.summary, wall_s, tuple(reader.steps), error)


def command(task: Task, home: Path) -> list[str]:
    """The command line that a user would type."""
    page = ["--url", task.url] if task.url else []
    return [
        *CLI, "run", task.instruction, "--app", shlex.join(task.app), *page,
        "--model", MODEL, "--home", str(home), "--output", "stream-json",
    ]  # fmt: skip


class _Line(msgspec.Struct):
    """What any line may say of itself."""

    kind: str = ""


class _Reader:
    """Reads ``--output stream-json``: facts, then the summary."""

    def __init__(self, told: StepListener) -> None:
        self._told = told
        self._fold = TimingFold()
        self._intent: events.Intent | None = None
        self._facts = msgspec.json.Decoder(events.EventData)
        self.steps: list[StepTimings] = []
        self.summary: Summary | None = None

    def line(self, text: str) -> None:
        if msgspec.json.decode(text, type=_Line).kind == "audit":
            return  # what the policy permitted: a line of its own between the facts
        try:
            fact = self._facts.decode(text)
        except msgspec.ValidationError:
            self.summary = msgspec.json.decode(text, type=Summary)
            return
        timings = self._fold.advance(fact)
        if isinstance(fact, events.Intent):
            self._intent = fact
        elif isinstance(fact, events.Acted) and timings and self._intent:
            self.steps.append(timings)
            self._told(self._intent, fact, timings)

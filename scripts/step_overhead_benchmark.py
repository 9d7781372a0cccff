"""What one step costs outside the model: capture, act, record on the critical path, messages. (docs/benchmarks.md, figure 3)

A scripted model ticks boxes, moves between fields and types on a page of the demo at 1280x800 in the real sandbox. Two figures:
the sum of the recorded phases (capture, judge, act, record), and the wall time of a whole step less the wait for the screen,
which also holds all messages and this process's own work.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from edgeagent import events
from edgeagent.bench.stats import percentile
from edgeagent.bench.step.script import CYCLE, NO_LIMITS, page
from edgeagent.machine import machine_line
from edgeagent.ports import Model, Prompt, Reply
from edgeagent.runner import ModelChoice, Runner, RunRequest
from edgeagent.sessions.store import SessionStore
from edgeagent.testing import as_reply
from edgeagent.timings import StepTimings, TimingFold
from edgeagent_harness.protocol.actions import Finish


class Stopwatch:
    """Listens to the facts of a run; a step lasts from one question to the model to the next."""

    def __init__(self) -> None:
        self._fold = TimingFold()
        self.steps: list[StepTimings] = []
        self.asked_s: list[float] = []
        self.settled_ms: list[float] = []

    def fact(self, fact: events.EventData) -> None:
        timings = self._fold.advance(fact)
        if timings is not None:
            self.steps.append(timings)
            self.settled_ms.append(timings.phases_ms.get("settle_ms", 0.0))

    def walls_ms(self) -> list[float]:
        """Per step: wall time less the wait for the screen."""
        walls = [(after - before) * 1000 for before, after in zip(self.asked_s, self.asked_s[1:], strict=False)]
        return [wall - settled for wall, settled in zip(walls, self.settled_ms, strict=False)]


class Script:
    """The `Model` port: ``count`` actions of `CYCLE`, then the end. Notes when it is asked."""

    def __init__(self, count: int, watch: Stopwatch) -> None:
        self._count = count
        self._watch = watch

    async def complete(self, prompt: Prompt) -> Reply:
        self._watch.asked_s.append(time.perf_counter())
        done = len(prompt.history.steps)
        return as_reply(CYCLE[done % len(CYCLE)] if done < self._count else Finish())


async def measure(count: int) -> Stopwatch:
    """``count`` steps on the first page of a form."""
    watch = Stopwatch()

    def model(_choice: ModelChoice, _seed: int, _restarted: Callable[[str], None]) -> AbstractAsyncContextManager[Model]:
        return contextlib.nullcontext(Script(count, watch))

    with tempfile.TemporaryDirectory(prefix="edgeagent-overhead-") as scratch:
        spec = page(Path(scratch))
        runner = Runner(store=SessionStore(Path(scratch) / "sessions"), open_model=model, listeners=[watch.fact])
        await runner.start(RunRequest("overhead", spec, limits=NO_LIMITS))
    return watch


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=120)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    watch = asyncio.run(measure(arguments.steps))
    phases = {
        phase: [step.phases_ms.get(phase, 0.0) for step in watch.steps]
        for phase in ("capture_ms", "judge_ms", "act_ms", "record_ms")
    }
    rows = {
        **phases,
        "sum_of_phases_ms": [step.outside_model_ms for step in watch.steps],
        "wall_less_settling_ms": watch.walls_ms(),
        "settling_ms": watch.settled_ms,
        "of_which_quiet_ms": [step.quiet_ms for step in watch.steps],
    }
    figures = {name: {"p50": round(percentile(row, 50), 2), "p95": round(percentile(row, 95), 2)} for name, row in rows.items()}
    print(f"{len(watch.steps)} steps at 1280x800 on {machine_line()}")
    print(f"{'':<24}{'p50':>9}{'p95':>9}")
    for name, row in figures.items():
        print(f"{name:<24}{row['p50']:>9}{row['p95']:>9}")
    if arguments.json:
        arguments.json.write_text(json.dumps({"steps": len(watch.steps), "machine": machine_line(), **figures}, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

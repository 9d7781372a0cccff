"""One session of a thousand steps: do memory, step time and log growth stay flat? (docs/sessions.md)

A scripted model fills a form on a desktop in memory (or, with --sandbox, an editor in the real sandbox); everything else is real:
loop, gate, recording, kept homes. Each step also changes one file of the home, beside a hundred that stay. Every hundred steps
one line: median and 95th percentile of a step's own time (without settling and acting), resident memory, what the log, the frames
and the kept homes grew by, what keeping the home took (beside the model, which thinks meanwhile), and what is open.
Exit code 1 if something leaks or grows from the second hundred to the last: memory by more than 24 kB a step (and 8 MiB, which
the allocator may keep), a step's log by a tenth, its frames by half, or there are more descriptors, threads or processes. Fewer
than 300 steps are compared with the first hundred, and memory, which is not settled then, is not. Times are printed and judged
by nobody: they are the neighbours' as much as ours.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psutil

from edgeagent import events
from edgeagent.clock import SystemClock
from edgeagent.limits import Limits
from edgeagent.machine import machine_line
from edgeagent.ports import Deed, Model, Prompt, Reply
from edgeagent.recording.log_reading import read_log
from edgeagent.runner import ModelChoice, Runner, RunRequest
from edgeagent.sessions.store import SessionStore
from edgeagent.testing import Button, Checkbox, FakeDesktop, TextField
from edgeagent.testing.model import as_reply
from edgeagent_harness.protocol.actions import Action, Click, Finish, Key, Type
from edgeagent_harness.protocol.geometry import Point, Rect
from edgeagent_harness.protocol.messages import Application, DesktopSpec, Guard, SettleSpec

SIZE = (1280, 800)
BLOCK = 100
MAX_KB_A_STEP, KEPT_MIB = 24.0, 8.0
MAX_LOG, MAX_FRAMES = 1.1, 1.5
SETTLED = 3
"""From so many hundreds on, memory is compared."""
FIELDS = [Rect(60, 40 + 40 * row, 600, 70 + 40 * row) for row in range(12)]
BOXES = [Rect(700, 40 + 40 * row, 900, 60 + 40 * row) for row in range(12)]


class SavingDesktop(FakeDesktop):
    """Changes one file of its home with each action, as an editor that saves does."""

    def __init__(self, home: Path) -> None:
        boxes = [Checkbox(f"agree {number}", box) for number, box in enumerate(BOXES)]
        fields = [TextField(f"field {number}", box) for number, box in enumerate(FIELDS)]
        super().__init__([*fields, *boxes, Button("Save", Rect(60, 700, 200, 740))], *SIZE, SystemClock())
        self._home, self._done = home, 0
        for number in range(100):
            (home / f"kept-{number}.txt").write_text("as it was " * 200)

    async def perform(self, action: Action, settle: SettleSpec, guard: Guard | None = None) -> Deed:
        deed = await super().perform(action, settle, guard)
        self._done += 1
        (self._home / "form.txt").write_text("line of the form\n" * (self._done % 50))
        return deed


def next_action(prompt: Prompt) -> Action:
    """Fields, boxes, words; every field is emptied before it is filled again."""
    number = len(prompt.history.steps)
    place = (number // 4) % len(FIELDS)
    return (Click(FIELDS[place].centre), Key(("ctrl", "a")), Type(f"entry {number}"), Click(BOXES[place].centre))[number % 4]


def next_in_editor(prompt: Prompt) -> Action:
    number = len(prompt.history.steps)
    return (Click(Point(640, 400)), Type(f"entry {number} "), Key(("ctrl", "a")), Key(("Delete",)))[number % 4]


@dataclass(frozen=True)
class Script:
    """The `Model` port; unlike the one for tests it keeps nothing of what it was asked."""

    steps: int
    choose: Callable[[Prompt], Action]

    async def complete(self, prompt: Prompt) -> Reply:
        return as_reply(Finish() if len(prompt.history.steps) >= self.steps else self.choose(prompt))


@dataclass
class Block:
    """What a hundred steps came to."""

    steps: int
    own_ms_p50: float
    own_ms_p95: float
    rss_mib: float
    log_bytes_a_step: float
    frames_bytes_a_step: float
    homes_bytes_a_step: float
    keep_home_ms_p50: float
    descriptors: int
    threads: int
    processes: int
    """Below this one."""


@dataclass
class Meter:
    """Told of each fact; makes a `Block` of every hundred steps."""

    directory: Path | None = None
    blocks: list[Block] = field(default_factory=list[Block])
    own_ms: list[float] = field(default_factory=list[float])
    began_s: float = 0.0
    sizes: tuple[int, int, int] = (0, 0, 0)

    def opened(self, _session: str, directory: Path) -> None:
        self.directory = directory

    def fact(self, fact: events.EventData) -> None:
        match fact:
            case events.Replied():
                self.began_s = time.perf_counter()
            case events.Acted(act_ms=act_ms, settle=settle):
                waited_ms = act_ms + (settle.waited_ms if settle else 0.0)
                self.own_ms.append((time.perf_counter() - self.began_s) * 1000 - waited_ms)
                if fact.step % BLOCK == 0:
                    self._close(fact.step)
            case _:
                pass

    def _close(self, step: int) -> None:
        assert self.directory is not None, "a session is opened before it works"
        gc.collect()
        homes = sum(file.stat().st_size for file in self.directory.glob("home*s*/**/*") if file.is_file())
        sizes = (_size(self.directory / "events.jsonl"), _size(self.directory / "frames.pack"),
                 homes + _size(self.directory / "homes.jsonl"))  # fmt: skip
        log, frames, homes = ((new - old) / BLOCK for new, old in zip(sizes, self.sizes, strict=True))
        own = sorted(self.own_ms)
        median, p95 = statistics.median(own), own[int(len(own) * 0.95)]
        self.blocks.append(Block(step, median, p95, _rss_mib(), log, frames, homes, self._keep_ms(), *_open()))
        print(_line(self.blocks[-1]), flush=True)
        self.sizes = sizes
        self.own_ms.clear()

    def _keep_ms(self) -> float:
        """Median of the last hundred homes; a run's listeners are not told of them."""
        assert self.directory is not None, "a session is opened before it works"
        facts = (event.data for event in read_log(self.directory / "events.jsonl").events[-10 * BLOCK :])
        kept = [fact.keep_ms for fact in facts if isinstance(fact, events.HomeKept)][-BLOCK:]
        return statistics.median(kept) if kept else 0.0


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


async def work(steps: int, sandbox: bool, root: Path) -> Meter:
    """One session of ``steps`` steps below ``root``."""
    meter = Meter()
    choose = next_in_editor if sandbox else next_action

    @asynccontextmanager
    async def open_desktop(spec: DesktopSpec) -> AsyncGenerator[SavingDesktop]:
        yield SavingDesktop(Path(spec.home))

    def open_model(_choice: ModelChoice, _seed: int, _restarted: Callable[[str], None]) -> AbstractAsyncContextManager[Model]:
        return contextlib.nullcontext(Script(steps, choose))

    runner = Runner(
        SessionStore(root), listeners=[meter.fact], open_model=open_model, on_opened=meter.opened,
        open_desktop=None if sandbox else open_desktop,
    )  # fmt: skip
    applications = (Application(("mousepad",)),) if sandbox else ()
    limits = Limits(max_steps=steps + 1, timeout_s=0, max_no_effect=steps)
    result = await runner.start(RunRequest("a long form", DesktopSpec(*SIZE, applications=applications), limits=limits))
    if (result.ended.outcome, result.steps) != ("done", steps):
        raise SystemExit(f"it ended after {result.steps} steps: {result.ended}")
    return meter


def _line(block: Block) -> str:
    return (
        f"{block.steps:6} {block.own_ms_p50:9.2f} {block.own_ms_p95:9.2f} {block.rss_mib:9.1f} {block.log_bytes_a_step:10.0f} "
        f"{block.frames_bytes_a_step:10.0f} {block.homes_bytes_a_step:10.0f} {block.keep_home_ms_p50:9.2f} "
        f"{block.descriptors:5} {block.threads:4} {block.processes:5}"
    )


def grown(blocks: list[Block]) -> list[str]:
    """What leaks or grows, in words."""
    first, last = blocks[1 if len(blocks) >= SETTLED else 0], blocks[-1]
    told = [
        f"{name}: {before} after {first.steps} steps, {now} after {last.steps}"
        for name, before, now in (
            ("descriptors", first.descriptors, last.descriptors),
            ("threads", first.threads, last.threads),
            ("processes", first.processes, last.processes),
        )
        if now > before
    ]
    told += [
        f"a step's {name}: {before:.0f} bytes before step {first.steps}, {now:.0f} before step {last.steps}"
        for name, before, now, most in (
            ("log", first.log_bytes_a_step, last.log_bytes_a_step, MAX_LOG),
            ("frames", first.frames_bytes_a_step, last.frames_bytes_a_step, MAX_FRAMES),
        )
        if now > before * most
    ]
    more_mib = last.rss_mib - first.rss_mib
    if len(blocks) >= SETTLED and more_mib > KEPT_MIB + MAX_KB_A_STEP * (last.steps - first.steps) * 1000 / 2**20:
        told.append(f"memory: {more_mib:.1f} MiB more")
    return told


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--sandbox", action="store_true", help="drive an editor in the real sandbox")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    if arguments.steps < 2 * BLOCK:
        parser.error(f"nothing can be compared before {2 * BLOCK} steps")
    print(f"{arguments.steps} steps at {SIZE[0]}x{SIZE[1]} on {machine_line()}")
    print("  step  own ms p50       p95   RSS MiB   log B/st  frame B/st   home B/st   keep ms   fds  thr procs")
    with tempfile.TemporaryDirectory(prefix="edgeagent-long-") as scratch:
        meter = asyncio.run(work(arguments.steps, arguments.sandbox, Path(scratch)))
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(block) for block in meter.blocks], indent=1) + "\n")
    second, last = meter.blocks[1], meter.blocks[-1]
    slower, more = last.own_ms_p50 / second.own_ms_p50, last.rss_mib / second.rss_mib
    print(f"last hundred against the second: step time x{slower:.2f}, memory x{more:.3f}")
    wrong = grown(meter.blocks)
    print("\n".join(f"GROWS: {what}" for what in wrong) or "nothing leaks or grows")
    return 1 if wrong else 0


def _open() -> tuple[int, int, int]:
    """Descriptors and threads of this process, and how many processes there are below it."""
    own = psutil.Process()
    return own.num_fds(), own.num_threads(), len(own.children(recursive=True))


def _rss_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return round(pages * os.sysconf("SC_PAGE_SIZE") / 2**20, 1)


if __name__ == "__main__":
    sys.exit(main())

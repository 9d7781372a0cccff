"""Sessions with real desktops at one backend at the same time: ``scripts/concurrent_sessions_benchmark.py --sessions 20``.

Each is a small Chromium in a sandbox of its own, moved to a backend on loopback, and worked on by a worker of its own; a scripted
model fills in a form, over and over. All wait until the last one is ready; then memory is taken (PSS of the worker and all that
it started), and they go off together. One session at home, by itself, is measured first and gives the steps to compare with.
Prints JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from edgeagent import events
from edgeagent.bench.stats import percentile
from edgeagent.clock import SystemClock
from edgeagent.cloud.serving import Settings, open_ledger
from edgeagent.cloud.tokens import make_token
from edgeagent.machine import machine_line
from edgeagent.ports import Model, Prompt, Reply
from edgeagent.recording.reader import SessionReader
from edgeagent.runner import ModelChoice, Runner
from edgeagent.sessions.store import SessionStore
from edgeagent.teleport.api import connect
from edgeagent.teleport.backends import Connected
from edgeagent.teleport.pushing import push
from edgeagent.teleport.wire import Standing
from edgeagent.testing import as_reply
from edgeagent.timings import TimingFold
from edgeagent_harness.protocol.actions import Action, Click, Finish, Key, Type
from edgeagent_harness.protocol.geometry import Point
from edgeagent_harness.protocol.messages import Application, DesktopSpec

WIDTH, HEIGHT = 480, 360
STEPS, PACE_S, GATE = "EDGEAGENT_BENCH_STEPS", "EDGEAGENT_BENCH_PACE_S", "EDGEAGENT_BENCH_GATE"
PAGE = """<!doctype html><title>Form</title><style>*{font:18px sans-serif} input{position:absolute;left:40px;width:300px;
height:34px;margin:0;padding:0;border:2px solid #555;outline:none}</style>
<input style="top:40px"><input style="top:100px"><input type=checkbox style="top:160px;width:34px">"""
SERVE = ("sh", "-c", "cd $HOME && exec python3 -m http.server --bind 127.0.0.1 8731")
CYCLE: tuple[Action, ...] = (
    Click(Point(100, 57)), Type("Ada"), Click(Point(100, 117)), Type("Lovelace 42"), Click(Point(57, 177)), Key(("ctrl", "a")),
)  # fmt: skip
READY_S, DONE_S = 180.0, 900.0
AT_ONCE = 2
"""Desktops that start at the same time: all of them would take longer than one may."""


class Script:
    """The `Model` port: waits until all are ready, then acts at its pace."""

    async def complete(self, prompt: Prompt) -> Reply:
        done = len(prompt.history.steps)
        if done >= int(os.environ[STEPS]):
            return as_reply(Finish())
        if not done:
            await _wait_at(Path(os.environ[GATE]))
        await asyncio.sleep(float(os.environ[PACE_S]))
        return as_reply(CYCLE[done % len(CYCLE)])


async def _wait_at(gate: Path) -> None:
    (gate / str(os.getpid())).touch()
    while not (gate / "open").exists():  # noqa: ASYNC110 - another process makes it
        await asyncio.sleep(0.05)


@asynccontextmanager
async def open_model(choice: ModelChoice, seed: int, restarted: Callable[[str], None]) -> AsyncGenerator[Model]:
    yield Script()


def make(store: SessionStore) -> Runner:
    """What workers run."""
    return Runner(store, open_model=open_model)


@dataclass
class Gate:
    """Where all wait for each other."""

    folder: Path

    def __post_init__(self) -> None:
        self.folder.mkdir()
        os.environ[GATE] = str(self.folder)

    async def await_all(self, count: int) -> None:
        end_s = time.monotonic() + READY_S
        while len(list(self.folder.iterdir())) < count:
            if time.monotonic() > end_s:
                raise SystemExit(f"only {len(list(self.folder.iterdir()))} of {count} sessions became ready")
            await asyncio.sleep(0.1)

    def open(self) -> None:
        (self.folder / "open").touch()


async def create(store: SessionStore) -> str:
    """A session that has not begun."""
    with store.create(SystemClock()) as session:
        (session.home / "index.html").write_text(PAGE)
        serve = Application(SERVE, wait_window=False)
        spec = DesktopSpec(WIDTH, HEIGHT, str(session.home), (serve,), "http://127.0.0.1:8731/", kiosk=True)
        limits = {"max_steps": 0.0, "timeout_s": 0.0, "max_no_effect": 0.0}
        await session.writer.emit(events.SessionCreated("fill in", "embedded", spec, "0.1.0", limits=limits))
    return session.id


def steps_of(directory: Path) -> dict[str, list[float]]:
    """Of each step, in ms: what the runtime itself took, and the wall time less the model's and the wait for the screen."""
    fold, told = TimingFold(), dict[str, list[float]](own=[], wall=[])
    before_s = 0.0
    with SessionReader.open(directory) as reader:
        for event in reader.events():
            timings = fold.advance(event.data)
            if timings is None:
                continue
            if before_s:
                settled_ms = timings.phases_ms.get("settle_ms", 0.0)
                told["wall"].append(1000 * (event.time - before_s - float(os.environ[PACE_S])) - settled_ms)
                told["own"].append(timings.outside_model_ms)
            before_s = event.time
    return told


def figures(rows: list[dict[str, list[float]]]) -> dict[str, dict[str, float]]:
    return {
        f"{name}_ms": {f"p{share}": round(percentile([one for row in rows for one in row[name]], share), 1) for share in (50, 95)}
        for name in ("own", "wall")
    }


def pss_mb(process: psutil.Process) -> defaultdict[str, float]:
    """Memory of ``process`` and all that it started, by what it is; shared pages are divided among those who share them."""
    told: defaultdict[str, float] = defaultdict(float)
    for one in (process, *process.children(recursive=True)):
        with contextlib.suppress(psutil.Error, OSError, StopIteration):
            lines = Path(f"/proc/{one.pid}/smaps_rollup").read_text().splitlines()
            kilobytes = next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
            told[_kind(one)] += kilobytes / 1e3
    return told


def _kind(process: psutil.Process) -> str:
    line = " ".join(process.cmdline())
    return next(
        (kind for kind, sign in (
            ("worker", "edgeagent.cloud.worker"), ("browser", "chrom"), ("X server", "Xvfb"), ("page server", "http.server"),
            ("harness", "edgeagent_harness"),
        ) if sign in line),
        "rest",
    )  # fmt: skip


def cpu_s(process: psutil.Process) -> float:
    """Of all that ``process`` started and that lives."""
    total = 0.0
    for one in process.children(recursive=True):
        with contextlib.suppress(psutil.Error):
            total += sum(one.cpu_times()[:2])
    return total


@contextmanager
def backend(data: Path, workers: int) -> Generator[tuple[Connected, psutil.Process]]:
    """What a client needs of it, and its process."""
    engine = open_ledger(Settings(data))
    token = make_token(engine, "bench", ("read", "write"), 1)
    engine.dispose()
    argv = [
        sys.executable, "-m", "edgeagent", "cloud", "serve", "--data", str(data), "--port", "0", "--workers", str(workers),
        "--rate", "10000", "--runner", "concurrent_sessions_benchmark:make",
    ]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")))}
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdout is not None
    try:
        yield Connected(process.stdout.readline().split(": ", 1)[1].strip(), token, "", ""), psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


async def alone(scratch: Path, steps: int) -> list[dict[str, list[float]]]:
    """One session at home."""
    store, gate = SessionStore(scratch / "alone"), Gate(scratch / "gate alone")
    gate.open()
    session = await create(store)
    await make(store).resume(session)
    rows = steps_of(store.root / session)
    assert len(rows["own"]) == steps - 1
    return [rows]


async def together(scratch: Path, sessions: int, steps: int) -> dict[str, object]:
    """All of them at a backend."""
    store, gate = SessionStore(scratch / "client"), Gate(scratch / "gate")
    with backend(scratch / "cloud", sessions) as (unknown, process):
        async with connect(unknown) as api:
            shown = await api.backend()
        known = Connected(unknown.url, unknown.token, shown.signer, shown.recipient)
        async with connect(known) as api:
            names = [await create(store) for _ in range(sessions)]
            began_s = time.monotonic()
            for number, name in enumerate(names):
                await gate.await_all(number - AT_ONCE)
                await push(store, name, "cloud", known, api, lambda _progress: None, lambda _plan: True)
            await gate.await_all(sessions)
            ready_s = time.monotonic() - began_s
            workers = [one for one in process.children() if "edgeagent.cloud.worker" in one.cmdline()]
            memory = [pss_mb(one) for one in workers]
            server = pss_mb(process)
            before_s, began_s = cpu_s(process), time.monotonic()
            gate.open()
            most_s = await _all_done(names, api.standing, process)
            wall_s, used_s = time.monotonic() - began_s, most_s - before_s
    rows = [steps_of(scratch / "cloud" / "sessions" / "bench" / name) for name in names]
    assert all(len(row["own"]) == steps - 1 for row in rows), [len(row["own"]) for row in rows]
    totals = [sum(one.values()) for one in memory]
    return {
        "sessions": sessions, "steps_each": steps, "all_ready_s": round(ready_s, 1), "wall_s": round(wall_s, 1),
        "steps_per_s": round(sessions * steps / wall_s, 2), "cpu_ms_per_step": round(1000 * used_s / (sessions * steps), 1),
        "pss_mb_per_session": {"median": round(statistics.median(totals), 1), "max": round(max(totals), 1)},
        "of_which_mb": {kind: round(statistics.median(one[kind] for one in memory), 1) for kind in sorted(set().union(*memory))},
        "server_pss_mb": round(sum(server.values()) - sum(totals), 1), **figures(rows),
    }  # fmt: skip


async def _all_done(
    names: list[str], standing: Callable[[str], Awaitable[Standing]], process: psutil.Process
) -> float:  # fmt: skip
    """Wait for all; the most processor time that was seen: that of the first ones to end is not in it."""
    left, most_s, end_s = set(names), 0.0, time.monotonic() + DONE_S
    while left:
        most_s = max(most_s, cpu_s(process))
        for name in sorted(left):
            now = await standing(name)
            if now.state == "idle":
                assert now.outcome == "done", now
                left.discard(name)
        if time.monotonic() > end_s:
            raise SystemExit(f"{len(left)} sessions did not end")
        await asyncio.sleep(1)
    return most_s


async def measure(sessions: int, steps: int) -> dict[str, object]:
    with tempfile.TemporaryDirectory(prefix="edgeagent-concurrent-") as folder:
        scratch = Path(folder)
        os.environ["EDGEAGENT_HOME"] = str(scratch / "home")
        load = os.getloadavg()[0]
        single = figures(await alone(scratch, steps))
        told = await together(scratch, sessions, steps)
    return {**told, "alone": single, "pace_s": float(os.environ[PACE_S]), "load_before": load, "machine": machine_line()}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--steps", type=int, default=24, help="of each session")
    parser.add_argument("--pace-s", type=float, default=0.0, help="what the model takes for a step")
    arguments = parser.parse_args()
    os.environ[STEPS], os.environ[PACE_S] = str(arguments.steps), str(arguments.pace_s)
    print(json.dumps(asyncio.run(measure(arguments.sessions, arguments.steps))))


if __name__ == "__main__":
    main()

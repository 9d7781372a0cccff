"""How long a violation of class ``kill_sandbox`` takes from the system call to no process left, and what a start of a program
costs when each is audited. (docs/benchmarks.md)

.venv/bin/python scripts/violation_benchmark.py [--runs 20] [--url URL] [--json PATH]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import select
import sys
import time
from dataclasses import replace
from pathlib import Path

from edgeagent_harness.outside import session
from edgeagent_harness.outside.containment import rootdrop, usage
from edgeagent_harness.outside.containment.launch import Sandbox
from edgeagent_harness.outside.plan import Plan
from edgeagent_harness.policy.types import AuditSettings, Violations
from edgeagent_harness.protocol import audit
from edgeagent_harness.protocol.messages import DesktopSpec

_PAGE = "data:text/html,<canvas></canvas><p>a page"
_VIOLATE = "import ctypes, sys, time; print(time.monotonic_ns(), flush=True); ctypes.CDLL(None).unshare(0x10000000)"
_EXECS = 200
_START = f"""
import subprocess, time
began = time.perf_counter()
for _ in range({_EXECS}):
    subprocess.run(["/bin/true"])
print((time.perf_counter() - began) * 1000 / {_EXECS}, flush=True)
"""


async def time_to_end_ms(plan: Plan, url: str) -> tuple[float, float, int]:
    """(ms from the call to the end of the first process, to that of the last, processes that were there).

    With the first all are signalled, and run no instruction of their own any more; until the last their memory is given back.
    """
    box = Sandbox(lambda _id, _code: None, lambda _entry: None)
    await box.start(plan)
    if url:
        await box.browse(url)
        await asyncio.sleep(1)
    supervised = [pid for pid in usage.processes(os.getpid()) if pid != os.getpid()]
    handles = [os.pidfd_open(pid) for pid in supervised]
    line = await _output(box, _VIOLATE)
    waiting = select.poll()
    for handle in handles:
        waiting.register(handle, select.POLLIN)
    left = set(handles)
    ended_ns: list[int] = []
    while left:
        for handle, _ in await asyncio.to_thread(waiting.poll):
            waiting.unregister(handle)
            left.discard(handle)
            ended_ns.append(time.monotonic_ns())
    for handle in handles:
        os.close(handle)
    await box.kill()
    assert box.violated, box.gone.result()
    return (ended_ns[0] - int(line)) / 1e6, (ended_ns[-1] - int(line)) / 1e6, len(supervised)


async def start_cost_ms(plan: Plan) -> tuple[float, int]:
    """(ms for each start of a program inside, as many as were listed)."""
    listed: list[audit.Entry] = []
    box = Sandbox(lambda _id, _code: None, listed.append)
    await box.start(plan)
    cost = float(await _output(box, _START))
    await box.kill()
    return cost, sum(isinstance(entry, audit.Executed) for entry in listed)


async def _output(box: Sandbox, code: str) -> str:
    """The first line that ``code`` prints inside."""
    read_end, write_end = os.pipe2(os.O_CLOEXEC)
    null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    spawning = asyncio.ensure_future(box.spawn(("python3", "-c", code), False, (null, write_end, null)))
    try:
        line = await asyncio.to_thread(os.read, read_end, 100)
    finally:
        os.close(read_end)
        os.close(write_end)
        os.close(null)
        await asyncio.gather(spawning, return_exceptions=True)
    return line.decode().strip()


def work(plan: Plan, runs: int, url: str, target: Path | None) -> int:
    """All runs, as an ordinary user."""
    killing = replace(plan, policy=replace(plan.policy, violations=Violations(seccomp="kill_sandbox")))
    auditing = replace(plan, policy=replace(plan.policy, audit=AuditSettings(exec=True)))
    pages = {"bare desktop": "", "with Chromium": url}
    rows: dict[str, list[float]] = {f"{name}, {end} gone": [] for name in pages for end in ("first", "last")}
    rows |= {"program": [], "program, audited": []}
    processes: dict[str, int] = {}
    for _ in range(runs):
        for name, page in pages.items():
            first_ms, last_ms, processes[name] = asyncio.run(time_to_end_ms(killing, page))
            rows[f"{name}, first gone"].append(first_ms)
            rows[f"{name}, last gone"].append(last_ms)
    for _ in range(max(1, runs // 5)):
        for name, chosen in (("program", plan), ("program, audited", auditing)):
            rows[name].append(asyncio.run(start_cost_ms(chosen))[0])
    figures = {name: {"p50": _median(row), "max": round(max(row), 2), "runs": len(row)} for name, row in rows.items()}
    for name, row in figures.items():
        of = processes.get(name.split(",")[0])
        what = f"from the violation, {of} processes" if of else "for each start inside"
        print(f"{name:26} p50 {row['p50']:7.2f} ms   max {row['max']:7.2f} ms   {what}")
    print(f"load average over the last minute: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    if target:
        target.write_text(json.dumps({**figures, "load_1_min": os.getloadavg()[0]}, indent=1) + "\n")
    return 0


def _median(row: list[float]) -> float:
    return round(sorted(row)[len(row) // 2], 2)


def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--url", default=_PAGE)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    target = options.json.resolve() if options.json else None
    plan = session.make_plan(DesktopSpec())
    return rootdrop.run(lambda ready: work(ready, options.runs, options.url, target), plan)


if __name__ == "__main__":
    sys.exit(main())

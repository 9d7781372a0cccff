"""What containment costs: the start and a step with all layers, and with all that can be left away, in turn. (docs/benchmarks.md)

Both are the same sandbox (bwrap with all namespaces, Xvfb, openbox, the executor). "all" adds seccomp with its listener, the
executor's list, Landlock, limits on memory, processor, processes, disk and time, and the audit; "core" has none of these.

.venv/bin/python scripts/containment_benchmark.py [--runs 20] [--steps 40] [--json PATH]
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from pathlib import Path
from unittest import mock

import pyseccomp

from edgeagent_harness.audit import AuditLog
from edgeagent_harness.outside import session
from edgeagent_harness.outside.containment import cgroups, layers, rootdrop, seccomp
from edgeagent_harness.outside.containment.launch import Sandbox
from edgeagent_harness.outside.desktop import Desktop
from edgeagent_harness.outside.plan import Plan
from edgeagent_harness.policy.types import Policy
from edgeagent_harness.protocol.actions import Action, Click, Key, Type
from edgeagent_harness.protocol.audit import Entry
from edgeagent_harness.protocol.geometry import Point
from edgeagent_harness.protocol.messages import Application, DesktopSpec, SettleSpec

LIMITS = """
version: 1
system_calls: {deny: [sethostname], executor_deny: [fork]}
resource_limits: {max_memory_gb: 4, max_pids: 512, cpu_percent: 400, timeout_seconds: 600, max_disk_gb: 2}
on_violation: {seccomp: kill_sandbox, exec: kill_sandbox}
"""
APPLICATION = Application(("mousepad",))
CYCLE: tuple[Action, ...] = (Click(Point(640, 400)), Type("Zoë 42"), Key(("Return",)), Click(Point(300, 300)))
_SETTLE = SettleSpec(expect="nothing", quiet_ms=1, response_ms=1, timeout_ms=50)


@dataclass(frozen=True, slots=True)
class Run:
    """One desktop, in ms."""

    start: float
    """From the call to a warm executor, without the application."""
    steps: tuple[float, ...]
    """Each: act and capture, without the wait for the screen."""


@contextlib.contextmanager
def core_only() -> Generator[None]:
    """Everything is started without what can be left away."""

    def decide(_accepted: tuple[str, ...], **_named: bool) -> layers.Decision:
        return layers.Decision(("bubblewrap", "user_namespaces"), ())

    allow = seccomp.compile_program(pyseccomp.SyscallFilter(pyseccomp.ALLOW))
    with contextlib.ExitStack() as stack:
        stack.enter_context(mock.patch.object(layers, "decide", decide))
        for name in ("base_program", "app_program", "executor_program"):
            stack.enter_context(mock.patch.object(seccomp, name, return_value=allow))
        yield


async def one(plan: Plan, steps: int, tell: Callable[[Entry], None]) -> Run:
    """Start a desktop, act on it, end it."""
    desktop = Desktop(plan, lambda _id, _code: None, tell, Sandbox)
    began_s = time.perf_counter()
    await desktop.start()
    start_ms = (time.perf_counter() - began_s) * 1000
    taken: list[float] = []
    try:
        if steps:
            await desktop.launch(APPLICATION)
            await desktop.observe(SettleSpec())
        for number in range(steps):
            outcome = await desktop.perform(CYCLE[number % len(CYCLE)], _SETTLE, None)
            taken.append(outcome.act_ms + outcome.shot.capture_ms)
    finally:
        await desktop.close()
    return Run(start_ms, tuple(taken))


def work(plan: Plan, runs: int, steps: int, target: Path | None) -> int:
    """All runs in turn, as an ordinary user."""
    bare = replace(plan, policy=Policy(), group=None)
    found: dict[str, list[Run]] = {"all": [], "core": []}
    with tempfile.TemporaryDirectory() as scratch, AuditLog(Path(scratch, "audit.jsonl")) as log:
        for number in range(runs + 1):
            kinds = ["all", "core"]
            random.shuffle(kinds)
            for kind in kinds:
                _forget_programs()
                with contextlib.nullcontext() if kind == "all" else core_only():
                    tell = log.append if kind == "all" else _ignore
                    run = asyncio.run(one(plan if kind == "all" else bare, steps if number % 4 == 0 else 0, tell))
                if number:  # the first warms the page cache
                    found[kind].append(run)
    starts = {kind: [run.start for run in done] for kind, done in found.items()}
    acts = {kind: [step for run in done for step in run.steps] for kind, done in found.items()}
    figures: dict[str, object] = {"runs": runs, "load_1_min": os.getloadavg()[0], "group": bool(plan.group)}
    for name, rows, goal_ms in (("start", starts, 25.0), ("step", acts, 2.0)):
        medians = {kind: _median(row) for kind, row in rows.items()}
        cost_ms = medians["all"] - medians["core"]
        quick = {kind: sorted(row)[len(row) // 4] for kind, row in rows.items()}
        paired = _median([a - b for a, b in zip(rows["all"], rows["core"], strict=False)])
        figures[name] = {**{f"{kind}_p50_ms": round(value, 2) for kind, value in medians.items()}, "cost_ms": round(cost_ms, 2)}
        print(
            f"{name:6} all {medians['all']:8.2f} ms   core {medians['core']:8.2f} ms   cost {cost_ms:6.2f} ms"
            f" (paired {paired:6.2f}, of the quicker quarter {quick['all'] - quick['core']:6.2f}; goal {goal_ms:g})"
            f"   n {len(rows['all'])}"
        )
    print(f"load average over the last minute: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; group: {bool(plan.group)}")
    if target:
        target.write_text(json.dumps(figures, indent=1) + "\n")
    return 0


def _forget_programs() -> None:
    """Each session has a process of its own, which compiles them anew."""
    for compiled in (seccomp.base_program, seccomp.listener_program, seccomp.app_program, seccomp.executor_program):
        compiled.cache_clear()


def _group_ms(policy: Policy) -> float:
    began_s = time.perf_counter()
    with cgroups.group_for(policy):
        pass
    return (time.perf_counter() - began_s) * 1000


def _ignore(_entry: Entry) -> None:
    pass


def _median(row: list[float]) -> float:
    ordered = sorted(row)
    middle = len(ordered) // 2
    return (ordered[middle] + ordered[-middle - 1]) / 2 if ordered else 0.0


def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--steps", type=int, default=40, help="actions on every fourth desktop")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    target = options.json.resolve() if options.json else None
    home = tempfile.mkdtemp(prefix="edgeagent-containment-")
    maker = os.getpid()
    try:
        plan = session.make_plan(DesktopSpec(home=home, policy_yaml=LIMITS))
        group_ms = _median([_group_ms(plan.policy) for _ in range(20)])
        print(f"group  {group_ms:.2f} ms to make, set and remove it (as root, before and after the sandbox; on top of the start)")
        with cgroups.group_for(plan.policy) as group:
            ready = replace(plan, group=group)
            return rootdrop.run(lambda dropped: work(dropped, options.runs, options.steps, target), ready)
    finally:
        if os.getpid() == maker:  # and not the child that root was dropped in
            shutil.rmtree(home)


if __name__ == "__main__":
    sys.exit(main())

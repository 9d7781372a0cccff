"""Holds a sandbox to its policy's limits: by its control group where it has one, else by looking ten times a second."""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import signal
import time
from collections.abc import Callable
from typing import Literal

from edgeagent_harness.outside.containment import usage
from edgeagent_harness.outside.containment.cgroups import GIB, Group
from edgeagent_harness.policy.types import Policy
from edgeagent_harness.protocol.audit import Entry, LimitPassed

_LOOK_S = 0.1
_SHARE_OF_TIME = 0.05
"""Of one core, at most, goes into measuring the home."""
_REPEAT_S = 10.0
"""A limit that stays passed is listed so often."""


def degraded(policy: Policy, group: Group | None) -> tuple[str, ...]:
    """Limits of ``policy`` that hold by a weaker means on this machine, with the means."""
    limits = policy.limits
    held = group.controllers if group else ()
    weaker: list[str] = []
    if limits.max_memory_gb and "memory" not in held:
        weaker.append("memory: no control group; measured 10 times a second")
    if limits.cpu_percent and "cpu" not in held:
        weaker.append(f"cpu: no control group; held to {_cores(limits.cpu_percent)} whole cores")
    if limits.max_disk_gb:
        weaker.append("disk: no quota; measured up to 10 times a second, and no single file grows beyond it")
    return tuple(weaker)


def start_held(policy: Policy, group: Group | None) -> Callable[[], None] | None:
    """What the sandbox's first process must do before it becomes that; None: nothing."""
    cores = (
        _cores(policy.limits.cpu_percent) if policy.limits.cpu_percent and (not group or "cpu" not in group.controllers) else 0
    )
    if not cores and not group:
        return None

    def hold() -> None:
        if group:
            group.enter()
        if cores:
            os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])

    return hold


class Limiter:
    """Watches one sandbox from its start. ``end`` is called with a reason; ``tell`` takes entries for the audit."""

    def __init__(
        self, policy: Policy, group: Group | None, home: str, tell: Callable[[Entry], None], end: Callable[[str], None]
    ) -> None:
        self._policy = policy
        self._limits = policy.limits
        self._group = group
        self._home = home
        self._tell = tell
        self._end = end
        self._told_s: dict[str, float] = {}
        self._refused = 0
        self._disk_due_s = 0.0

    async def watch(self, top: int) -> None:
        """Watch the sandbox below process ``top`` (bwrap) until cancelled."""
        began_s = time.monotonic()
        limits = self._limits
        measured = bool(limits.max_memory_gb or limits.max_disk_gb or self._group)
        while True:
            left_s = began_s + limits.timeout_s - time.monotonic() if limits.timeout_s else math.inf
            if left_s <= 0:
                self._passed("timeout", limits.timeout_s, limits.timeout_s, "s")
                self._end(f"resource_limits.timeout_seconds: {limits.timeout_s:g} s are over")
                return
            if measured:
                await asyncio.to_thread(self._look, top)
            elif left_s == math.inf:
                return
            await asyncio.sleep(min(_LOOK_S if measured else left_s, left_s))

    def look_at_ended(self, code: int) -> None:
        """An application ended with ``code``: if a limit is the reason, tell before its end is told as ordinary."""
        self._look_at_refused()
        if code == -signal.SIGKILL:
            self._look_at_killed()

    def look_last(self) -> None:
        """The sandbox is over: tell what was not seen yet. Its control group still counts what was refused in it."""
        self._look_at_refused()

    def _look_at_refused(self) -> None:
        if self._group and "pids" in self._group.controllers:
            refused = self._group.refused_processes()
            if refused > self._refused:
                self._passed("pids", self._limits.max_pids, self._limits.max_pids, "processes")
            self._refused = refused

    def _look_at_killed(self) -> None:
        """End the sandbox if the kernel has killed a process of it for memory and that is the response."""
        if (group := self._holding_group()) and group.killed_for_memory():
            self._act("memory", "max_memory_gb", self._limits.max_memory_gb * GIB, self._limits.max_memory_gb * GIB)

    def _holding_group(self) -> Group | None:
        """The control group, where the kernel holds the memory by it."""
        holds = self._group and "memory" in self._group.controllers and self._policy.violations.resources != "log"
        return self._group if holds and self._limits.max_memory_gb else None

    def _look(self, top: int) -> None:
        if self._limits.max_memory_gb:
            self._look_at_memory(top)
        self._look_at_refused()
        if self._limits.max_disk_gb and time.monotonic() >= self._disk_due_s:
            self._look_at_disk(top)

    def _look_at_memory(self, top: int) -> None:
        allowed = self._limits.max_memory_gb * GIB
        if self._holding_group():
            self._look_at_killed()
            return
        pids = usage.processes(top)
        in_files = usage.tmpfs_bytes(pids[1]) if len(pids) > 1 else 0
        if usage.resident_bytes(pids) + in_files <= allowed:
            return
        each = usage.proportional_bytes(pids)
        used = sum(each.values()) + in_files
        if used > allowed:
            if self._policy.violations.resources == "deny":  # as the kernel does: whoever has most
                with contextlib.suppress(ProcessLookupError):
                    os.kill(max(each, key=lambda pid: each[pid]), signal.SIGKILL)
            self._act("memory", "max_memory_gb", used, allowed)

    def _look_at_disk(self, top: int) -> None:
        allowed = self._limits.max_disk_gb * GIB
        began_s = time.monotonic()
        pids = usage.processes(top)
        try:
            used = usage.allocated_bytes(self._home, pids) if self._home else usage.tmpfs_bytes(pids[1] if len(pids) > 1 else top)
        except usage.NotMeasurable as error:
            if self._policy.violations.resources != "log":
                self._passed("disk", allowed, allowed, "bytes")
                self._end(f"resource_limits.max_disk_gb: {error}")
            return
        self._disk_due_s = time.monotonic() + (time.monotonic() - began_s) / _SHARE_OF_TIME
        if used > allowed:
            self._act("disk", "max_disk_gb", used, allowed)

    def _act(self, limit: Literal["memory", "disk"], key: str, used: float, allowed: float) -> None:
        """List it; end the sandbox, where that is the response, or where nothing less can hold the limit."""
        self._passed(limit, used, allowed, "bytes")
        response = self._policy.violations.resources
        if response == "kill_sandbox" or (response == "deny" and limit == "disk"):
            self._end(f"resource_limits.{key}: {used / GIB:.2f} of {allowed / GIB:g} GiB {limit} used")

    def _passed(self, limit: Literal["memory", "pids", "disk", "timeout"], used: float, allowed: float, unit: str) -> None:
        now_s = time.monotonic()
        if now_s - self._told_s.get(limit, -math.inf) >= _REPEAT_S:
            self._told_s[limit] = now_s
            self._tell(LimitPassed(limit, used, allowed, unit))


def _cores(percent: float) -> int:
    return max(1, math.ceil(percent / 100))

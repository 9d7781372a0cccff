"""All processes of a run, looked at again and again: what was wrong with any of them at any look."""

from __future__ import annotations

import os
import time

from edgeagent.prove import rules
from edgeagent.prove.looking import Kind, Process, descendants, look, own_network
from edgeagent.prove.rules import Rule


class _Running:
    """The pids that run now."""

    def __contains__(self, pid: object) -> bool:
        return os.path.exists(f"/proc/{pid}")


class Watch:
    """What was seen of the processes below this one."""

    def __init__(self, app: int) -> None:
        self._app = app
        self._last_s = time.monotonic()
        self._members = {os.getpid()}
        self._under_way = False
        self._present: list[Process] = []
        self._filter_does = False
        self.outside = own_network()
        self.seen: dict[int, Process] = {}
        """As each was at the last look that it was in."""
        self.problems: dict[Rule, list[str]] = {}
        self.by_filter_alone: dict[int, str] = {}
        """Processes that no namespace holds, and who they are."""
        self.looks = 0
        self.longest_gap_s = 0.0

    def look(self) -> set[Kind]:
        """Look at every process; returns which kinds there are."""
        found = [process for pid in descendants(os.getpid()) if (process := look(pid, self._app))]
        now_s = time.monotonic()
        self.looks += 1
        self.longest_gap_s = max(self.longest_gap_s, now_s - self._last_s)
        self._last_s = now_s
        self._present = found
        self._members.update(process.pid for process in found)
        self._judge(found)
        return {process.kind for process in found}

    def _judge(self, found: list[Process]) -> None:
        # Until it has anybody to hand a screen or a text to, the program with its starter is only on its way into offline mode.
        self._under_way = self._under_way or any(process.kind not in ("app", "starter") for process in found)
        for process in found:
            if process.kind == "app":
                self._filter_does = process.network.id == self.outside
        for process in found:
            if process.kind in ("app", "starter") and not self._under_way:
                continue
            self.seen[process.pid] = process
            if self._filter_does and rules.held_by_filter_alone(process, self.outside):
                self.by_filter_alone[process.pid] = f"{process.kind} {process.pid}"
            for problem in rules.judge(process, self.outside, self._members, _Running(), self._filter_does):
                details = self.problems.setdefault(problem.rule, [])
                if problem.detail not in details:
                    details.append(problem.detail)

    def present(self) -> list[Process]:
        """Those that the last look found."""
        return self._present

    def left(self) -> list[str]:
        """Who of the session still runs."""
        found = [process for pid in descendants(os.getpid()) if (process := look(pid, self._app))]
        return [f"{process.kind} {process.pid} ({process.name})" for process in found]

"""What a denied system call leads to, by the policy: refused, permitted where that is safe, or the end of the sandbox."""

from __future__ import annotations

import errno
import os
import threading
import time
from collections import defaultdict
from collections.abc import Callable

from edgeagent_harness.outside.containment import seccomp
from edgeagent_harness.outside.containment.denied import PERMITTABLE, Rule, permitted, rules
from edgeagent_harness.outside.containment.listener import Call, Ruling
from edgeagent_harness.policy.types import Policy
from edgeagent_harness.protocol.audit import Connection, Decision, Entry, Executed, SystemCall

_PATH_BYTES = 480
_STATUS_BYTES = 4096
_MAX_REFUSED = 100
"""So many refused connections are listed one by one between two flushes; of what comes beyond the number is."""
_HIDDEN = "(not readable)"
_PROMPT_A_SECOND = 200
_WAIT_S = 0.005
_MAX_KINDS = 64
"""So many different calls are listed one by one between two flushes; what comes beyond is listed as one."""


class Judge:
    """Called on the listener's thread, and on no other. ``tell`` takes entries, ``end`` a reason; both are called there too."""

    def __init__(self, policy: Policy, tell: Callable[[Entry], None], end: Callable[[str], None]) -> None:
        self._policy = policy
        self._tell = tell
        self._end = end
        self._rules: dict[int, list[Rule]] = defaultdict(list)
        for rule in rules(policy.extra_denied, permitted(policy)):
            self._rules[seccomp.number(rule.call)].append(rule)
        self._execs = {seccomp.number(name): name for name in seccomp.EXECS}
        self._second = self._in_second = 0
        self._loggable = {*PERMITTABLE, *policy.extra_denied}
        self.spared: frozenset[int] = frozenset()
        """Processes, as they are numbered inside, whose denied calls are refused and end nothing: the prober has them made."""

    def __call__(self, call: Call, is_waiting: Callable[[], bool]) -> Ruling:
        """The ruling on ``call``."""
        command = _read(f"/proc/{call.pid}/comm").strip()
        if call.number in self._execs:
            return self._started(call, command, is_waiting)
        rule = next((rule for rule in self._rules[call.number] if all(match.holds(call.args) for match in rule.matches)), None)
        if rule is None:  # the filter asks about nothing else
            return errno.EPERM
        command = command if is_waiting() else ""
        self._slow_down()
        response = self._policy.violations.seccomp
        permitted = response == "log" and rule.call in self._loggable
        decision: Decision = "would_deny" if permitted else "denied"
        name = rule.label or rule.call
        self._tell(SystemCall(decision, name, call.pid, command))
        if permitted:
            return "permit"
        if response == "kill_sandbox" and not (self.spared and _pid_inside(call.pid) in self.spared):
            self._end(f"on_violation.seccomp: {command or 'a process'} (process {call.pid}) made the denied system call {name}")
            return "end"
        return rule.errno

    def _slow_down(self) -> None:
        """Let a flood of denied calls wait: whoever makes them stands still, and the supervisor keeps its processor."""
        second = int(time.monotonic())
        if second != self._second:
            self._second, self._in_second = second, 0
        self._in_second += 1
        if self._in_second > _PROMPT_A_SECOND:
            time.sleep(_WAIT_S)

    def _started(self, call: Call, command: str, is_waiting: Callable[[], bool]) -> Ruling:
        """The start of a program: listed, and always permitted. Its path can change under the reader: a hint, no proof."""
        at = 0 if self._execs[call.number] == "execve" else 1
        path = _text_at(call.pid, call.args[at])
        if is_waiting():
            self._tell(Executed(path, call.pid, command))
        return "permit"


class Tally:
    """Lists the first of its kind at once, and counts repeats until `flush`: a loop inside must not fill the disk outside."""

    def __init__(self, tell: Callable[[Entry], None]) -> None:
        self._tell = tell
        self._counts: dict[tuple[Decision, str, int, str], int] = {}
        self._lock = threading.Lock()
        self._executed = 0
        self._refused = 0

    def add(self, entry: Entry) -> None:
        """Take ``entry``; may be called on any thread, and calls ``tell`` there."""
        match entry:
            case SystemCall(decision=decision, call=call, pid=pid, command=command):
                key = (decision, call, pid, command)
                with self._lock:
                    if key not in self._counts and len(self._counts) >= _MAX_KINDS:
                        key = (decision, "several", 0, "")
                    first = key not in self._counts
                    self._counts[key] = self._counts.get(key, -1) + 1
                if first:
                    self._tell(SystemCall(key[0], key[1], key[2], key[3]))
            case Executed():
                self._executed += 1
                if self._executed <= _MAX_KINDS:
                    self._tell(entry)
            case Connection(decision="denied"):
                self._refused += 1
                if self._refused <= _MAX_REFUSED:
                    self._tell(entry)
            case _:
                self._tell(entry)

    def flush(self) -> None:
        """List what was counted since the last time, and begin anew."""
        with self._lock:
            counts, self._counts = self._counts, {}
            unlisted, self._executed = max(0, self._executed - _MAX_KINDS), 0
            refused, self._refused = max(0, self._refused - _MAX_REFUSED), 0
        for key, count in counts.items():
            if count:
                self._tell(SystemCall(*key, count=count))
        if unlisted:
            self._tell(Executed(f"{unlisted} more programs", 0))
        if refused:
            self._tell(Connection("denied", "sandbox", "http", "", 0, f"{refused} more requests, too many to list"))


def _pid_inside(pid: int) -> int:
    """How the sandbox numbers process ``pid``; 0 if it has ended."""
    line = next((line for line in _read(f"/proc/{pid}/status", _STATUS_BYTES).splitlines() if line.startswith("NSpid:")), "")
    return int((*line.split()[1:3], "0", "0")[1])


def _text_at(pid: int, address: int) -> str:
    """The text that a process's pointer points to, if it can be read: process 1 hides its memory."""
    try:
        fd = os.open(f"/proc/{pid}/mem", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return _HIDDEN
    try:
        # What lies behind the text may not be readable: up to the end of its page is.
        data = os.pread(fd, min(_PATH_BYTES, 4096 - address % 4096), address)
        if b"\0" not in data and len(data) < _PATH_BYTES:
            data += os.pread(fd, _PATH_BYTES - len(data), address + len(data))
        return data.split(b"\0")[0].decode(errors="replace")
    except (OSError, OverflowError):
        return _HIDDEN
    finally:
        os.close(fd)


def _read(path: str, most_bytes: int = _PATH_BYTES) -> str:
    try:
        with open(path, "rb") as stream:
            return stream.read(most_bytes).decode(errors="replace")
    except OSError:
        return ""

"""What /proc and the descriptors of a process say: read from outside, without its help."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from edgeagent.prove import sockets
from edgeagent.prove.sockets import OpenSocket

Kind = Literal[
    "app", "starter", "engine", "supervisor", "broker", "bwrap", "process 1", "executor", "application", "helper"
]  # fmt: skip
INSIDE: tuple[Kind, ...] = ("process 1", "executor", "application")
_MODULES: tuple[tuple[str, Kind], ...] = (
    ("edgeagent_models.serve", "engine"), ("edgeagent_harness.outside.egress", "broker"),
    ("edgeagent_harness.outside", "supervisor"),
)  # fmt: skip
_MODULES_INSIDE: tuple[tuple[str, Kind], ...] = (
    ("edgeagent_harness.inside.init", "process 1"), ("edgeagent_harness.inside.executor", "executor"),
)  # fmt: skip
_FLAGS, _EXITING = 6, 4
"""Place in `_stat`, and PF_EXITING: what such a process was can no longer be told."""
_HARMLESS = {(1, 3), (1, 5), (1, 7), (1, 8), (1, 9), (5, 0), (5, 1), (5, 2)}
"""Numbers of null, zero, full, random, urandom, tty, console and ptmx: a name can be mounted over."""
_HARMLESS_MAJORS = {*range(136, 144), 226}
"""Pseudo-terminals, and graphics."""
_GRAPHICS = re.compile(r"/dev/(nvidia[\w-]*|kfd)")
_DANGEROUS = ("anon_inode:[io_uring]", "anon_inode:bpf", "net:[")


@dataclass(frozen=True, slots=True)
class Network:
    """A network namespace."""

    id: int
    devices: tuple[str, ...]
    routes: tuple[str, ...]
    """Other than those that loopback has by itself."""


@dataclass(frozen=True, slots=True)
class Process:
    """One process at one moment."""

    pid: int
    parent: int
    kind: Kind
    name: str
    network: Network
    seccomp: int
    """0: none, 2: a filter."""
    sockets: tuple[OpenSocket, ...] = ()
    odd: tuple[str, ...] = ()
    """Other descriptors that could lead off the machine."""
    unreadable: str = ""
    """Why its descriptors could not be looked at; empty: they were."""


def own_network() -> int:
    """Inode of the network namespace that this process is in."""
    return os.stat("/proc/self/ns/net").st_ino


def descendants(top: int) -> list[int]:
    """Every process below ``top``, whose orphans come back to it (`PR_SET_CHILD_SUBREAPER`)."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit() and (fields := _stat(int(name))):
            children.setdefault(int(fields[1]), []).append(int(name))
    found: list[int] = []
    todo = list(children.get(top, ()))
    while todo:
        pid = todo.pop()
        found.append(pid)
        todo += children.get(pid, ())
    return found


def children(parent: int) -> list[int]:
    """Processes whose parent is ``parent``, ended ones that nobody has waited for too."""
    pids = (int(name) for name in os.listdir("/proc") if name.isdigit())
    return [pid for pid in pids if (fields := _stat(pid)) and int(fields[1]) == parent]


def look(pid: int, app: int) -> Process | None:
    """What process ``pid`` is and holds; None if it has ended. ``app`` is the pid of the session's own program."""
    try:
        return None if _has_ended(pid) else _look(pid, app)
    except (sockets.Unreadable, OSError):
        # It may end between any two questions, and each then has an error of its own.
        if _has_ended(pid):
            return None
        raise


def _has_ended(pid: int) -> bool:
    fields = _stat(pid)
    return not fields or fields[0] in "ZX" or bool(int(fields[_FLAGS]) & _EXITING)


def _look(pid: int, app: int) -> Process:
    status = _status(pid)
    parent, name, seccomp = int(status["PPid"]), status["Name"], int(status.get("Seccomp", "0"))
    kind = _kind(pid, parent, app)
    network = _network(pid)
    try:
        held, odd = _descriptors(pid, int(status["FDSize"]))
    except (sockets.Unreadable, OSError) as error:
        if _has_ended(pid):
            raise
        return Process(pid, parent, kind, name, network, seccomp, unreadable=str(error))
    return Process(pid, parent, kind, name, network, seccomp, held, odd)


def _stat(pid: int) -> list[str]:
    """State, parent and what follows of /proc/PID/stat; empty if the process has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _status(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text(errors="replace").splitlines()
    return {key: value.strip() for key, _, value in (line.partition(":") for line in lines)}


def _kind(pid: int, parent: int, app: int) -> Kind:
    if pid == app:
        return "app"
    argv = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    inside = os.stat(f"/proc/{pid}/ns/pid").st_ino != os.stat("/proc/self/ns/pid").st_ino
    for module, kind in _MODULES_INSIDE if inside else _MODULES:
        if module in argv:
            return kind
    if inside:
        return "application"
    if os.path.basename(argv[0]) == "bwrap":
        return "bwrap"
    return "starter" if parent == app and argv == _argv(app) else "helper"


def _argv(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return []


def _network(pid: int) -> Network:
    devices = tuple(line.split(":")[0].strip() for line in _table(pid, "dev")[2:])
    routes = [f"IPv4 {fields[1]} by {fields[0]}" for fields in map(str.split, _table(pid, "route")[1:]) if fields[0] != "lo"]
    routes += [f"IPv6 {line.split()[0]} by {line.split()[-1]}" for line in _table(pid, "ipv6_route") if line.split()[-1] != "lo"]
    return Network(os.stat(f"/proc/{pid}/ns/net").st_ino, devices, tuple(routes))


def _table(pid: int, name: str) -> list[str]:
    try:
        return Path(f"/proc/{pid}/net/{name}").read_text().splitlines()
    except FileNotFoundError:
        if name == "ipv6_route":  # a kernel without IPv6
            return []
        raise


def _descriptors(pid: int, table_size: int) -> tuple[tuple[OpenSocket, ...], tuple[str, ...]]:
    pidfd = os.pidfd_open(pid)
    held: list[OpenSocket] = []
    odd: list[str] = []
    try:
        for number, copy in _borrowed(pidfd, pid, table_size):
            try:
                status = os.fstat(copy)
                if stat.S_ISSOCK(status.st_mode):
                    held.append(sockets.examine(number, copy))
                elif _is_odd(target := os.readlink(f"/proc/self/fd/{copy}"), status):
                    odd.append(f"{number}: {target}")
            finally:
                os.close(copy)
    finally:
        os.close(pidfd)
    return tuple(held), tuple(odd)


def _borrowed(pidfd: int, pid: int, table_size: int) -> Iterator[tuple[int, int]]:
    """Number and our copy of each descriptor. A process that hides its list is asked number by number."""
    try:
        numbers = sorted(int(name) for name in os.listdir(f"/proc/{pid}/fd"))
    except PermissionError:
        numbers = range(table_size)
    for number in numbers:
        if (copy := sockets.borrow(pidfd, number)) >= 0:
            yield number, copy


def _is_odd(target: str, status: os.stat_result) -> bool:
    if stat.S_ISFIFO(status.st_mode):
        return target.startswith("/")  # one with a name: whoever opens it by that is at the other end
    if stat.S_ISCHR(status.st_mode):
        major, minor = os.major(status.st_rdev), os.minor(status.st_rdev)
        return (major, minor) not in _HARMLESS and major not in _HARMLESS_MAJORS and not _GRAPHICS.fullmatch(target)
    return stat.S_ISBLK(status.st_mode) or target.startswith(_DANGEROUS)

"""A control group of its own for a sandbox, version 1 or 2, where one can be made: as root, or where the system delegates.

Made before root is dropped, removed by the same process afterwards. The sandbox's first process moves itself in by descriptors
that were opened when the group was made, so nothing is ever started outside of it.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from edgeagent_harness.policy.types import Policy, ResourceLimits

Controller = Literal["memory", "pids", "cpu"]
CONTROLLERS: tuple[Controller, ...] = ("memory", "pids", "cpu")
GIB = 1 << 30
_PREFIX = "edgeagent-"
_PERIOD_US = 100_000
_MOUNT_FIELDS = 10


@dataclass(frozen=True, slots=True)
class Place:
    """Where groups for one or more controllers can be made."""

    parents: tuple[Path, ...]
    """To be tried in order."""
    version: Literal[1, 2]
    controllers: tuple[Controller, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """The directories of one sandbox's group, and descriptors to enter them."""

    directories: dict[Controller, Path]
    versions: dict[Controller, int]
    entries: tuple[int, ...]

    @property
    def controllers(self) -> tuple[Controller, ...]:
        """What it can limit."""
        return tuple(self.directories)

    def enter(self) -> None:
        """Move the calling process in; its children follow."""
        for fd in self.entries:
            os.write(fd, b"0")

    def limit(self, policy: Policy) -> None:
        """Set what ``policy`` says; where a limit is only logged, it is not set."""
        limits, hold = policy.limits, policy.violations.resources != "log"
        if limits.max_memory_gb and hold:
            count = str(int(limits.max_memory_gb * GIB))
            self._set("memory", {1: ("memory.limit_in_bytes", count), 2: ("memory.max", count)})
            with contextlib.suppress(OSError):  # kernels without accounting of swap
                self._set("memory", {1: ("memory.memsw.limit_in_bytes", count), 2: ("memory.swap.max", "0")})
        if limits.max_pids:
            self._set("pids", {1: ("pids.max", str(limits.max_pids)), 2: ("pids.max", str(limits.max_pids))})
        if limits.cpu_percent:
            quota = str(int(limits.cpu_percent * _PERIOD_US / 100))
            self._set("cpu", {1: ("cpu.cfs_quota_us", quota), 2: ("cpu.max", f"{quota} {_PERIOD_US}")})

    def killed_for_memory(self) -> int:
        """How many processes the kernel has ended because the limit on memory was reached."""
        name = {1: "memory.oom_control", 2: "memory.events"}[self.versions["memory"]]
        return self._count("memory", name, "oom_kill")

    def refused_processes(self) -> int:
        """How often a new process was refused because of the limit on processes."""
        return self._count("pids", "pids.events", "max")

    def memory_bytes(self) -> int:
        """What is in use."""
        name = {1: "memory.usage_in_bytes", 2: "memory.current"}[self.versions["memory"]]
        return int((self.directories["memory"] / name).read_text())

    def _count(self, controller: Controller, file: str, key: str) -> int:
        try:
            lines = (self.directories[controller] / file).read_text().splitlines()
        except (OSError, KeyError):
            return 0
        return next((int(line.split()[1]) for line in lines if line.split()[0] == key), 0)

    def _set(self, controller: Controller, by_version: dict[int, tuple[str, str]]) -> None:
        if controller in self.directories:
            name, value = by_version[self.versions[controller]]
            (self.directories[controller] / name).write_text(value)


def wanted(policy: Policy) -> bool:
    """Whether ``policy`` limits something that a group holds best; the usual number of processes is held without one."""
    limits = policy.limits
    return bool(limits.max_memory_gb or limits.cpu_percent) or limits.max_pids != ResourceLimits().max_pids


@contextlib.contextmanager
def group_for(policy: Policy) -> Generator[Group | None]:
    """A group that holds what ``policy`` says, removed at the end; None where it wants none, or none can be made."""
    group = create() if wanted(policy) else None
    if group is None:
        yield None
        return
    maker = os.getpid()
    try:
        group.limit(policy)
        yield group
    finally:
        for fd in group.entries:
            os.close(fd)
        if os.getpid() == maker:  # not in a child that root was dropped in
            remove(group)


def create() -> Group | None:
    """A new group with no limits yet; None where none can be made."""
    name = f"{_PREFIX}{os.getpid()}-{secrets.token_hex(4)}"
    directories: dict[Controller, Path] = {}
    versions: dict[Controller, int] = {}
    for place in places(Path("/proc/self/cgroup").read_text(), Path("/proc/self/mountinfo").read_text()):
        made = _make(place, name)
        if made:
            directories |= dict.fromkeys(place.controllers, made)
            versions |= dict.fromkeys(place.controllers, place.version)
    entries: list[int] = []
    try:
        entries.extend(_entry(directory) for directory in dict.fromkeys(directories.values()))
    except OSError:
        for fd in entries:
            os.close(fd)
        remove(Group(directories, versions, ()))
        return None
    return Group(directories, versions, tuple(entries)) if directories else None


def _entry(directory: Path) -> int:
    return os.open(directory / "cgroup.procs", os.O_WRONLY | os.O_CLOEXEC)


def remove(group: Group) -> None:
    """Remove the group once everything in it has ended."""
    for directory in dict.fromkeys(group.directories.values()):
        with contextlib.suppress(OSError):
            directory.rmdir()


def places(own: str, mounts: str) -> list[Place]:
    """Where groups may be made, by the contents of ``/proc/self/cgroup`` and ``/proc/self/mountinfo``."""
    paths = {names: path for _, names, path in (line.split(":", 2) for line in own.splitlines())}
    found: list[Place] = []
    taken: set[str] = set()
    for mount in (line.split() for line in mounts.splitlines()):
        kind = mount[mount.index("-") + 1] if "-" in mount else ""
        if kind == "cgroup" and len(mount) >= _MOUNT_FIELDS:
            options = set(mount[-1].split(","))
            controllers: tuple[Controller, ...] = tuple(name for name in CONTROLLERS if name in options)
            path = next((path for names, path in paths.items() if names and set(names.split(",")) & set(controllers)), None)
            if controllers and path is not None:
                taken.update(controllers)
                found.append(Place((_within(mount, path),), 1, controllers))
    for mount in (line.split() for line in mounts.splitlines()):
        if "-" in mount and mount[mount.index("-") + 1] == "cgroup2" and "" in paths:
            here = _within(mount, paths[""])
            left: tuple[Controller, ...] = tuple(name for name in CONTROLLERS if name not in taken)
            # A group with processes of its own has no limited children, but its neighbours may be.
            found.append(Place((here, here.parent) if paths[""] != "/" else (here,), 2, left))
    return [place for place in found if place.controllers]


def _within(mount: list[str], path: str) -> Path:
    """Where the group ``path`` is seen on ``mount``, which may show only a part of the hierarchy."""
    root, point = mount[3], mount[4]
    inner = os.path.relpath(path, root) if root != "/" and path.startswith(root) else path.lstrip("/")
    return Path(point, inner)


def _make(place: Place, name: str) -> Path | None:
    for parent in place.parents:
        _sweep(parent)
        directory = parent / name
        try:
            directory.mkdir()
        except OSError:
            continue
        if place.version == 1 or _enabled(parent, directory, place.controllers):
            return directory
        directory.rmdir()
    return None


def _enabled(parent: Path, directory: Path, controllers: tuple[Controller, ...]) -> bool:
    """Whether ``directory`` can limit all of ``controllers``; turned on where that is permitted."""
    with contextlib.suppress(OSError):
        (parent / "cgroup.subtree_control").write_text(" ".join(f"+{name}" for name in controllers))
    available = (directory / "cgroup.controllers").read_text().split()
    return all(name in available for name in controllers)


def _sweep(parent: Path) -> None:
    """Remove groups of ours whose maker was killed before it could."""
    for left in parent.glob(f"{_PREFIX}*-*"):
        maker = left.name.split("-")[1]
        if maker.isdigit() and not Path("/proc", maker).exists():
            with contextlib.suppress(OSError):
                left.rmdir()

"""What a sandbox uses, measured from outside: for machines, and limits, that no control group or quota holds."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_BLOCK_BYTES = 512
_TMPFS = ("tmp", "run", "dev/shm", "home/agent")


class NotMeasurable(Exception):
    """Something in the home keeps itself from being measured."""


def processes(top: int) -> list[int]:
    """``top`` and everything that descends from it; in a sandbox orphans become children of its first process."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            parent = _parent(int(name))
            if parent:
                children.setdefault(parent, []).append(int(name))
    found, waiting = list[int](), [top]
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        waiting.extend(children.get(pid, ()))
    return found


def resident_bytes(pids: list[int]) -> int:
    """Upper bound on what ``pids`` use together: memory that they share is counted for each. Cheap."""
    return sum(_resident(pid) for pid in pids)


def proportional_bytes(pids: list[int]) -> dict[int, int]:
    """What each of ``pids`` uses, with shared memory divided among those who share it (PSS). Some ms for each."""
    return {pid: _proportional(pid) for pid in pids}


def tmpfs_bytes(first_inside: int) -> int:
    """What the sandbox's file systems in memory hold; ``first_inside`` is its process 1."""
    used: dict[int, int] = {}
    for name in _TMPFS:
        path = f"/proc/{first_inside}/root/{name}"
        try:
            if os.stat(path).st_dev not in used and _is_tmpfs(first_inside, name):
                status = os.statvfs(path)
                used[os.stat(path).st_dev] = (status.f_blocks - status.f_bfree) * status.f_frsize
        except OSError:
            continue
    return sum(used.values())


def allocated_bytes(home: str, pids: list[int]) -> int:
    """What the files of ``home`` take on the disk, those with it that were deleted but are still open in one of ``pids``.

    Raises `NotMeasurable` where a directory cannot be looked into.
    """
    sizes: dict[int, int] = {}
    device = os.stat(home).st_dev
    waiting = [home]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    status = _status(entry)
                    if status is None or status.st_dev != device:
                        continue
                    sizes[status.st_ino] = status.st_blocks * _BLOCK_BYTES
                    if stat.S_ISDIR(status.st_mode):
                        waiting.append(entry.path)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise NotMeasurable(f"a directory in the home cannot be looked into: {error.strerror}") from error
    for status in _open_files(pids):
        if status.st_dev == device and stat.S_ISREG(status.st_mode) and not status.st_nlink:
            sizes[status.st_ino] = status.st_blocks * _BLOCK_BYTES
    return sum(sizes.values())


def _status(entry: os.DirEntry[str]) -> os.stat_result | None:
    try:
        return entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return None


def _open_files(pids: list[int]) -> Iterator[os.stat_result]:
    for pid in pids:
        try:
            with os.scandir(f"/proc/{pid}/fd") as entries:
                for entry in entries:
                    try:
                        yield os.stat(entry.path)
                    except OSError:
                        continue
        except OSError:
            continue


def _parent(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/stat", "rb") as stream:
            return int(stream.read().rpartition(b")")[2].split()[1])
    except (OSError, IndexError):
        return 0


def _resident(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/statm", "rb") as stream:
            return int(stream.read().split()[1]) * _PAGE_BYTES
    except (OSError, IndexError):
        return 0


def _proportional(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/smaps_rollup", "rb") as stream:
            return next((int(line.split()[1]) * 1024 for line in stream if line.startswith(b"Pss:")), 0)
    except OSError:
        return _resident(pid)


def _is_tmpfs(pid: int, name: str) -> bool:
    with open(f"/proc/{pid}/mountinfo") as stream:
        return any(line.split()[4] == f"/{name}" and " - tmpfs " in line for line in stream)

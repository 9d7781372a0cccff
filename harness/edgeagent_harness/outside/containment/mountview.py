"""A private view of the file system in which paths below a root-only directory can be reached by any user.

Root's home is often 0700, and with it a Python, a clone or a home directory below it. In a mount namespace of our own the
first closed directory above such a path is covered by an empty one that anybody may pass, with the path bound back in.
"""

from __future__ import annotations

import ctypes
import os
from collections import defaultdict
from collections.abc import Iterable

_CLONE_NEWNS = 0x00020000
_MS_BIND, _MS_REC, _MS_PRIVATE, _MS_NOSUID, _MS_NODEV = 0x1000, 0x4000, 1 << 18, 2, 4
_MAX_NESTED = 8
_PASSABLE = 0o001

_libc = ctypes.CDLL(None, use_errno=True)


def open_up(paths: Iterable[str]) -> None:
    """Make each of ``paths`` (absolute, without symlinks) reachable. Needs root; raises OSError where that is refused."""
    _check(_libc.unshare(_CLONE_NEWNS), "unshare")
    _mount("none", "/", "", _MS_REC | _MS_PRIVATE)
    wanted = sorted(set(paths))
    for _ in range(_MAX_NESTED):
        closed: defaultdict[str, list[str]] = defaultdict(list)
        for path in wanted:
            if above := first_closed(path):
                closed[above].append(path)
        if not closed:
            return
        for above, below in closed.items():
            _cover(above, below)


def first_closed(path: str) -> str:
    """The topmost directory above ``path`` that other users may not pass; empty: none."""
    above = ""
    for name in path.strip("/").split("/")[:-1]:
        above = f"{above}/{name}"
        if not os.stat(above).st_mode & _PASSABLE:
            return above
    return ""


def _cover(above: str, below: list[str]) -> None:
    """Cover ``above`` by an empty directory, with each path of ``below`` back in its place."""
    outermost = [path for path in below if not any(path.startswith(f"{other}/") for other in below)]
    sources = {path: os.open(path, os.O_PATH | os.O_CLOEXEC) for path in outermost}
    _mount("tmpfs", above, "tmpfs", _MS_NOSUID | _MS_NODEV, "mode=0755,size=1m")
    for path, fd in sources.items():
        source = f"/proc/self/fd/{fd}"
        os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
        if os.path.isdir(source):
            os.mkdir(path, mode=0o755)
        else:
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o644))
        _mount(source, path, "", _MS_BIND | _MS_REC)
        os.close(fd)


def _mount(source: str, target: str, kind: str, flags: int, data: str = "") -> None:
    arguments = (source.encode(), target.encode(), kind.encode() or None, ctypes.c_ulong(flags), data.encode() or None)
    _check(_libc.mount(*arguments), f"mount {target}")


def _check(result: int, what: str) -> None:
    if result != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{what}: {os.strerror(error)}")

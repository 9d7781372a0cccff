"""Takes from a Python what Linux alone has: put this folder on PYTHONPATH."""

from __future__ import annotations

import ctypes.util
import fcntl
import os

_find = ctypes.util.find_library


def _find_but_seccomp(name: str) -> str | None:
    return None if "seccomp" in name else _find(name)


for name in ("memfd_create", "pidfd_open", "eventfd", "sched_getaffinity", "O_TMPFILE", "unshare", "splice"):
    if hasattr(os, name):
        delattr(os, name)
for name in [name for name in dir(fcntl) if "SEAL" in name]:
    delattr(fcntl, name)
ctypes.util.find_library = _find_but_seccomp

"""Memory that has no name and travels as a descriptor: a sealed memfd on Linux, an unlinked file elsewhere.

Seals protect from a hostile executor. Where there are none, there is no sandbox either: the executor is our own.
"""

from __future__ import annotations

import os
import sys
import tempfile

# From linux/fcntl.h; Python's fcntl module has it only from 3.13 on.
_F_SEAL_FUTURE_WRITE = 0x0010


def anonymous(name: str, size_bytes: int) -> int:
    """A new descriptor of ``size_bytes`` of memory; the caller closes it. ``name`` is for whoever looks at a process."""
    if hasattr(os, "memfd_create"):
        fd = os.memfd_create(name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    else:
        fd, path = tempfile.mkstemp(prefix=f"{name}-")
        os.unlink(path)
    os.ftruncate(fd, size_bytes)
    return fd


def seal(fd: int, writable_by_others: bool) -> None:
    """Fix the size; unless ``writable_by_others``, only mappings that stand already can write from now on. No-op off Linux."""
    if sys.platform != "linux" or not hasattr(os, "memfd_create"):
        return
    import fcntl

    fixed = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL
    fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fixed | (0 if writable_by_others else _F_SEAL_FUTURE_WRITE))

"""What a process gives up for ever: its network namespace, sockets, new privileges. Each returns why not, or an empty string.

Leave a network while the process has a single thread: the kernel refuses a new user namespace to a process with more.
"""

from __future__ import annotations

import ctypes
import os
import platform
import socket
import struct
import sys
from collections.abc import Sequence

from edgeagent_harness.isolation import bpf

_CLONE_NEWUSER = 0x1000_0000
_CLONE_NEWNET = 0x4000_0000
_PR_SET_NO_NEW_PRIVS = 38
_SYS_SECCOMP = {"x86_64": 317, "aarch64": 277}
_SECCOMP_SET_MODE_FILTER = 1
_ALL_THREADS = 1
"""SECCOMP_FILTER_FLAG_TSYNC."""

_NO_LINUX = "only Linux has it"

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long


def leave_network(keep_root: bool = False) -> str:
    """Enter a network namespace of our own: a loopback that is down, and nothing else.

    An ordinary user needs a user namespace for that, in which only the own user and group exist. With ``keep_root`` a process of
    root stays in the user namespace that it is in, and may change to other users later.
    """
    if sys.platform != "linux":
        return _NO_LINUX
    uid, gid = os.getuid(), os.getgid()
    if not (keep_root and uid == 0):
        if _libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET) == 0:
            _keep_identity(uid, gid)
            return ""
        if uid != 0:
            return f"unshare of user and network namespaces: {_last_error()}"
    return "" if _libc.unshare(_CLONE_NEWNET) == 0 else f"unshare of a network namespace: {_last_error()}"


def forbid_privileges() -> str:
    """Let no program that is started from now on gain rights by its file: `no_new_privs`."""
    if sys.platform != "linux":
        return _NO_LINUX
    return "" if _libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 else _last_error()


def forbid_calls(denied: Sequence[str], families: Sequence[socket.AddressFamily] | None = None, action: int | None = None) -> str:
    """Put the filter of `bpf.program` on every thread of this process, and on whatever it starts."""
    if sys.platform != "linux":
        return _NO_LINUX
    machine = platform.machine()
    if machine not in bpf.ARCHITECTURES:
        return f"no filter for {machine}"
    extra = () if action is None else (action,)
    instructions = bpf.program(machine, denied, families, *extra)
    buffer = ctypes.create_string_buffer(instructions, len(instructions))
    header = struct.pack("HxxxxxxP", len(instructions) // 8, ctypes.addressof(buffer))
    pointer = ctypes.create_string_buffer(header, len(header))
    number = _SYS_SECCOMP[machine]
    if (done := _libc.syscall(number, _SECCOMP_SET_MODE_FILTER, _ALL_THREADS, pointer)) == 0:
        return ""
    return f"thread {done} has another filter" if done > 0 else _last_error()


def _keep_identity(uid: int, gid: int) -> None:
    """Map our own user and group into the new namespace. Without it files can be read as before, but none created: no failure
    of the isolation, so a refusal here is ignored."""
    try:
        for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
            with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
                file.write(text)
    except OSError:
        return


def _last_error() -> str:
    return os.strerror(ctypes.get_errno())

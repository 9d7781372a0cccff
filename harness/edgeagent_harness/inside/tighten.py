"""How a process inside gives up what it no longer needs. The seccomp programs are compiled outside and come in as bytes."""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import resource

from edgeagent_harness.inside import landlock
from edgeagent_harness.protocol.init_wire import PathRule

EXECUTOR_FILTER_ENV = "EDGEAGENT_EXECUTOR_FILTER_FD"
"""Environment variable: number of the descriptor that the executor reads its filter from."""

PR_SET_DUMPABLE = 4
PR_SET_NO_NEW_PRIVS = 38
SECCOMP_SET_MODE_FILTER = 1
SECCOMP_FILTER_FLAG_TSYNC = 1
SECCOMP_FILTER_FLAG_NEW_LISTENER = 8
_SYS_CLOSE_RANGE = 436
_LAST_FD = 0xFFFFFFFF
_SYS_SECCOMP = {"x86_64": 317, "aarch64": 277}
_INSTRUCTION_BYTES = 8

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long


class _FilterProgram(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p))


def hide_memory() -> None:
    """Make this process's memory and descriptors unreadable for others of the same user."""
    _libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)


def forbid_core_dumps() -> None:
    """What crashes here is not handed to the host's handler of crashes: a limit of 1, not 0, keeps a piped one from running."""
    resource.setrlimit(resource.RLIMIT_CORE, (1, 1))


def limit_processes(count: int) -> None:
    """At most ``count`` processes and threads in this user namespace; 0: no limit."""
    if count:
        _, hard = resource.getrlimit(resource.RLIMIT_NPROC)
        limit = count if hard == resource.RLIM_INFINITY else min(count, hard)
        resource.setrlimit(resource.RLIMIT_NPROC, (limit, limit))


def limit_file_size(max_bytes: int) -> None:
    """No file grows beyond ``max_bytes``; 0: no limit."""
    if max_bytes:
        resource.setrlimit(resource.RLIMIT_FSIZE, (max_bytes, max_bytes))


def close_from(lowest: int) -> None:
    """Close every descriptor from ``lowest`` on: in one call, as a loop over all that may be open can take minutes."""
    if _libc.syscall(_SYS_CLOSE_RANGE, ctypes.c_uint(lowest), ctypes.c_uint(_LAST_FD), 0) == 0:
        return
    for name in os.listdir("/proc/self/fd"):
        if int(name) >= lowest:
            with contextlib.suppress(OSError):
                os.close(int(name))


def install_filter(program: bytes) -> None:
    """Put the seccomp ``program`` on all threads of this process, for ever. Raises OSError."""
    _seccomp(program, SECCOMP_FILTER_FLAG_TSYNC)


def install_listener(program: bytes) -> int:
    """As `install_filter`, for a process of one thread; returns the descriptor on which its notifications are answered."""
    fd = _seccomp(program, SECCOMP_FILTER_FLAG_NEW_LISTENER)
    os.set_inheritable(fd, False)
    return fd


def _seccomp(program: bytes, flags: int) -> int:
    buffer = ctypes.create_string_buffer(program, len(program))
    header = _FilterProgram(len(program) // _INSTRUCTION_BYTES, ctypes.cast(buffer, ctypes.c_void_p))
    _libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    number = _SYS_SECCOMP[platform.machine()]
    result = int(_libc.syscall(number, SECCOMP_SET_MODE_FILTER, flags, ctypes.byref(header)))
    # A thread that could not be brought along is told by its (positive) id.
    if result < 0 or (flags == SECCOMP_FILTER_FLAG_TSYNC and result):
        error = ctypes.get_errno()
        raise OSError(error, f"seccomp: {os.strerror(error)}")
    return result


def confine(rules: tuple[PathRule, ...], abi: int) -> None:
    """Enter a Landlock domain of ``rules``; no rules: Landlock is missing here and was accepted as missing."""
    if rules:
        landlock.restrict(rules, abi)


def tighten_executor() -> None:
    """For the executor after its warm-up: no more programs, processes, tracing or new sockets beyond unix ones.

    Call it once, when every library that starts a helper process has done so. An `execve` afterwards kills the process.
    """
    fd = int(os.environ.pop(EXECUTOR_FILTER_ENV))
    with open(fd, "rb") as stream:
        stream.seek(0)
        program = stream.read()
    hide_memory()
    if abi := landlock.abi_version():
        # A domain of its own, beside those of the applications: from here their memory and descriptors cannot be opened.
        landlock.restrict((PathRule("/", "read"),), abi)
    install_filter(program)

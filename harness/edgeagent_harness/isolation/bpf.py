"""Seccomp programs without a compiler: classic BPF over ``struct seccomp_data``, for processes that filter themselves.

Calls of another ABI (i386, x32) are refused as a whole: their numbers would pass by the ones that are named here.
"""

from __future__ import annotations

import errno
import socket
import struct
from collections.abc import Sequence

ARCHITECTURES = {"x86_64": 0xC000_003E, "aarch64": 0xC000_00B7}
"""By `platform.machine`: the kernel's AUDIT_ARCH."""
_NUMBERS: dict[str, tuple[int, int]] = {
    "socket": (41, 198),
    "socketpair": (53, 199),
    "ptrace": (101, 117),
    "process_vm_writev": (311, 271),
    "setns": (308, 268),
    "bpf": (321, 280),
    "io_uring_setup": (425, 425),
    "pidfd_getfd": (438, 438),
}
"""Name -> number on x86_64 and on aarch64, from the kernel's own tables."""
NO_SOCKETS = ("socket", "io_uring_setup")
"""For an engine. io_uring could make sockets behind the filter's back."""
WAYS_TO_OTHER_NETWORKS = ("io_uring_setup", "setns", "bpf")
"""For supervisors and sandboxes: besides, sandboxes have a filter of their own."""
WAYS_TO_OTHERS_SOCKETS = (*WAYS_TO_OTHER_NETWORKS, "ptrace", "process_vm_writev", "pidfd_getfd")
"""For the app, which keeps unix sockets: what would bring it into another network, or at another process's sockets."""

_LOAD, _EQUAL, _AT_LEAST, _GIVE = 0x20, 0x15, 0x35, 0x06
_NUMBER_AT, _ARCHITECTURE_AT, _FIRST_ARGUMENT_AT = 0, 4, 16
_FOREIGN_ABI = 0x4000_0000
"""x32 system calls have this bit; elsewhere no number is as high."""
_ALLOW, _REFUSE = 0x7FFF_0000, 0x0005_0000 | errno.EPERM
KILL_PROCESS = 0x8000_0000
"""Instead of an error: for tests that want to know of every attempt."""


def program(
    machine: str, denied: Sequence[str], families: Sequence[socket.AddressFamily] | None = None, action: int = _REFUSE
) -> bytes:
    """``struct sock_filter[]`` which refuses ``denied`` calls, and permits sockets of ``families`` only.

    ``families`` None leaves sockets to ``denied``. Raises KeyError for a machine that is not in `ARCHITECTURES`.
    """
    column = list(ARCHITECTURES).index(machine)
    scoped = () if families is None else ("socket", "socketpair")
    allowed = () if families is None else tuple(families)
    # From the last instruction backwards: jumps go forward, and by how far they do is then known.
    tail = [_instruction(_GIVE, 0, 0, _ALLOW), _instruction(_GIVE, 0, 0, action)]
    by_family = [_instruction(_EQUAL, len(allowed) - place, 0, family) for place, family in enumerate(allowed)]
    second = [_instruction(_LOAD, 0, 0, _FIRST_ARGUMENT_AT), *by_family, _instruction(_GIVE, 0, 0, action)] if scoped else []
    calls = [(_NUMBERS[name][column], len(second) + 1) for name in denied]
    calls += [(_NUMBERS[name][column], 0) for name in scoped]
    skip = _instruction(0x05, 0, 0, len(second))  # jump over the second part, to ALLOW
    first = [_instruction(_EQUAL, len(calls) - 1 - place + 1 + target, 0, number) for place, (number, target) in enumerate(calls)]
    to_refuse = len(first) + 1 + len(second) + 1
    head = [
        _instruction(_LOAD, 0, 0, _ARCHITECTURE_AT),
        _instruction(_EQUAL, 0, to_refuse + 2, ARCHITECTURES[machine]),
        _instruction(_LOAD, 0, 0, _NUMBER_AT),
        _instruction(_AT_LEAST, to_refuse, 0, _FOREIGN_ABI),
    ]
    return b"".join([*head, *first, skip, *second, *tail])


def _instruction(code: int, if_true: int, if_false: int, value: int) -> bytes:
    return struct.pack("HBBI", code, if_true, if_false, value)

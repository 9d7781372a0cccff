"""The hand-made seccomp program refuses what it names on both processors, permits the families it is given, and all else."""

from __future__ import annotations

import socket
import struct
import subprocess
import sys
from collections.abc import Sequence

import pytest

from edgeagent_harness.isolation import bpf

ALLOW, REFUSE = 0x7FFF_0000, 0x0005_0001
NUMBERS = {
    "x86_64": {"read": 0, "socket": 41, "socketpair": 53, "setns": 308, "ptrace": 101, "io_uring_setup": 425, "bpf": 321},
    "aarch64": {"read": 63, "socket": 198, "socketpair": 199, "setns": 268, "ptrace": 117, "io_uring_setup": 425, "bpf": 280},
}


def judged(program: bytes, architecture: int, number: int, first: int = 0) -> int:
    """What the kernel would answer: an interpreter of the few instructions there are."""
    data = struct.pack("=iIQ6Q", number, architecture, 0, first, 0, 0, 0, 0, 0)
    code = list(struct.iter_unpack("HBBI", program))
    at = accumulator = 0
    while True:
        operation, if_true, if_false, value = code[at]
        at += 1
        if operation == 0x20:
            accumulator = struct.unpack_from("=I", data, value)[0]
        elif operation == 0x15:
            at += if_true if accumulator == value else if_false
        elif operation == 0x35:
            at += if_true if accumulator >= value else if_false
        elif operation == 0x05:
            at += value
        else:
            assert operation == 0x06
            return value


@pytest.mark.parametrize("machine", NUMBERS)
@pytest.mark.parametrize("families", [None, (socket.AF_UNIX,), (socket.AF_UNIX, socket.AF_NETLINK), (1, 16, 2, 10)])
def test_every_call_and_family(machine: str, families: Sequence[socket.AddressFamily] | None) -> None:
    denied = bpf.NO_SOCKETS if families is None else bpf.WAYS_TO_OTHERS_SOCKETS
    program = bpf.program(machine, denied, families)
    architecture, numbers = bpf.ARCHITECTURES[machine], NUMBERS[machine]
    assert judged(program, architecture, numbers["read"]) == ALLOW
    for name in set(denied) & set(numbers):
        assert judged(program, architecture, numbers[name]) == REFUSE, name
    for name in ("socket", "socketpair") if families is not None else ():
        for family in range(48):
            wanted = ALLOW if family in (families or ()) else REFUSE
            assert judged(program, architecture, numbers[name], family) == wanted, (name, family)
            # The kernel looks at 32 bits of a family.
            assert judged(program, architecture, numbers[name], family | 1 << 32) == wanted


@pytest.mark.parametrize("machine", NUMBERS)
def test_calls_of_another_abi_are_refused(machine: str) -> None:
    program = bpf.program(machine, bpf.WAYS_TO_OTHERS_SOCKETS, (socket.AF_UNIX,))
    assert judged(program, 0x4000_0003, 0) == REFUSE  # i386
    assert judged(program, bpf.ARCHITECTURES[machine], 0x4000_0000) == REFUSE  # x32


HELD = """
import ctypes, os, socket, threading
from edgeagent_harness.isolation import bpf, giving_up
one, other = socket.socketpair()
go, made = threading.Event(), []
def later():
    go.wait()
    try:
        made.append(socket.socket(socket.AF_INET))
    except PermissionError:
        made.append(None)
thread = threading.Thread(target=later)
thread.start()
assert giving_up.forbid_privileges() == ""
assert giving_up.forbid_calls(bpf.WAYS_TO_OTHERS_SOCKETS, (socket.AF_UNIX,)) == ""
go.set()
thread.join()
assert made == [None], "a thread that ran before is not filtered"
for family in set(range(46)) - {1}:
    for kind in (1, 2, 3):
        try:
            socket.socket(family, kind)
        except PermissionError:
            continue
        raise SystemExit(f"a socket of family {family}")
socket.socket(socket.AF_UNIX).close()
libc = ctypes.CDLL(None, use_errno=True)
for number in %s:
    assert libc.syscall(number, 0, 0, 0, 0) == -1 and ctypes.get_errno() == 1, number
if os.fork() == 0:
    try:
        socket.socket(socket.AF_INET)
    except PermissionError:
        os._exit(0)
    os._exit(1)
assert os.wait()[1] == 0, "a child is not filtered"
"""


def test_the_kernel_holds_it_for_all_threads_and_children() -> None:
    import platform

    numbers = [number for name, number in NUMBERS[platform.machine()].items() if name in bpf.WAYS_TO_OTHERS_SOCKETS]
    result = subprocess.run([sys.executable, "-c", HELD % numbers], capture_output=True, text=True, timeout=30, check=False)
    assert (result.returncode, result.stderr) == (0, "")

"""The seccomp programs stop what they should, tried by really installing them in a process of its own."""

from __future__ import annotations

import errno
import json
import platform
import signal
import subprocess
import sys
from typing import Literal

import pyseccomp
import pytest

from edgeagent_harness.errors import UsageProblem
from edgeagent_harness.outside.containment import seccomp

pytestmark = pytest.mark.skipif(platform.machine() != "x86_64", reason="uses this machine's system call numbers")
TRY = """
import ctypes, json, mmap, os, select, socket, sys
from edgeagent_harness.inside import tighten
tighten.install_filter(bytes.fromhex(sys.argv[1]))
libc = ctypes.CDLL(None, use_errno=True)
results = {}
for name, code in json.loads(sys.argv[2]).items():
    try:
        result = eval(code)
        results[name] = ctypes.get_errno() if result == -1 else 0
    except OSError as error:
        results[name] = error.errno
print(json.dumps(results))
"""


def tried(program: bytes, **calls: str) -> dict[str, int]:
    """The errno of each call under ``program``; 0: it went through."""
    run = subprocess.run(
        [sys.executable, "-c", TRY, program.hex(), json.dumps(calls)], capture_output=True, text=True, check=True
    )
    return dict(json.loads(run.stdout))


def test_the_base_denies_escapes_and_lets_work_through() -> None:
    found = tried(
        seccomp.base_program(),
        ptrace="libc.ptrace(0, 0, 0, 0)",
        unshare="libc.unshare(0x10000000)",
        new_namespace="libc.syscall(56, 0x10000000 | 17, 0, 0, 0, 0)",
        clone3="libc.syscall(435, 0, 0)",
        bpf="libc.syscall(321, 0, 0, 0)",
        io_uring="libc.syscall(425, 1, 0)",
        raw="socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)",
        raw_with_flags="libc.socket(2, 3 | 0o2000000, 1)",
        packet="socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM)",
        vsock="socket.socket(40, socket.SOCK_STREAM)",
        netlink_diag="socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, 4)",
        multipath="socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262)",
        tiocsti="libc.ioctl(0, ctypes.c_ulong(0x5412), b'x')",
        tiocsti_high_bits="libc.ioctl(0, ctypes.c_ulong(0x100005412), b'x')",
        device="os.mknod('/tmp/never', 0o020600, 0x103)",
        tcp="socket.socket(socket.AF_INET, socket.SOCK_STREAM).close()",
        unix="socket.socket(socket.AF_UNIX, socket.SOCK_STREAM).close()",
        routes="socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, 0).close()",
        fork="os.waitpid(os.posix_spawn('/bin/true', ['true'], {}), 0) and None",
    )
    denied = dict.fromkeys(
        (
            "ptrace",
            "unshare",
            "new_namespace",
            "bpf",
            "io_uring",
            "raw",
            "raw_with_flags",
            "tiocsti",
            "tiocsti_high_bits",
            "device",
        ),
        errno.EPERM,
    )
    no_family = dict.fromkeys(("packet", "vsock", "netlink_diag"), errno.EAFNOSUPPORT)
    allowed = dict.fromkeys(("tcp", "unix", "routes", "fork"), 0)
    assert found == denied | no_family | allowed | {"clone3": errno.ENOSYS, "multipath": errno.EPROTONOSUPPORT}


def test_an_application_cannot_add_filters() -> None:
    found = tried(seccomp.app_program(), seccomp="libc.syscall(317, 1, 0, 0)", prctl="libc.prctl(22, 2, 0, 0, 0)")
    assert found == {"seccomp": errno.EPERM, "prctl": errno.EPERM}


def test_the_executor_dies_on_running_a_program() -> None:
    code = "os.execv('/bin/true', ['true'])"
    argv = [sys.executable, "-c", TRY, seccomp.executor_program().hex(), json.dumps({"exec": code})]
    assert subprocess.run(argv, capture_output=True, check=False).returncode == -signal.SIGSYS


def test_the_executor_can_do_no_more_than_its_work() -> None:
    found = tried(
        seccomp.executor_program(),
        fork="os.fork()",
        thread="libc.syscall(56, 0x10f00, 0, 0, 0, 0)",
        tcp="socket.socket(socket.AF_INET, socket.SOCK_STREAM)",
        unix="socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)",
        write_file="os.open('/tmp/never', os.O_WRONLY | os.O_CREAT)",
        truncate_file="os.open('/dev/null', os.O_RDONLY | os.O_TRUNC)",
        unlink="os.unlink('/tmp/never')",
        memory_file="os.memfd_create('x')",
        code="mmap.mmap(-1, 4096, prot=7)",
        kill="os.kill(1, 0)",
        filters="libc.syscall(317, 1, 0, 0)",
        read_file="os.close(os.open('/etc/hostname', os.O_RDONLY))",
        memory="mmap.mmap(-1, 4096).close()",
        poll="select.select([], [], [], 0) and 0",
    )
    denied = dict.fromkeys(
        ("fork", "thread", "write_file", "truncate_file", "unlink", "memory_file", "code", "kill", "filters"), errno.EPERM
    )
    no_family = dict.fromkeys(("tcp", "unix"), errno.EAFNOSUPPORT)
    assert found == denied | no_family | dict.fromkeys(("read_file", "memory", "poll"), 0)


def test_the_policy_says_whether_running_a_program_ends_the_executor() -> None:
    code = {"exec": "os.execv('/bin/true', ['true'])"}
    assert tried(seccomp.executor_program((), "deny"), **code) == {"exec": errno.EPERM}
    assert tried(seccomp.executor_program((), "log"), **code) == {"exec": errno.EPERM}
    argv = [sys.executable, "-c", TRY, seccomp.executor_program(("getpid",)).hex(), json.dumps({"getpid": "os.getpid()"})]
    assert subprocess.run(argv, capture_output=True, check=False).returncode == -signal.SIGSYS
    assert tried(seccomp.executor_program(("getpid",), "deny"), getpid="libc.syscall(39)") == {"getpid": errno.EPERM}


def test_a_policy_adds_calls_and_unknown_ones_are_refused() -> None:
    assert tried(seccomp.base_program(("fsync",)), fsync="os.fsync(2)") == {"fsync": errno.EPERM}
    with pytest.raises(UsageProblem, match="no system call"):
        seccomp.base_program(("nonsense",))


def test_a_policy_permits_calls_again() -> None:
    call = "libc.syscall(135, 0xFFFFFFFF)"  # personality: asks, and changes nothing
    assert tried(seccomp.base_program(), personality=call) == {"personality": errno.EPERM}
    assert tried(seccomp.base_program((), ("personality",)), personality=call) == {"personality": 0}


@pytest.mark.parametrize("response", ["deny", "kill_sandbox", "log"])
def test_nothing_is_permitted_by_both_programs(response: Literal["deny", "kill_sandbox", "log"]) -> None:
    """What the base leaves to the listener, the listener's program stops: with nobody there to answer, by ENOSYS."""
    calls = {name: f"libc.syscall({seccomp.number(name)}, 0, 0, 0, 0, 0, 0)" for name in seccomp.DENIED}
    calls = {name: call for name, call in calls.items() if seccomp.number(name) >= 0}
    calls["raw"] = "socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)"
    calls["clone3"] = "libc.syscall(435, 0, 0)"
    install = "tighten.install_filter(bytes.fromhex(sys.argv[1]))"
    listen = f"{install}; os.close(tighten.install_listener(bytes.fromhex(sys.argv[3])))"
    programs = (seccomp.base_program((), (), response), seccomp.listener_program((), (), response))
    argv = [sys.executable, "-c", TRY.replace(install, listen), programs[0].hex(), json.dumps(calls), programs[1].hex()]
    run = subprocess.run(argv, capture_output=True, text=True, check=True)
    found = json.loads(run.stdout)
    assert set(found.values()) <= {errno.EPERM, errno.ENOSYS}
    assert found["unshare"] == errno.ENOSYS
    assert found["personality"] == (errno.ENOSYS if response == "log" else errno.EPERM)


def test_every_call_on_the_list_is_denied() -> None:
    arch = pyseccomp.system_arch()
    numbers = {name: pyseccomp.resolve_syscall(arch, name) for name in seccomp.DENIED}
    calls = {name: f"libc.syscall({number}, 0, 0, 0, 0, 0, 0)" for name, number in numbers.items() if number >= 0}
    assert len(calls) > 50
    assert tried(seccomp.base_program(), **calls) == dict.fromkeys(calls, errno.EPERM)


def test_calls_in_the_x32_convention_kill() -> None:
    code = "libc.syscall(0x40000000 | 39)"
    argv = [sys.executable, "-c", TRY, seccomp.base_program().hex(), json.dumps({"getpid": code})]
    assert subprocess.run(argv, capture_output=True, check=False).returncode == -signal.SIGSYS

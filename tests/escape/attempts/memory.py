"""Other processes: their memory, descriptors, signals. The victim is another application in the sandbox, or a child."""

from __future__ import annotations

import ctypes
import os

from escape.attempts.core import Given, attempt, call, checked, child_of_own, number, process_one
from escape.attempts.files import read

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = (ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p)
_SEIZE, _TRACEME = 0x4206, 0


class _Span(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


def _find(mark: bytes) -> int | None:
    for name in os.listdir("/proc"):
        if name.isdigit() and int(name) != os.getpid():
            try:
                with open(f"/proc/{name}/cmdline", "rb") as stream:
                    if mark in stream.read():
                        return int(name)
            except OSError:
                continue
    return None


def _victim(given: Given) -> int:
    """The number of the other application; outside, where there is none: of a child."""
    return _found(_find(str(given["victim_mark"]).encode()))


def _executor() -> int:
    """The number of the executor; outside, where there is none: of a child."""
    return _found(_find(b"edgeagent_harness.inside.executor"))


def _found(pid: int | None) -> int:
    inside = os.path.exists("/opt/edgeagent")
    assert pid or not inside, "there is nobody to attack"
    return pid if inside and pid else child_of_own()


@attempt("another process is taken over", layer="seccomp", app="EPERM")
def trace_child(_given: Given) -> object:
    """Trace a child."""
    return checked(_libc.ptrace(_SEIZE, child_of_own(), None, None))


@attempt("another process is taken over", layer="seccomp", blocked="EPERM")
def ask_to_be_traced(_given: Given) -> object:
    """Ask to be traced by the parent."""
    return checked(_libc.ptrace(_TRACEME, 0, None, None))


@attempt("another process is taken over", layer="seccomp", blocked="EPERM", control="root")
def trace_init(_given: Given) -> object:
    """Trace process 1."""
    if os.geteuid() == 0:
        return checked(_libc.ptrace(_SEIZE, child_of_own(), None, None))
    return checked(_libc.ptrace(_SEIZE, 1, None, None))


@attempt("another process's memory is read", layer="seccomp", blocked="EPERM")
def read_memory_by_call(given: Given) -> object:
    """Read the victim's memory with process_vm_readv."""
    buffer = ctypes.create_string_buffer(8)
    local, remote = _Span(ctypes.addressof(buffer), 8), _Span(ctypes.addressof(buffer), 8)
    return call(given, "process_vm_readv", _victim(given), ctypes.byref(local), 1, ctypes.byref(remote), 1, 0)


@attempt("another process's memory is changed", layer="seccomp", blocked="EPERM")
def write_memory_by_call(given: Given) -> object:
    """Write (nothing) into the victim's memory with process_vm_writev."""
    local, remote = _Span(0, 0), _Span(0, 0)
    return call(given, "process_vm_writev", _victim(given), ctypes.byref(local), 1, ctypes.byref(remote), 1, 0)


@attempt("another process's descriptors are taken", layer="seccomp", blocked="EPERM")
def take_descriptor(given: Given) -> object:
    """Take a descriptor of the victim with pidfd_getfd."""
    return call(given, "pidfd_getfd", os.pidfd_open(_victim(given)), 0, 0)


@attempt("the kernel's addresses are guessed", layer="seccomp", blocked="EPERM", instead=(
    "ok|ENOSYS", "a kernel without checkpointing does not know it"
))  # fmt: skip
def compare_kernel_objects(given: Given) -> object:
    """Compare kernel objects of two processes."""
    return call(given, "kcmp", os.getpid(), _victim(given), 0, 0, 0)


@attempt("another process's memory is thrown out", layer="seccomp", blocked="EPERM")
def advise_memory_of_other(given: Given) -> object:
    """Advise on a process's memory (our own) by process_madvise."""
    buffer = ctypes.create_string_buffer(8192)
    span = _Span(ctypes.addressof(buffer) & ~4095, 4096)
    return call(given, "process_madvise", os.pidfd_open(os.getpid()), ctypes.byref(span), 1, 20, 0)


@attempt("another application's memory is read", layer="landlock", blocked="EACCES")
def open_memory_of_application(given: Given) -> object:
    """Open the memory of another application."""
    return os.open(f"/proc/{_victim(given)}/mem", os.O_RDONLY)


@attempt("another application's descriptors are taken", layer="landlock", blocked="EACCES")
def open_descriptors_of_application(given: Given) -> object:
    """Open a descriptor of another application, such as a browser's debugging pipe."""
    return os.open(f"/proc/{_victim(given)}/fd/0", os.O_RDONLY | os.O_NONBLOCK)


@attempt("another application's environment is read", layer="landlock", blocked="EACCES")
def read_environment_of_application(given: Given) -> object:
    """Read the environment of another application."""
    return read(f"/proc/{_victim(given)}/environ")


@attempt("another application is ended", layer="landlock", blocked="EPERM")
def signal_application(given: Given) -> object:
    """Signal another application."""
    return os.kill(_victim(given), 0)


@attempt("the executor is taken over", layer="the executor is undumpable", app="EACCES")
def open_memory_of_executor(_given: Given) -> object:
    """Open the executor's memory for writing."""
    return os.open(f"/proc/{_executor()}/mem", os.O_RDWR)


@attempt("the executor's socket is taken", layer="the executor is undumpable", app="EACCES")
def open_descriptors_of_executor(_given: Given) -> object:
    """List the executor's descriptors."""
    return os.listdir(f"/proc/{_executor()}/fd")


@attempt("the executor is stopped", layer="landlock", app="EPERM")
def signal_executor(_given: Given) -> object:
    """Signal the executor."""
    return os.kill(_executor(), 0)


@attempt("process 1 is ended", layer="landlock", blocked="EPERM")
def signal_init(_given: Given) -> object:
    """Signal process 1."""
    return os.kill(process_one(), 0)


@attempt("a process of the host is ended", layer="pid namespace", blocked="ESRCH", executor="EPERM")
def signal_host_process(given: Given) -> object:
    """Signal a process of the same user on the host, by its number."""
    return os.kill(number(given, "host_pid"), 0)


@attempt("a process of the host is ended", layer="pid namespace", blocked="EINVAL|ESRCH", executor="EPERM")
def handle_of_host_process(given: Given) -> object:
    """Open a handle of a process of the host."""
    return os.pidfd_open(number(given, "host_pid"))


@attempt("a process of the host is seen", layer="pid namespace", blocked="ENOENT")
def look_at_host_process(given: Given) -> object:
    """Read the command line of a process of the host."""
    return read(f"/proc/{number(given, 'host_pid')}/cmdline")


@attempt("a process of the host is slowed down", layer="pid namespace", blocked="ESRCH", executor="EPERM")
def slow_host_process(given: Given) -> object:
    """Lower the priority of a process of the host."""
    return os.setpriority(os.PRIO_PROCESS, number(given, "host_pid"), 19)


@attempt("bwrap or the supervisor is ended", layer="pid namespace", blocked="ESRCH", executor="EPERM", control="root")
def signal_supervisor(given: Given) -> object:
    """Signal the process that started the sandbox."""
    return os.kill(number(given, "parent_pid"), 0)


@attempt("everything is ended that can be reached", layer="executor's filter", app="ok", executor="EPERM", accepted=(
    "an application reaches the processes that it has started, and no others"
))  # fmt: skip
def signal_all(_given: Given) -> object:
    """Signal every process at once."""
    return os.kill(-1, 0)

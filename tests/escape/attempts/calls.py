"""System calls that change the machine, or reach deep into the kernel."""

from __future__ import annotations

import array
import ctypes
import fcntl
import os
import resource
import socket
import struct
import termios

from escape.attempts.core import Given, attempt, call, checked

_libc = ctypes.CDLL(None, use_errno=True)
_PRIVILEGED = "what it would do on success cannot be undone; with these arguments the kernel answers so only to who may do it"
_NOT_BUILT_IN = (
    "some kernels are built without it, and a success cannot be undone: the control shows that another answer than ours comes"
)


def _filter() -> ctypes.Array[ctypes.c_char]:
    """``struct sock_fprog`` of one instruction: permit all."""
    program = ctypes.create_string_buffer(struct.pack("HBBI", 6, 0, 0, 0x7FFF0000))
    header = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", 1, ctypes.addressof(program)))
    header.kept = program  # type: ignore[attr-defined]
    return header


@attempt("the kernel is attacked by programs that run in it", layer="seccomp", blocked="EPERM", control="root")
def load_bpf(given: Given) -> object:
    """Create a BPF map."""
    return call(given, "bpf", 0, ctypes.create_string_buffer(struct.pack("IIIII", 2, 4, 4, 1, 0), 128), 128)


@attempt("other processes are watched", layer="seccomp", blocked="EPERM", control="root", instead=(
    "ok|ENOENT", "a machine without performance counters answers ENOENT, after the permission check"
))  # fmt: skip
def open_perf_event(given: Given) -> object:
    """Open a performance counter on every process of a processor."""
    attributes = ctypes.create_string_buffer(struct.pack("IIQ", 1, 128, 0), 128)
    return call(given, "perf_event_open", attributes, -1, 0, -1, 0)


@attempt("races in the kernel are won", layer="seccomp", blocked="EPERM")
def open_userfaultfd(given: Given) -> object:
    """Ask to handle page faults."""
    return call(given, "userfaultfd", 1)


@attempt("calls are made that no filter sees", layer="seccomp", blocked="EPERM")
def set_up_io_uring(given: Given) -> object:
    """Set up an io_uring."""
    return call(given, "io_uring_setup", 1, ctypes.create_string_buffer(120))


@attempt("keys of the user's session are read", layer="seccomp", blocked="EPERM")
def read_session_keyring(given: Given) -> object:
    """Ask for the session's keyring."""
    return call(given, "keyctl", 0, -3, 1)


@attempt("the kernel's key storage is attacked", layer="seccomp", blocked="EPERM")
def add_key(given: Given) -> object:
    """Add a key."""
    return call(given, "add_key", b"user", b"edgeagent-escape", b"x", 1, -2)


@attempt("the kernel starts a helper on the host", layer="seccomp", blocked="EPERM", instead=(
    "ENOKEY|EPERM|EDQUOT", "there is no such key; the kernel says so after it has looked for it"
))  # fmt: skip
def request_key(given: Given) -> object:
    """Request a key."""
    return call(given, "request_key", b"user", b"edgeagent-no-such-key", 0, 0)


@attempt("commands are typed into the user's terminal", layer="seccomp", blocked="EPERM", control="root")
def inject_terminal_input(_given: Given) -> object:
    """Push a character into a terminal's input (TIOCSTI)."""
    os.setsid()
    _, slave = os.openpty()
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    return fcntl.ioctl(slave, termios.TIOCSTI, b"x")


@attempt("the filter is passed by a number with high bits", layer="seccomp", blocked="EPERM", control="root")
def inject_terminal_input_high_bits(given: Given) -> object:
    """The same with bits above 32 in the request, which the kernel ignores."""
    os.setsid()
    _, slave = os.openpty()
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    return call(given, "ioctl", slave, termios.TIOCSTI | 1 << 32, b"x")


@attempt("text is pasted into the user's console", layer="seccomp", blocked="EPERM", instead=(
    "ENOTTY|EINVAL", "a pseudo-terminal is no console: the driver says so, which is later than the filter"
))  # fmt: skip
def paste_on_console(_given: Given) -> object:
    """Paste on the console (TIOCLINUX)."""
    _, slave = os.openpty()
    return fcntl.ioctl(slave, 0x541C, b"\x03")


@attempt("calls are answered by a filter of the agent's", layer="seccomp", blocked="EPERM")
def install_filter(given: Given) -> object:
    """Install a seccomp filter."""
    _libc.prctl(38, 1, 0, 0, 0)
    return call(given, "seccomp", 1, 0, _filter())


@attempt("calls are answered by a filter of the agent's", layer="seccomp", blocked="EPERM")
def install_filter_by_prctl(_given: Given) -> object:
    """Install a seccomp filter by prctl."""
    _libc.prctl(38, 1, 0, 0, 0)
    return checked(_libc.prctl(22, 2, _filter()))


@attempt("calls of others are answered by a listener of the agent's", layer="seccomp", blocked="EPERM")
def install_listener(given: Given) -> object:
    """Install a filter with a user notification listener."""
    _libc.prctl(38, 1, 0, 0, 0)
    return call(given, "seccomp", 1, 8, _filter())


@attempt("addresses become predictable", layer="seccomp", blocked="EPERM")
def change_personality(given: Given) -> object:
    """Turn address randomisation off for the programs to come."""
    return call(given, "personality", 0x0040000)


@attempt("the kernel is attacked by segment tables", layer="seccomp", blocked="EPERM")
def modify_ldt(given: Given) -> object:
    """Read the local descriptor table."""
    return call(given, "modify_ldt", 0, ctypes.create_string_buffer(64), 64)


@attempt("the kernel is replaced", layer="seccomp", blocked="EPERM", control="root", instead=(
    "ENOSYS|ENOEXEC|EFAULT|EINVAL|EPERM", _NOT_BUILT_IN
))  # fmt: skip
def load_module(given: Given) -> object:
    """Load a kernel module (of no bytes)."""
    return call(given, "init_module", b"", 0, b"")


@attempt("the kernel is replaced", layer="seccomp", blocked="EPERM", control="root", instead=(
    "ENOSYS|EBADF|EPERM|ENOEXEC", _NOT_BUILT_IN
))  # fmt: skip
def load_module_by_descriptor(given: Given) -> object:
    """Load a kernel module from a descriptor (that is none)."""
    return call(given, "finit_module", -1, b"", 0)


@attempt("parts of the kernel are removed", layer="seccomp", blocked="EPERM", control="root", instead=(
    "ENOSYS|ENOENT|EPERM", _NOT_BUILT_IN
))  # fmt: skip
def delete_module(given: Given) -> object:
    """Remove a kernel module (that does not exist)."""
    return call(given, "delete_module", b"edgeagent_escape", 0)


@attempt("the kernel is replaced", layer="seccomp", blocked="EPERM", control="root", instead=(
    "ENOSYS|EBADF|EPERM", _NOT_BUILT_IN
))  # fmt: skip
def load_next_kernel(given: Given) -> object:
    """Load another kernel for kexec (from a descriptor that is none)."""
    return call(given, "kexec_file_load", -1, -1, 0, 0, 0)


@attempt("the machine is switched off", layer="seccomp", blocked="EPERM", control="root", instead=("EINVAL", _PRIVILEGED))
def reboot(given: Given) -> object:
    """Reboot (with a wrong magic number)."""
    return call(given, "reboot", 0, 0, 0, 0)


@attempt("memory is written to a place of the agent's choice", layer="seccomp", blocked="EPERM", control="root", instead=(
    "ENOENT", _PRIVILEGED
))  # fmt: skip
def swap_on(given: Given) -> object:
    """Swap to a file (that does not exist)."""
    return call(given, "swapon", b"/edgeagent-no-such-file", 0)


@attempt("process accounting is turned on or off", layer="seccomp", blocked="EPERM", control="root")
def account_processes(given: Given) -> object:
    """Turn process accounting off."""
    return call(given, "acct", 0)


@attempt("the kernel's messages are read", layer="seccomp", blocked="EPERM", control="root")
def read_kernel_messages(given: Given) -> object:
    """Ask for the kernel's message buffer."""
    return call(given, "syslog", 3, ctypes.create_string_buffer(64), 64)


@attempt("the clock is changed", layer="seccomp", blocked="EPERM", control="root")
def set_time(given: Given) -> object:
    """Set the time of day (to nothing new)."""
    return call(given, "settimeofday", 0, 0)


@attempt("the clock is changed", layer="seccomp", blocked="EPERM", control="root")
def adjust_clock(given: Given) -> object:
    """Adjust the clock's tick (by nothing)."""
    return call(given, "clock_adjtime", 0, ctypes.create_string_buffer(256))


@attempt("hardware is programmed", layer="seccomp", blocked="EPERM", control="root", instead=(
    "ok|ENOSYS|EPERM", "kernels locked down or without port access refuse it to root as well"
))  # fmt: skip
def raise_io_privilege(given: Given) -> object:
    """Ask for access to all ports."""
    return call(given, "iopl", 3)


@attempt("hardware is programmed", layer="seccomp", blocked="EPERM", control="root", instead=(
    "ok|ENOSYS|EPERM", "kernels locked down or without port access refuse it to root as well"
))  # fmt: skip
def open_io_port(given: Given) -> object:
    """Ask for access to one port."""
    return call(given, "ioperm", 0x80, 1, 1)


@attempt("a terminal is taken from its users", layer="seccomp", blocked="EPERM", control="root")
def hang_up(given: Given) -> object:
    """Hang up the terminal (there is none)."""
    os.setsid()
    return call(given, "vhangup")


@attempt("file accesses of the machine are watched", layer="seccomp", blocked="EPERM", control="root")
def watch_files(given: Given) -> object:
    """Ask for fanotify with permission events."""
    return call(given, "fanotify_init", 4, 0)


@attempt("quotas are changed", layer="seccomp", blocked="EPERM", control="root", instead=(
    "ok|ENOSYS", "a kernel without quotas does not know it"
))  # fmt: skip
def change_quotas(given: Given) -> object:
    """Write all quotas out."""
    return call(given, "quotactl", 0x800001 << 8, 0, 0, 0)


@attempt("pages of others are moved between memories", layer="seccomp", blocked="EPERM", instead=(
    "ok|ENOSYS", "a kernel for one memory node does not know it"
))  # fmt: skip
def move_pages(given: Given) -> object:
    """Move (no) pages."""
    return call(given, "move_pages", 0, 0, 0, 0, 0, 0)


@attempt("the agent becomes root", layer="no capabilities", blocked="EPERM|EINVAL", control="root")
def become_root(_given: Given) -> object:
    """Set all user ids to 0."""
    return os.setresuid(0, 0, 0)


@attempt("the agent takes the rights of a group", layer="no capabilities", blocked="EPERM", control="root")
def join_groups(_given: Given) -> object:
    """Join the groups of root and of disks."""
    return os.setgroups([0, 6])


@attempt("capabilities are taken back", layer="no capabilities", blocked="EPERM", control="root")
def raise_capabilities(given: Given) -> object:
    """Set every capability."""
    header = ctypes.create_string_buffer(struct.pack("Ii", 0x20080522, 0))
    if os.geteuid() == 0:
        call(given, "capget", header, data := ctypes.create_string_buffer(24))
    else:
        data = ctypes.create_string_buffer(struct.pack("6I", *(0xFFFFFFFF,) * 6))
    return call(given, "capset", header, data)


@attempt("the machine takes another name", layer="no capabilities", blocked="EPERM", control="root")
def rename_machine(_given: Given) -> object:
    """Set the host name."""
    return socket.sethostname("escaped")


@attempt("other programs get no processor", layer="no capabilities", blocked="EACCES|EPERM", control="root")
def raise_priority(_given: Given) -> object:
    """Take the highest priority."""
    return os.setpriority(os.PRIO_PROCESS, 0, -20)


@attempt("other programs get no processor", layer="no capabilities", blocked="EPERM", control="root")
def run_in_real_time(_given: Given) -> object:
    """Run with real-time priority."""
    return os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(10))


@attempt("limits are lifted", layer="no capabilities", blocked="EPERM", control="root", capability=24)
def lift_process_limit(_given: Given) -> object:
    """Raise the hard limit of processes."""
    _, hard = resource.getrlimit(resource.RLIMIT_NPROC)
    raised = 4_000_000 if hard in (resource.RLIM_INFINITY, -1) or os.geteuid() == 0 else hard + 1
    try:
        return resource.setrlimit(resource.RLIMIT_NPROC, (raised, raised))
    except ValueError as error:
        raise PermissionError(1, str(error)) from error


@attempt("a socket family is reached past the filter", layer="seccomp", blocked="EAFNOSUPPORT", control="root")
def family_with_high_bits(given: Given) -> object:
    """Ask for a packet socket with bits above 32 in the family, which the kernel ignores."""
    return call(given, "socket", socket.AF_PACKET | 1 << 32, socket.SOCK_RAW, 0)


@attempt("the code of a rare socket family is attacked", layer="seccomp", blocked="EAFNOSUPPORT", executor="EPERM", instead=(
    "ENOTSUP", "the family has no socket pairs, and says so after sockets of it were made"
))  # fmt: skip
def pair_of_rare_family(given: Given) -> object:
    """Make a pair of sockets of a family other than unix."""
    return call(given, "socketpair", socket.AF_INET, socket.SOCK_STREAM, 0, array.array("i", [0, 0]).buffer_info()[0])

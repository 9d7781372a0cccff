"""Which system calls are denied to everything inside: plain data, from which `seccomp` compiles the kernel's filters and by which
`violations` names what was tried."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from edgeagent_harness.policy.types import Policy

DENIED = (
    "ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "pidfd_getfd", "kcmp", "bpf", "perf_event_open",
    "userfaultfd", "io_uring_setup", "io_uring_enter", "io_uring_register", "mount", "umount2", "pivot_root", "fsopen",
    "fsconfig", "fsmount", "fspick", "move_mount", "open_tree", "mount_setattr", "setns", "unshare", "keyctl", "add_key",
    "request_key", "init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load", "reboot", "swapon",
    "swapoff", "acct", "quotactl", "quotactl_fd", "open_by_handle_at", "name_to_handle_at", "lookup_dcookie", "nfsservctl",
    "syslog", "settimeofday", "clock_settime", "clock_adjtime", "adjtimex", "iopl", "ioperm", "modify_ldt", "personality",
    "vhangup", "fanotify_init", "chroot", "_sysctl", "uselib", "ustat", "sysfs", "move_pages", "mbind", "migrate_pages",
)  # fmt: skip
"""Answered with EPERM for everything inside."""

PERMITTABLE = (
    "ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "pidfd_getfd", "kcmp", "userfaultfd", "personality",
    "modify_ldt", "mbind", "move_pages", "migrate_pages", "name_to_handle_at", "perf_event_open",
)  # fmt: skip
"""What a policy may permit again, and what is permitted where violations are only logged: calls that reach no further than the
sandbox. Not io_uring (its operations pass by the filter), keyrings (the host's are inherited), nor whatever mounts, changes
namespaces or loads code into the kernel."""

_CLONE_NEWUSER, _CLONE_NEWPID, _CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000
_NEW_USER_NAMESPACE = "clone(new user namespace)"
NATIVE_BROWSER = ("chroot", "unshare", _NEW_USER_NAMESPACE)
"""What Chromium's own sandbox needs beside filters of its own: user, process and network namespaces for its renderers, and an
empty root for them. No policy can name the last; `rules` knows it, and leaves
of the second no more than a user namespace."""

QUIET = (
    "kcmp", "mbind", "move_pages", "migrate_pages", "personality", "process_madvise", "name_to_handle_at", "io_uring_setup",
    "adjtimex", "clock_adjtime", "quotactl", "ustat", "sysfs",
)  # fmt: skip
"""Ordinary programs try these and live without (graphics drivers, memory allocators, libuv, glibc): refused in the kernel,
neither listed nor counted as a violation, so that ``kill_sandbox`` can be used with them. Under ``log`` they are listed."""

EXECUTOR_ALLOWED = (
    "read", "readv", "pread64", "write", "writev", "close", "lseek", "fstat", "newfstatat", "statx", "readlink", "readlinkat",
    "getdents64", "getcwd", "fcntl", "ioctl", "dup", "poll", "ppoll", "select", "pselect6", "epoll_create1", "epoll_ctl",
    "epoll_wait", "epoll_pwait", "recvfrom", "recvmsg", "sendto", "sendmsg", "shutdown", "getsockname", "getpeername",
    "getsockopt", "setsockopt", "munmap", "mremap", "madvise", "brk", "futex", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn",
    "sigaltstack", "tgkill", "exit", "exit_group", "restart_syscall", "clock_gettime", "clock_getres", "clock_nanosleep",
    "nanosleep", "gettimeofday", "time", "sched_yield", "getpid", "getppid", "gettid", "getuid", "geteuid", "getgid", "getegid",
    "getrandom", "uname", "sysinfo", "set_robust_list", "rseq", "getrusage",
)  # fmt: skip
"""What the executor may still do after its warm-up, beside reading files and memory that is not executable: it sees the screen,
moves the pointer and types over connections that it has. Traced over every action; the contract tests run under it."""

NEEDED_BY_ALL = (
    "execve", "clone", "read", "write", "openat", "close", "mmap", "exit_group", "socket", "seccomp", "prctl", "wait4", "sendmsg",
)  # fmt: skip
"""Cannot be denied to everything: the sandbox would not come up."""

_AF_INET, _AF_INET6, _AF_NETLINK = 2, 10, 16
_AF_ALLOWED_BELOW_NETLINK = (1, _AF_INET, _AF_INET6)
_SOCK_TYPE_MASK, _SOCK_RAW, _SOCK_PACKET = 0xF, 3, 10
_IPPROTO_MPTCP = 262
_CLONE_NEW_FLAGS = (0x00000080, 0x00020000, 0x02000000, 0x04000000, 0x08000000, _CLONE_NEWUSER, _CLONE_NEWPID, _CLONE_NEWNET)
_TIOCSTI, _TIOCLINUX = 0x5412, 0x541C
_FILE_TYPE_MASK, _CHAR_DEVICE, _BLOCK_DEVICE = 0o170000, 0o020000, 0o060000
_CREATING = (os.O_CREAT, os.O_TMPFILE & ~os.O_DIRECTORY)
_LOW_32 = 0xFFFFFFFF
_ALL_64 = 0xFFFFFFFF_FFFFFFFF


@dataclass(frozen=True, slots=True)
class Match:
    """One condition on an argument, as the kernel compares: 64 bits, unsigned."""

    arg: int
    value: int
    test: Literal["equal", "unequal", "greater"] = "equal"
    mask: int = _LOW_32
    """For ``equal``. The kernel looks at 32 bits of most arguments, so the upper half must not make a difference."""

    def holds(self, args: Sequence[int]) -> bool:
        """Whether ``args`` fulfil it."""
        value = args[self.arg]
        match self.test:
            case "equal":
                return value & self.mask == self.value
            case "unequal":
                return value != self.value
            case "greater":
                return value > self.value


@dataclass(frozen=True, slots=True)
class Rule:
    """One denied call."""

    call: str
    matches: tuple[Match, ...] = ()
    """All must hold; none: whatever the arguments are."""
    errno: int = errno.EPERM
    quiet: bool = False
    silent: bool = False
    """As ``quiet``, also where violations are only logged."""
    label: str = ""
    """What the audit calls it; empty: the call's name."""
    required: bool = False
    """The machine must have this call: a policy names it."""


def permitted(policy: Policy) -> tuple[str, ...]:
    """What ``policy`` permits again, by name or for the browser's own sandbox."""
    return (*policy.re_permitted, *(NATIVE_BROWSER if policy.browser_sandbox == "native" else ()))


def rules(extra: Sequence[str] = (), re_permitted: Sequence[str] = ()) -> tuple[Rule, ...]:
    """All that is denied, with what a policy adds (``extra``) and takes away (``re_permitted``)."""
    named = [Rule(name, quiet=name in QUIET) for name in DENIED if name not in re_permitted and name not in extra]
    added = [Rule(name, required=True) for name in extra]
    processes = _PROCESSES if _NEW_USER_NAMESPACE not in re_permitted else _PROCESSES_WITH_BROWSER_NAMESPACES
    return (*named, *added, *processes, *_SOCKETS, *_TERMINALS, *_DEVICES, *_SET_ID)


def _new_namespace(flag: int) -> Rule:
    return Rule("clone", (Match(0, flag, mask=flag),), label="clone(new namespace)")


_PROCESSES = (
    # clone3 hides its flags in memory; libraries fall back to clone.
    Rule("clone3", errno=errno.ENOSYS, silent=True),
    *map(_new_namespace, _CLONE_NEW_FLAGS),
)
_PROCESSES_WITH_BROWSER_NAMESPACES = (
    *(rule for rule in _PROCESSES if rule not in map(_new_namespace, (_CLONE_NEWUSER, _CLONE_NEWPID, _CLONE_NEWNET))),
    Rule("unshare", (Match(0, _CLONE_NEWUSER, "unequal"),)),
)
_SOCKETS = (
    # Unix and internet sockets, and netlink's routing family (getaddrinfo and Chromium list interfaces with it).
    *(
        Rule("socket", (Match(0, family, mask=_ALL_64),), errno.EAFNOSUPPORT, label=f"socket(family {family})")
        for family in range(_AF_NETLINK)
        if family not in _AF_ALLOWED_BELOW_NETLINK
    ),
    Rule("socket", (Match(0, _AF_NETLINK, "greater"),), errno.EAFNOSUPPORT, label="socket(packet, vsock or other family)"),
    Rule(
        "socket",
        (Match(0, _AF_NETLINK, mask=_ALL_64), Match(2, 0, "unequal")),
        errno.EAFNOSUPPORT,
        quiet=True,  # Chromium's udev library listens for devices with it
        label="socket(netlink beyond routes)",
    ),
    *(
        Rule("socket", (Match(0, family, mask=_ALL_64), Match(1, kind, mask=_SOCK_TYPE_MASK)), label="socket(raw)")
        for family in (_AF_INET, _AF_INET6)
        for kind in (_SOCK_RAW, _SOCK_PACKET)
    ),
    *(
        Rule(
            "socket",
            (Match(0, family, mask=_ALL_64), Match(2, _IPPROTO_MPTCP)),
            errno.EPROTONOSUPPORT,
            label="socket(multipath TCP)",
        )
        for family in (_AF_INET, _AF_INET6)
    ),
    # Sockets of any family are made before the kernel says that it has no pairs of them.
    Rule("socketpair", (Match(0, 1, "unequal"),), errno.EAFNOSUPPORT, label="socketpair(no unix sockets)"),
)
_TERMINALS = (
    Rule("ioctl", (Match(1, _TIOCSTI),), label="ioctl(TIOCSTI)"),
    Rule("ioctl", (Match(1, _TIOCLINUX),), label="ioctl(TIOCLINUX)"),
)
_DEVICES = tuple(
    Rule(call, (Match(arg, kind, mask=_FILE_TYPE_MASK),), label=f"{call}(device)")
    for call, arg in (("mknod", 1), ("mknodat", 2))
    for kind in (_CHAR_DEVICE, _BLOCK_DEVICE)
)
_SET_ID = (
    # A set-user-id file in a home that comes from the host would give any other account there the user's rights.
    *(
        Rule(call, (Match(arg, bit, mask=bit), *created), label=f"{call}(set-user-id or set-group-id)")
        for call, arg, created in (
            ("chmod", 1, ()),
            ("fchmod", 1, ()),
            ("fchmodat", 2, ()),
            ("fchmodat2", 2, ()),
            ("mknod", 1, ()),
            ("mknodat", 2, ()),
            ("creat", 1, ()),
            *(("open", 2, (Match(1, flag, mask=flag),)) for flag in _CREATING),
            *(("openat", 3, (Match(2, flag, mask=flag),)) for flag in _CREATING),
        )
        for bit in (stat.S_ISUID, stat.S_ISGID)
    ),
    # It hides its mode in memory; whoever uses it falls back to openat.
    Rule("openat2", errno=errno.ENOSYS, silent=True),
)

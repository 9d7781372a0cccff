"""The seccomp program of the bridge: what moving bytes between sockets takes, and nothing else."""

from __future__ import annotations

import errno
from functools import cache

import pyseccomp

from edgeagent_harness.outside.containment import seccomp

_AF_UNIX = 1
_PERMITTED = (
    "read", "readv", "write", "writev", "recvfrom", "recvmsg", "sendto", "sendmsg", "accept", "accept4", "connect",
    "shutdown", "close", "getsockopt", "setsockopt", "getsockname", "getpeername", "fcntl", "ioctl", "poll", "ppoll",
    "select", "pselect6", "epoll_wait", "epoll_pwait", "epoll_pwait2", "epoll_ctl", "futex", "mmap", "munmap", "mremap",
    "mprotect", "madvise", "brk", "clock_gettime", "clock_nanosleep", "gettimeofday", "getpid", "gettid", "getrandom",
    "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack", "restart_syscall", "sched_yield", "rseq",
    "set_robust_list", "exit", "exit_group", "fstat", "newfstatat", "lseek",
)  # fmt: skip


@cache
def program() -> bytes:
    """Everything but `_PERMITTED` and unix sockets answers EPERM."""
    rules = pyseccomp.SyscallFilter(pyseccomp.ERRNO(errno.EPERM))
    for name in _PERMITTED:
        if not seccomp.check_names([name]):
            rules.add_rule(pyseccomp.ALLOW, name)
    rules.add_rule(pyseccomp.ALLOW, "socket", pyseccomp.Arg(0, pyseccomp.EQ, _AF_UNIX))
    return seccomp.compile_program(rules)

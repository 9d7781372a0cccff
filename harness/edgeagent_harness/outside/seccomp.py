"""Seccomp programs, compiled here and handed inside as bytes, so that nothing inside needs a compiler.

Each lies on top of the one before, and the strictest answer counts: `base_program` for everything in the sandbox (bwrap installs
it), `listener_program` (process 1 installs it before it starts anything) for calls that are judged and listed outside,
`app_program` for applications (they can add no filters of their own), `executor_program` for the executor after its warm-up.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from functools import cache

from edgeagent_harness.errors import EnvironmentLacks, UsageProblem
from edgeagent_harness.outside.denied import DENIED, NEEDED_BY_ALL, PERMITTABLE, Match, Rule, rules

try:
    import pyseccomp
except RuntimeError as missing:  # it loads the system's library as it is imported
    raise EnvironmentLacks("libseccomp is not installed. Mend: apt install libseccomp2") from missing

EXECUTOR_KILLED = ("execve", "execveat")
EXECUTOR_DENIED = ("fork", "vfork", "bind", "listen", "accept", "accept4", "symlink", "symlinkat", "link", "linkat")
EXECS = ("execve", "execveat")

_CLONE_THREAD = 0x00010000
_PR_SET_SECCOMP = 22
_EPERM = pyseccomp.ERRNO(errno.EPERM)


@cache
def base_program(extra: tuple[str, ...] = (), re_permitted: tuple[str, ...] = (), listening: bool = False) -> bytes:
    """For every process in the sandbox. ``listening``: all but the quiet rules are left to `listener_program`."""
    program = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
    for rule in rules(extra, re_permitted):
        if rule.quiet or not listening:
            _add(program, pyseccomp.ERRNO(rule.errno), rule)
    return compile_program(program)


@cache
def listener_program(extra: tuple[str, ...] = (), re_permitted: tuple[str, ...] = (), execs: bool = False) -> bytes:
    """Suspends whoever makes a denied call until it was judged outside; with nobody there the kernel answers ENOSYS.

    ``execs``: each start of a program too.
    """
    program = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
    for rule in rules(extra, re_permitted):
        if not rule.quiet:
            _add(program, pyseccomp.NOTIFY, rule)
    for name in EXECS if execs else ():
        program.add_rule(pyseccomp.NOTIFY, name)
    return compile_program(program)


@cache
def app_program() -> bytes:
    """For applications, on top of the base: no seccomp filters (nor their listeners) of their own."""
    program = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
    _no_new_filters(program)
    return compile_program(program)


@cache
def executor_program(extra_denied: tuple[str, ...] = ()) -> bytes:
    """For the executor after its warm-up: running a program kills it; no processes, servers, or sockets but unix ones."""
    program = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
    for name in dict.fromkeys((*EXECUTOR_KILLED, *extra_denied)):
        _add(program, pyseccomp.KILL_PROCESS, Rule(name, required=name not in EXECUTOR_KILLED))
    for name in EXECUTOR_DENIED:
        if name not in extra_denied:
            _add(program, _EPERM, Rule(name))
    program.add_rule(_EPERM, "clone", _arg(Match(0, 0, mask=_CLONE_THREAD)))
    program.add_rule(pyseccomp.ERRNO(errno.EAFNOSUPPORT), "socket", pyseccomp.Arg(0, pyseccomp.NE, 1))
    _no_new_filters(program)
    return compile_program(program)


def check_names(names: Iterable[str]) -> list[str]:
    """Those of ``names`` that are no system call of this machine."""
    arch = pyseccomp.system_arch()
    return [name for name in names if pyseccomp.resolve_syscall(arch, name) < 0]


def number(name: str) -> int:
    """The number of the call ``name`` here; negative: this machine does not have it."""
    return pyseccomp.resolve_syscall(pyseccomp.system_arch(), name)


def _add(program: pyseccomp.SyscallFilter, action: int, rule: Rule) -> None:
    """A built-in name that this architecture does not have is nothing to deny; a policy's name must exist."""
    if check_names([rule.call]):
        if not rule.required:
            return
        raise UsageProblem(f"{rule.call!r} is no system call of this machine")
    try:
        program.add_rule(action, rule.call, *map(_arg, rule.matches))
    except OSError as error:
        if error.errno != errno.EEXIST:
            raise


def _arg(match: Match) -> pyseccomp.Arg:
    if match.test == "equal":
        return pyseccomp.Arg(match.arg, pyseccomp.MASKED_EQ, match.mask, match.value)
    return pyseccomp.Arg(match.arg, pyseccomp.NE if match.test == "unequal" else pyseccomp.GT, match.value)


def _no_new_filters(program: pyseccomp.SyscallFilter) -> None:
    program.add_rule(_EPERM, "seccomp")
    program.add_rule(_EPERM, "prctl", _arg(Match(0, _PR_SET_SECCOMP)))


def compile_program(program: pyseccomp.SyscallFilter) -> bytes:
    """``program`` as the kernel takes it."""
    fd = os.memfd_create("seccomp", os.MFD_CLOEXEC)
    with open(fd, "r+b") as stream:
        program.export_bpf(stream)
        stream.seek(0)
        return stream.read()


__all__ = [
    "DENIED", "EXECS", "NEEDED_BY_ALL", "PERMITTABLE", "app_program", "base_program", "check_names", "compile_program",
    "executor_program", "listener_program", "number",
]  # fmt: skip

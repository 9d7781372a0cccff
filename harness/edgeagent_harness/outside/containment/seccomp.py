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
from typing import Literal

from edgeagent_harness.errors import EnvironmentLacks, UsageProblem
from edgeagent_harness.outside.containment.denied import DENIED, EXECUTOR_ALLOWED, NEEDED_BY_ALL, PERMITTABLE, Match, Rule, rules
from edgeagent_harness.policy.types import Response

try:
    import pyseccomp
except RuntimeError as missing:  # it loads the system's library as it is imported
    raise EnvironmentLacks("libseccomp is not installed. Mend: apt install libseccomp2") from missing

EXECS = ("execve", "execveat")

_PR_SET_SECCOMP = 22
_NEW_LISTENER = 8
_PROT_EXEC = 4
_O_WRITES = os.O_ACCMODE | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_EPERM = pyseccomp.ERRNO(errno.EPERM)
_EXECUTOR_ALLOWED_IF = (
    ("openat", Match(2, 0, mask=_O_WRITES)),
    ("mmap", Match(2, 0, mask=_PROT_EXEC)),
    ("mprotect", Match(2, 0, mask=_PROT_EXEC)),
)
"""Files to be read, and memory that is not executable."""


@cache
def base_program(
    extra: tuple[str, ...] = (), re_permitted: tuple[str, ...] = (), listening: Response | Literal[""] = ""
) -> bytes:
    """For every process in the sandbox. ``listening``: all that is listed under this response is left to `listener_program`."""
    program = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
    for rule in rules(extra, re_permitted):
        if not listening or not _is_listed(rule, listening):
            _add(program, pyseccomp.ERRNO(rule.errno), rule)
    return compile_program(program)


@cache
def listener_program(
    extra: tuple[str, ...] = (), re_permitted: tuple[str, ...] = (), response: Response = "deny", execs: bool = False
) -> bytes:
    """Suspends whoever makes a denied call until it was judged outside; with nobody there the kernel answers ENOSYS.

    ``execs``: each start of a program too.
    """
    program = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
    for rule in rules(extra, re_permitted):
        if _is_listed(rule, response):
            _add(program, pyseccomp.NOTIFY, rule)
    for name in EXECS if execs else ():
        program.add_rule(pyseccomp.NOTIFY, name)
    return compile_program(program)


def _is_listed(rule: Rule, response: Response) -> bool:
    return not rule.silent and (not rule.quiet or response == "log")


@cache
def app_program(own_filters: bool = False) -> bytes:
    """For applications, on top of the base: no seccomp filters of their own, at least (``own_filters``) none with a listener."""
    program = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
    if own_filters:
        program.add_rule(_EPERM, "seccomp", _arg(Match(1, _NEW_LISTENER, mask=_NEW_LISTENER)))
    else:
        _no_new_filters(program)
    return compile_program(program)


@cache
def executor_program(extra_denied: tuple[str, ...] = (), response: Response = "kill_sandbox") -> bytes:
    """For the executor after its warm-up: a short list is permitted, all else denied; running a program ends it by default.

    ``response``: to execve, execveat and ``extra_denied``. They can never be permitted, so ``log`` is as ``deny`` here.
    """
    program = pyseccomp.SyscallFilter(_EPERM)
    if response == "kill_sandbox":
        for name in dict.fromkeys((*EXECS, *extra_denied)):
            _add(program, pyseccomp.KILL_PROCESS, Rule(name, required=name not in EXECS))
    for name in EXECUTOR_ALLOWED:
        if name not in extra_denied:
            _add(program, pyseccomp.ALLOW, Rule(name))
    for name, match in _EXECUTOR_ALLOWED_IF:
        if name not in extra_denied:
            _add(program, pyseccomp.ALLOW, Rule(name, (match,)))
    if "socket" not in extra_denied:
        program.add_rule(pyseccomp.ERRNO(errno.EAFNOSUPPORT), "socket")
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

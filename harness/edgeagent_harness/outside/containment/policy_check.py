"""What only this machine can tell of a policy: which system calls there are, which directories, and where these really lie."""

from __future__ import annotations

import os
from collections.abc import Iterator

from edgeagent_harness.errors import UsageProblem
from edgeagent_harness.outside.containment import homes, seccomp
from edgeagent_harness.policy.keys import nearest
from edgeagent_harness.policy.types import SYSTEM_READ_ONLY, Policy


def check(policy: Policy, source: str = "policy", keep_out: tuple[str, ...] = ()) -> None:
    """Raise `UsageProblem` at the first thing that this machine cannot honour; ``source`` names the policy in errors.

    ``keep_out`` are paths of ours that must not lie in a writable directory.
    """
    for key, problem in _problems(policy, keep_out):
        where = f", line {policy.lines[key]}" if key in policy.lines else ""
        raise UsageProblem(f"{source}{where}: {key}: {problem}")


def _problems(policy: Policy, keep_out: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """(dotted key, what is wrong) of each mistake."""
    yield from _system_calls(policy)
    for path in policy.read_only:
        if path not in SYSTEM_READ_ONLY:
            yield from (("execution_environment.filesystem.read_only", problem) for problem in _directory(path))
    for path in policy.read_write:
        key = "execution_environment.filesystem.read_write"
        yield from ((key, problem) for problem in _directory(path))
        try:
            homes.check(path, "writable directory", keep_out)
        except UsageProblem as error:
            yield key, str(error)


def _system_calls(policy: Policy) -> Iterator[tuple[str, str]]:
    named = (("deny", policy.extra_denied), ("allow", policy.re_permitted), ("executor_deny", policy.executor_denied))
    for key, names in named:
        for name in seccomp.check_names(names):
            hint = nearest(name, (*seccomp.DENIED, *seccomp.NEEDED_BY_ALL))
            yield f"system_calls.{key}", f"{name!r} is no system call of this machine{hint}"
    for name in policy.extra_denied:
        if name in seccomp.NEEDED_BY_ALL:
            reason = "everything inside needs it; to deny it to the executor alone, name it in executor_deny"
            yield "system_calls.deny", f"{name!r} cannot be denied: {reason}"
    for name in policy.re_permitted:
        if name in seccomp.DENIED and name not in seccomp.PERMITTABLE:
            reason = "it reaches beyond the sandbox, or around its filter"
            yield (
                "system_calls.allow",
                f"{name!r} cannot be permitted again: {reason}; possible are {', '.join(seccomp.PERMITTABLE)}",
            )


def _directory(path: str) -> Iterator[str]:
    real = os.path.realpath(path)
    if not os.path.isdir(path):
        yield f"{path!r} is no directory here"
    elif real != path:
        yield f"{path!r} is, or lies behind, a symlink to {real!r}; name that"

"""What is done differently when started as root: everything goes on as an unprivileged user, in a process of its own.

That user must reach the Python, the packages and the home directory although they may lie below a root-only directory
(`mountview`), or be readable by root alone (then they are copied). The root process only waits, to give the home back.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import signal
import socket
import sys
from collections.abc import Callable, Generator
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import TypeVar

from edgeagent_harness.errors import EnvironmentLacks, UsageProblem
from edgeagent_harness.outside.containment import homes, layers, mountview, runtime
from edgeagent_harness.outside.plan import Plan

SANDBOX_UID = SANDBOX_GID = 65_533
"""Below nobody's 65534, which other services share."""

T = TypeVar("T")
R = TypeVar("R")

_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38
_ENDING_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

_libc = ctypes.CDLL(None, use_errno=True)


def run(work: Callable[[Plan], int], plan: Plan, app: socket.socket | None = None) -> int:
    """Do ``work`` as an ordinary user: at once if this is one, else in a child process. ``app`` is left to the child."""
    if os.geteuid() != 0:
        return work(plan)
    loans = _lend(_writable(plan))
    parent = os.getpid()
    child = os.fork()
    if child == 0:
        plan = _as_root(_prepare, plan)
        _as_root(_become_ordinary, parent)
        _check_reach(plan)
        return work(plan)
    if app:
        app.close()
    try:
        return _wait(child)
    finally:
        for loan in loans:
            homes.give_back(loan)


def _as_root(work: Callable[[T], R], of: T) -> R:
    """``work(of)``; where this is root in name only, that is told with what can be done."""
    try:
        return work(of)
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.EINVAL):
            raise
        raise EnvironmentLacks(f"root cannot be dropped here: {error}. {layers.ONLY_ROOT_MEND}") from error


def _writable(plan: Plan) -> tuple[str, ...]:
    """Host directories that are written from inside."""
    return (*((plan.binds.home,) if plan.binds.home else ()), *plan.binds.read_write)


def _lend(paths: tuple[str, ...]) -> list[homes.Loan]:
    loans: list[homes.Loan] = []
    for path in paths:
        try:
            loans.append(homes.lend(path, (SANDBOX_UID, SANDBOX_GID)))
        except OSError as error:
            for loan in loans:
                homes.give_back(loan)
            if error.errno == errno.EINVAL:  # no such user in this user namespace
                raise EnvironmentLacks(f"root cannot be dropped here: {error}. {layers.ONLY_ROOT_MEND}") from error
            mend = "Mend: choose one on a file system that can be written and has owners"
            raise EnvironmentLacks(f"{path} cannot be given to the sandbox's user: {error}. {mend}") from error
    return loans


def _prepare(plan: Plan) -> Plan:
    """As root still: make everything that ``plan`` names reachable and readable."""
    own = (sys.base_prefix, sys.prefix, str(Path(__file__).resolve().parents[2]))
    shared = (source for source, _ in plan.binds.shared)
    named = (*plan.runtime.host_paths, *plan.binds.read_only, *shared, *_writable(plan))
    # Where even root may not mount (some containers) the runtime is copied; a closed home is then told by _check_reach.
    with contextlib.suppress(PermissionError):
        mountview.open_up((*(os.path.realpath(path) for path in own), *named))
    with _as_sandbox_user():
        readable = all(_can_read(path) for path in plan.runtime.host_paths)
    return plan if readable else replace(plan, runtime=runtime.copied(plan.runtime))


def _become_ordinary(parent: int) -> None:
    os.chdir("/")
    os.setgroups([])
    os.setresgid(SANDBOX_GID, SANDBOX_GID, SANDBOX_GID)
    os.setresuid(SANDBOX_UID, SANDBOX_UID, SANDBOX_UID)
    _libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    # Changing the user clears this, so it comes last; the parent may have gone before.
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def _check_reach(plan: Plan) -> None:
    for path in _writable(plan):
        if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
            layers.require_user_namespaces()  # where root may not mount either, another directory would not help
            raise EnvironmentLacks(
                f"{path} cannot be reached by the sandbox's user. Mend: choose a directory outside {first_closed(path)}"
            )
    for path in (*(source for source, _ in plan.binds.shared), *plan.binds.read_only):
        if not os.access(path, os.R_OK | os.X_OK):
            raise UsageProblem(f"the directory {path} is not readable for others. Mend: chmod -R o+rX {path}")


def first_closed(path: str) -> str:
    """The directory that keeps other users from ``path``."""
    return mountview.first_closed(path) or path


@contextlib.contextmanager
def _as_sandbox_user() -> Generator[None]:
    """With the sandbox user's rights on files, for a look at what it can read."""
    groups = os.getgroups()
    os.setgroups([])
    os.setegid(SANDBOX_GID)
    os.seteuid(SANDBOX_UID)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(groups)


def _can_read(path: str) -> bool:
    """Whether ``path`` and, of a directory, its modules can be read."""
    try:
        if not os.path.isdir(path):
            with open(path, "rb"):
                return True
        return all(os.access(entry.path, os.R_OK, effective_ids=True) for entry in os.scandir(path))
    except OSError:
        return False


def _wait(child: int) -> int:
    """Wait for the supervisor; a signal that would end this process ends the supervisor instead."""

    handle = os.pidfd_open(child)  # stays this child's even when its number is used again

    def end_child(_number: int, _frame: FrameType | None) -> None:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(handle, signal.SIGTERM)

    for number in _ENDING_SIGNALS:
        signal.signal(number, end_child)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    return 128 - code if code < 0 else code

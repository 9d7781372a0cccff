"""Taking more than is given."""

from __future__ import annotations

import os
import resource

from escape.attempts.core import Given, Nothing, attempt, number


@attempt("the machine runs out of processes", layer="process limit", app="EAGAIN", executor="EPERM")
def fork_many(given: Given) -> object:
    """Fork more processes than the policy permits."""
    read_end, write_end = os.pipe()
    children: list[int] = []
    try:
        for _ in range(number(given, "max_pids") + 10):
            pid = os.fork()
            if pid == 0:
                os.close(write_end)
                os.read(read_end, 1)
                os._exit(0)
            children.append(pid)
    finally:
        os.close(write_end)
        for child in children:
            os.waitpid(child, 0)
    return children


@attempt("the core of a process is written out", layer="resource limit", blocked="nothing", executor="EPERM")
def write_core(_given: Given) -> object:
    """Look whether the host's handler for crashes would be given this process's memory: a limit of 1 forbids it to run."""
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    if hard == 1:
        raise Nothing
    return hard

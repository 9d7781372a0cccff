"""How a supervisor is started: by this process, or in offline mode by the one that is free of its filter."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from typing import Protocol

SECRET_PREFIX = "EDGEAGENT_SECRET_"
"""Begins the names of environment variables that hold secrets."""


class SupervisorProcess(Protocol):
    """As much of `subprocess.Popen` as is needed."""

    def wait(self, timeout: float | None = None) -> int: ...

    def terminate(self) -> None: ...

    def kill(self) -> None: ...


def environment_for_children() -> dict[str, str]:
    """Our variables but for secrets: those are this process's alone, and engines and supervisors deal with hostile bytes."""
    return {name: value for name, value in os.environ.items() if not name.startswith(SECRET_PREFIX)}


def command(fd: int) -> list[str]:
    """The supervisor that serves the socket ``fd``."""
    return [sys.executable, "-P", "-m", "edgeagent_harness.outside", "serve", "--fd", str(fd)]


def start(theirs: socket.socket) -> SupervisorProcess:
    """Start it in a session of its own: the terminal's Ctrl-C is the app's to answer."""
    from edgeagent import offline

    starter = offline.supervisor_starter()
    if starter is not None:
        return starter.start(theirs)
    return subprocess.Popen(
        command(theirs.fileno()), pass_fds=(theirs.fileno(),), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        start_new_session=True, env=environment_for_children(),
    )  # fmt: skip

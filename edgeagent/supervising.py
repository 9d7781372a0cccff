"""How a supervisor is started: by this process, or in offline mode by the one that is free of its filter."""

from __future__ import annotations

import socket
import subprocess
import sys
from typing import Protocol


class SupervisorProcess(Protocol):
    """As much of `subprocess.Popen` as is needed."""

    def wait(self, timeout: float | None = None) -> int: ...

    def terminate(self) -> None: ...

    def kill(self) -> None: ...


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
        start_new_session=True,
    )  # fmt: skip

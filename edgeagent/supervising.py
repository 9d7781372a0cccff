"""How a supervisor is started: by this process, or in offline mode by the one that is free of its filter."""

from __future__ import annotations

import socket
import subprocess
from typing import Protocol

from edgeagent import offline
from edgeagent.children import environment_for_children, supervisor_command


class SupervisorProcess(Protocol):
    """As much of `subprocess.Popen` as is needed."""

    def wait(self, timeout: float | None = None) -> int: ...

    def terminate(self) -> None: ...

    def kill(self) -> None: ...


def start(theirs: socket.socket) -> SupervisorProcess:
    """Start it in a session of its own: the terminal's Ctrl-C is the app's to answer."""
    starter = offline.supervisor_starter()
    if starter is not None:
        return starter.start(theirs)
    return subprocess.Popen(
        supervisor_command(theirs.fileno()), pass_fds=(theirs.fileno(),), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        start_new_session=True, env=environment_for_children(),
    )  # fmt: skip

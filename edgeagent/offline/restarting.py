"""What a command does that learns late that it has to be offline, or that it would need the network."""

from __future__ import annotations

import os
import sys

from edgeagent.errors import EnvironmentProblem
from edgeagent.offline.entering import is_offline
from edgeagent.settings import OFFLINE_VARIABLE


def restart_offline() -> None:
    """Become the same command in offline mode, from its first instruction on; returns only if it is offline already."""
    if is_offline():
        return
    if os.environ.get(OFFLINE_VARIABLE) == "1":
        raise EnvironmentProblem("offline mode was asked for, and not entered", "start it as `edgeagent --offline …`")
    sys.stdout.flush()
    sys.stderr.flush()
    os.environ[OFFLINE_VARIABLE] = "1"
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


def require_network(what: str) -> None:
    """Raise `EnvironmentProblem` if this process is offline: ``what`` cannot be done then."""
    if is_offline():
        raise EnvironmentProblem(f"{what} needs the network, and this is offline mode", "run it without --offline")

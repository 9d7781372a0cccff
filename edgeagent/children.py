"""What processes that this program starts are started with."""

from __future__ import annotations

import os
import sys

SECRET_PREFIX = "EDGEAGENT_SECRET_"
"""Begins the names of environment variables that hold secrets."""


def environment_for_children() -> dict[str, str]:
    """Our variables but for secrets: those are this process's alone, and engines and supervisors deal with hostile bytes."""
    return {name: value for name, value in os.environ.items() if not name.startswith(SECRET_PREFIX)}


def supervisor_command(fd: int) -> list[str]:
    """The supervisor that serves the socket ``fd``."""
    return [sys.executable, "-P", "-m", "edgeagent_harness.outside", "serve", "--fd", str(fd)]

"""Runs a program of Python as an ordinary user, for tests that root started: as_ordinary_user.py UID HOME ARGUMENT …

This Python may lie where only root can reach it; in a mount namespace of its own it is within reach.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from edgeagent_harness.outside.containment import mountview

HERE = Path(__file__).resolve().parent


def main() -> None:
    user, home, arguments = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
    os.chown(home, user, user)
    mountview.open_up({*(os.path.realpath(path) for path in (sys.base_prefix, sys.prefix)), str(HERE.parent.parent), home})
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)
    os.chdir(home)
    os.environ |= {"HOME": home, "EDGEAGENT_HOME": f"{home}/data", "PYTHONDONTWRITEBYTECODE": "1"}
    os.execv(sys.executable, [sys.executable, *arguments])


if __name__ == "__main__":
    main()

"""``python as_user.py UID CMD...`` as root: run CMD as that user, who can also reach what lies below a root-only directory.

That is this clone, the Python, and the directories of files in ``/tmp`` that CMD names.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from edgeagent_harness.outside.containment import mountview

CLONE = Path(__file__).parents[2]


def main() -> None:
    uid, *command = sys.argv[1:]
    named = {os.path.dirname(word) for word in command if word.startswith("/tmp/")}
    mountview.open_up({*(os.path.realpath(path) for path in (sys.base_prefix, sys.prefix)), str(CLONE), *named})
    os.setgroups([])
    os.setresgid(int(uid), int(uid), int(uid))
    os.setresuid(int(uid), int(uid), int(uid))
    os.execvp(command[0], command)


if __name__ == "__main__":
    main()

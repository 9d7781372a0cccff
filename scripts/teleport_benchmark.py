"""What moves, how much of it, and how long it takes: ``scripts/teleport_benchmark.py [--megabytes 200] [--uid 12345]``.

A backend of another user (``--uid``, as root) with paths of its own takes a session with a large home that is no Git clone, and
a third data directory takes it back; every file's content, mode, time and link is compared. Before that: from the start of
`edgeagent cloud serve` to the first accepted session. With ``--desktop``: a web form in Chromium that moves at step 4, comes back
at 8, moves again at 9, and what each move sends. An upload that is cut off, and how much is sent twice. Prints JSON.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def main() -> None:
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join((str(ROOT / "tests"), os.environ.get("PYTHONPATH", ""))))
    os.execve(sys.executable, [sys.executable, "-m", "support.teleport_figures", *sys.argv[1:]], environment)


if __name__ == "__main__":
    main()

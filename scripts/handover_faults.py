"""Hand-overs there and back, each with a random fault. See ``tests/support.handover_faults.py``."""

from __future__ import annotations

import os
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def main() -> None:
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join((str(ROOT / "tests"), os.environ.get("PYTHONPATH", ""))))
    os.execve(sys.executable, [sys.executable, "-m", "support.handover_faults", *sys.argv[1:]], environment)


if __name__ == "__main__":
    main()

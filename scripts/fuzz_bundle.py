"""Hostile and damaged bundles to the reader, for as long as one likes. See ``tests/support/bundle_fuzz.py``."""

from __future__ import annotations

import os
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def main() -> None:
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join((str(ROOT / "tests"), os.environ.get("PYTHONPATH", ""))))
    os.execve(sys.executable, [sys.executable, "-m", "support.bundle_fuzz", *sys.argv[1:]], environment)


if __name__ == "__main__":
    main()

"""Lets every Python that is started take itself for one on macOS: put this folder on PYTHONPATH."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from other_system import become

sys.path.pop(0)
become("darwin")

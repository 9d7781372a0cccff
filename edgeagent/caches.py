"""Where this program keeps what it can make again."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

HOME_VARIABLE = "EDGEAGENT_HOME"


def cache_root() -> Path:
    """``$EDGEAGENT_HOME/cache``, or ``edgeagent`` in the user's cache directory."""
    home = os.environ.get(HOME_VARIABLE)
    return Path(home) / "cache" if home else platformdirs.user_cache_path("edgeagent")

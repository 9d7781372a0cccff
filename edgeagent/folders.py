"""Where this program keeps what is its own: the sessions, and what it can make again."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import platformdirs

HOME_VARIABLE = "EDGEAGENT_HOME"
STATE_SUFFIX = ".state"
"""As `edgeagent_models.llama.shelf` names its files."""
APART_SUFFIX = ".moved"
"""As there, of what came from another machine."""
MEMO_SUFFIX = ".memo"
FORGET_SUFFIX = ".forget"
"""Of what is to be removed from the place behind the disk too."""


def sessions_root() -> Path:
    """``$EDGEAGENT_HOME/sessions``, or ``edgeagent/sessions`` in the user's data directory."""
    home = os.environ.get(HOME_VARIABLE)
    return (Path(home) if home else platformdirs.user_data_path("edgeagent")) / "sessions"


def cache_root() -> Path:
    """``$EDGEAGENT_HOME/cache``, or ``edgeagent`` in the user's cache directory."""
    home = os.environ.get(HOME_VARIABLE)
    return Path(home) / "cache" if home else platformdirs.user_cache_path("edgeagent")


def parked_folder() -> Path:
    """Where engines keep the states of sessions that wait for their user, and the app what their models were told."""
    return cache_root() / "parked"


def leaving_folder() -> Path:
    """Where engines put what finds no more room there, to be carried away; it is there once that was done."""
    return parked_folder() / "leaving"


def forget_parked(session: str) -> None:
    """Remove what is kept there of ``session``; what was carried away, soon."""
    for folder in (parked_folder(), leaving_folder()):
        for suffix in (STATE_SUFFIX, APART_SUFFIX, MEMO_SUFFIX):
            with contextlib.suppress(OSError):
                (folder / f"{session}{suffix}").unlink(missing_ok=True)
    if leaving_folder().is_dir():
        with contextlib.suppress(OSError):
            (leaving_folder() / f"{session}{FORGET_SUFFIX}").touch(mode=0o600)

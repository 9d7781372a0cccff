"""The permission that the desktop lets be kept, so that the user is not asked anew each time: a word, readable by them alone."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

_MAX_CHARS = 4096


def token_path() -> Path:
    """Beside the settings: ``portal-token`` in ``$XDG_CONFIG_HOME/edgeagent``, by default ``~/.config/edgeagent``."""
    base = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    return Path(base) / "edgeagent" / "portal-token"


def take(path: Path) -> str:
    """The token, which is good for one time and so is no longer kept; empty: there is none."""
    try:
        with path.open(encoding="utf-8") as file:
            token = file.read(_MAX_CHARS)
        path.unlink()
    except (OSError, UnicodeDecodeError):
        return ""
    return token


def keep(path: Path, token: str) -> None:
    """Keep ``token`` for the next time, mode 0600. One that cannot be kept costs one question more."""
    with contextlib.suppress(OSError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = path.with_suffix(f".{os.getpid()}")
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(token)
        new.replace(path)

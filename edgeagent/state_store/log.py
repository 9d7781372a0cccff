"""What is written down of the place behind the disk: what became of each state, and how fast it was."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

from edgeagent.folders import cache_root

MAX_LOG_BYTES = 256 << 10


def state_rates() -> Path:
    """What was measured of it."""
    return cache_root() / "state-rates.json"


def log_path() -> Path:
    """One line for each state that went or came, and for each that did not."""
    return cache_root() / "states.log"


def states_log(line: str) -> None:
    """Write ``line`` there; half of a long log goes. What cannot be written is not."""
    path = log_path()
    with contextlib.suppress(OSError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if path.exists() and path.stat().st_size > MAX_LOG_BYTES:
            path.write_bytes(path.read_bytes()[-MAX_LOG_BYTES // 2 :].partition(b"\n")[2])
        with open(path, "a", encoding="utf-8", opener=_private) as file:
            file.write(f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())} {' '.join(line.split())}\n")


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)

"""Puts a restored home in the place of the one that was there, such that a crash at any point leaves one of the two."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from edgeagent import events
from edgeagent.recording.problems import recording_problem

NEXT_NAME = "home.next"
"""A home that a rewind made ready, whole; it counts from the moment that the rewind is in the log."""
_OLD_NAME = "home.old"


def swap_home(directory: Path) -> None:
    """Let the home that was made ready, if any, be the session's. Safe to call again after a crash in mid-way."""
    ready, home, old = directory / NEXT_NAME, directory / "home", directory / _OLD_NAME
    try:
        if ready.is_dir():
            if home.is_dir():
                open_folders(old)
                shutil.rmtree(old, ignore_errors=True)
                os.rename(home, old)
            os.rename(ready, home)
        if old.is_dir():
            open_folders(old)
            shutil.rmtree(old)
    except OSError as error:
        raise recording_problem(error, home) from error


def finish_swap(directory: Path, facts: Sequence[events.Event]) -> None:
    """What a crash left of a rewind: done if the rewind is in the log, else undone."""
    ready = directory / NEXT_NAME
    if not ready.exists() and (directory / "home").exists():
        return
    last = next((event.data for event in reversed(facts) if isinstance(event.data, events.Rewound | events.RunStarted)), None)
    if ready.exists() and (directory / "home").exists() and not isinstance(last, events.Rewound):
        shutil.rmtree(ready, ignore_errors=True)
        return
    swap_home(directory)


def open_folders(directory: Path) -> None:
    """Let the owner change every folder below ``directory``: applications leave some that may only be read."""
    for folder, names, _ in os.walk(directory):
        for name in names:
            path = os.path.join(folder, name)
            if not os.path.islink(path):
                try:
                    os.chmod(path, 0o700)
                except OSError:
                    continue

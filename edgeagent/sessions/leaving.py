"""Asking a run to leave its session: the step that is under way finishes first. Nothing inside a sandbox sees the note."""

from __future__ import annotations

import asyncio
import contextlib
import os
from pathlib import Path

from edgeagent.recording.problems import recording_problem
from edgeagent.sessions.stopping import NOTE_NAME

LEAVE_NAME = "leave"
_MAX_CHARS = 1000


def ask_to_leave(directory: Path, why: str) -> None:
    """Have whichever process works on the session in ``directory`` end its run before the next step, for the reason ``why``."""
    path, new = directory / LEAVE_NAME, directory / f"{LEAVE_NAME}.new"
    try:
        fd = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        with open(fd, "w", encoding="utf-8") as file:
            file.write(why[:_MAX_CHARS])
        os.replace(new, path)  # whoever takes it takes all of it
    except OSError as error:
        raise recording_problem(error, path) from error


def forget_leaving(directory: Path) -> None:
    """Take back what was asked; whoever takes the session up again is not meant."""
    with contextlib.suppress(FileNotFoundError):
        (directory / LEAVE_NAME).unlink()


def leave_if_asked(directory: Path) -> None:
    """Cancel the current task, between two steps, if somebody asked for it: that ends the run, with their reason in its log."""
    try:
        os.rename(directory / LEAVE_NAME, directory / NOTE_NAME)
    except FileNotFoundError:
        return
    if task := asyncio.current_task():
        task.cancel()

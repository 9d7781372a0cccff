"""The task of a run where it is not said on the command line itself: ``-`` is standard input, ``@FILE`` a text file."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from edgeagent.errors import UsageError
from edgeagent.small_files import read_text, why

_MOST_BYTES = 1 << 20


def task_in(said: str) -> str:
    """The task that ``said`` is, or names. Raises `UsageError`; an empty one, too."""
    task = said
    if said == "-":
        task = _standard_input()
    elif said.startswith("@") and (len(said.split()) == 1 or os.path.isfile(said[1:])):
        task = _file(said[1:])
    if not task.strip():
        raise UsageError("the task is empty", 'say what to do: edgeagent run "write Hello, save as a.txt" --app mousepad')
    return task


def _file(name: str) -> str:
    try:
        return read_text(Path(name).expanduser(), "the task's file", _MOST_BYTES).strip()
    except FileNotFoundError as error:
        raise UsageError(f"@{name}: {why(error)}", "@FILE names a file with the task in it") from error


def _standard_input() -> str:
    if sys.stdin is None:  # pyright: ignore[reportUnnecessaryComparison]  # it is, where descriptor 0 is closed
        raise UsageError("the task - is standard input, which is closed", "give the task itself, or @FILE")
    try:
        data = sys.stdin.buffer.read(_MOST_BYTES + 1)
        if len(data) > _MOST_BYTES:
            raise UsageError(f"the task on standard input is longer than {_MOST_BYTES >> 10} KiB", "shorten it")
        return data.decode("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"standard input cannot be read: {why(error)}", "give the task itself, or @FILE") from error

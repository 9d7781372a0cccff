"""Handles of processes (pidfds), and waiting for their end."""

from __future__ import annotations

import asyncio
import json
import os


def first_inside(info: int) -> int | None:
    """A handle of process 1, by what bwrap wrote to the pipe ``info`` before it started it; None: there is none."""
    try:
        return os.pidfd_open(int(json.loads(os.read(info, 4096))["child-pid"]))
    except (ValueError, KeyError, ProcessLookupError, BlockingIOError):
        return None


async def ended(handle: int) -> None:
    """Return when the process has ended; for process 1 of a pid namespace that is when nothing else is left in it."""
    over = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(handle, over.set)
    try:
        await over.wait()
    finally:
        loop.remove_reader(handle)

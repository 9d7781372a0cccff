"""Ctrl-C and SIGTERM while a run goes on."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any, TypeVar

from edgeagent.brake import Brake

T = TypeVar("T")


async def run_until_stopped(run: Coroutine[Any, Any, T], brake: Brake) -> T:
    """Await ``run``; SIGINT and SIGTERM stop it, with everything held released and the session resumable."""
    task = asyncio.ensure_future(run)
    loop = asyncio.get_running_loop()

    def stop() -> None:
        brake.pull()
        task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    try:
        return await task
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)

"""Async work on a thread of its own, with its own event loop: however long something in it takes, the UI stays awake."""

from __future__ import annotations

import asyncio
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class LoopThread(ABC, Generic[T]):
    """Runs `_run` once, and tells what it returns as the last thing that it tells."""

    def __init__(self, name: str) -> None:
        self.tell: Callable[[T], None] = lambda told: None
        """Called on this thread."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._main, name=name, daemon=True)

    @property
    def begun(self) -> bool:
        """Whether it was started, even if it has ended since."""
        return self._thread.ident is not None

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def start(self) -> None:
        self._thread.start()

    def join(self, timeout_s: float) -> bool:
        """Wait for the end; whether it came."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    @abstractmethod
    async def _run(self) -> T: ...

    def _main(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            told = self._loop.run_until_complete(self._run())
        finally:
            self._loop.run_until_complete(self._end_what_is_left())
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.close()
        self.tell(told)

    async def _end_what_is_left(self) -> None:
        left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    def _on_loop(self, call: Callable[[], object]) -> None:
        """Have ``call`` made on this thread, from any other; nothing if the work is over."""
        try:
            self._loop.call_soon_threadsafe(call)
        except RuntimeError:  # the loop is closed
            return

"""The executor's process as its guardian holds it: no other process can come to be meant, and its end is noticed at once."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys

LATE_ROUNDS = 30
"""How often a guardian releases what is down after the executor's end, once in each of its rounds: a display may come to what a
dead client had sent only after it has served the guardian. Rounds, not seconds: each waits for the display's answer."""


class ExecutorProcess:
    """Where the system gives descriptors of processes. Elsewhere it is a number, and only its supervisor notices its end."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._fd: int | None = None
        self._ended = False
        if pid and hasattr(os, "pidfd_open"):
            try:
                self._fd = os.pidfd_open(pid)
            except ProcessLookupError:
                self._ended = True

    def kill(self) -> None:
        """End it, if it has not ended."""
        if not self._pid or self._ended:
            return
        with contextlib.suppress(OSError):
            if self._fd is not None:
                signal.pidfd_send_signal(self._fd, signal.SIGKILL)
            else:
                os.kill(self._pid, signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL)

    def has_ended(self) -> bool:
        """Whether it is gone, as far as it can be known."""
        if self._fd is not None and not self._ended:
            self._ended = bool(select.select([self._fd], [], [], 0)[0])
        return self._ended

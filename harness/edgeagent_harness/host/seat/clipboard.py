"""The user's clipboard while an agent works on a `Seat`: remembered by looking, and given back.

It has a thread of its own: a look can start a program, and the guardian must not wait for one while it watches for the stop.
"""

from __future__ import annotations

import mmap
import threading
import time

from edgeagent_harness.host.acting import ACTING
from edgeagent_harness.host.seat.port import Seat

LOOK_S = 1.0
_AGENT_S = 0.6
"""A clipboard that changes so shortly after an action was changed by it."""


class ClipboardKeeper(threading.Thread):
    """What changes in a second in which the agent acted counts as the agent's; any other change is the user's."""

    def __init__(self, seat: Seat, acting: mmap.mmap) -> None:
        super().__init__(daemon=True, name="clipboard")
        self._seat = seat
        self._acting = acting
        self._ending = threading.Event()
        self._acted_s = self._last_s()
        self._saved = self._text = seat.read_clipboard()
        self._agents = False

    def run(self) -> None:
        while not self._ending.wait(LOOK_S):
            self._look()

    def give_back(self) -> None:
        """End, and put the user's text into the clipboard if the agent's is there."""
        self._ending.set()
        self.join()
        self._look()
        if self._agents:
            self._seat.write_clipboard(self._saved)

    def _look(self) -> None:
        last_s, text = self._last_s(), self._seat.read_clipboard()
        if text != self._text:
            self._text = text
            self._agents = last_s != self._acted_s or time.monotonic() - last_s < _AGENT_S
            if not self._agents:
                self._saved = text
        self._acted_s = last_s

    def _last_s(self) -> float:
        (last_s,) = ACTING.unpack(self._acting[: ACTING.size])
        return float(last_s)

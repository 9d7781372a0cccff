"""The actor of one worker on a Ray cluster: it starts the same process as the local engine does, and shares its fate."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

import msgspec

from edgeagent.cloud.engines.local import LocalEngine, LocalWorker
from edgeagent.cloud.worker import Orders
from edgeagent.errors import EnvironmentProblem

LANES = 2
"""`attend` takes as long as the worker; the other calls come meanwhile."""
_LOOK_S = 3600.0


class Attendant:
    """Imports nothing of Ray: it is told what to do, and its worker is tied to it by the kernel."""

    def __init__(self) -> None:
        self._worker: LocalWorker | None = None
        self._leaving = False
        self._changing = threading.Lock()

    def here(self) -> str:
        """The machine's name: whoever gets an answer knows that there is a place."""
        return socket.gethostname()

    def attend(self, orders: bytes) -> str:
        """Start the worker and wait for its end; its last words. Raises `EnvironmentProblem` if its files are not here."""
        told = msgspec.json.decode(orders, type=Orders)
        if not Path(told.root, told.session).is_dir():
            raise EnvironmentProblem(
                f"{self.here()} has no {told.root}",
                "--data must lie where each of the cluster's machines finds it, by the same path",
            )
        # Whoever carries states has what the store asks for; a worker has not.
        carrying = LocalEngine(told.states) if told.states else None
        try:
            with self._changing:
                if self._leaving:
                    return "left before it began"
                # The kernel ends it with the thread that started it: this one, which stays until it has ended.
                tied = msgspec.structs.replace(told, tied=True)
                self._worker = carrying.start(tied) if carrying else LocalWorker(tied)
            while not self._worker.ended(_LOOK_S):
                pass
            return self._worker.last_words()
        finally:
            if carrying:
                carrying.close()

    def leave(self) -> None:
        """Have the worker leave."""
        with self._changing:
            self._leaving = True
            if self._worker:
                self._worker.leave()

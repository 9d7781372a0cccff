"""Workers in processes of this machine."""

from __future__ import annotations

import os
import subprocess
import sys

import msgspec

from edgeagent.cloud.worker import Orders
from edgeagent.engine.host import EngineHost
from edgeagent.engine.relay import Relay
from edgeagent.state_store.settings import StoreSettings, carrier_for

CARRY_S = 8.0
"""For states that are under way when it ends; what has not gone goes when this machine has work again."""
_NOT_FOR_WORKERS = ("RAY_", "AWS_", "GOOGLE_", "AZURE_")


class LocalWorker:
    """A process whose standard input is its lifeline: when that closes it leaves."""

    def __init__(self, orders: Orders) -> None:
        # A cluster's token and the store's credentials are no business of whoever works for a session.
        environment = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_FOR_WORKERS)}
        argv = [sys.executable, "-P", "-m", "edgeagent.cloud.worker", msgspec.json.encode(orders).decode()]
        self._process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, env=environment)

    def placed(self) -> bool:
        return True

    def ended(self, timeout_s: float = 0.0) -> bool:
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return False
        self.leave()
        return True

    def leave(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        self.leave()

    def last_words(self) -> str:
        return f"exit code {self._process.returncode}"


class LocalEngine:
    """This machine. Workers with the same model share one process that holds it; what that lets go of goes to ``states``."""

    def __init__(self, states: StoreSettings | None = None) -> None:
        """Raises `EnvironmentProblem` without the library for such a place."""
        self._host = EngineHost(carrier_for(states))
        self._relay = Relay(self._host)

    def start(self, orders: Orders) -> LocalWorker:
        return LocalWorker(msgspec.structs.replace(orders, seats=self._relay.path()))

    def close(self) -> None:
        """Let nobody else share them; what is under way to `states` gets a moment."""
        self._relay.close()
        self._host.settle(CARRY_S)

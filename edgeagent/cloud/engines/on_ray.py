"""Workers on a Ray cluster: an actor each, which is not restarted and whose calls are not retried.

Ray finds a machine, says when an actor is gone, and ends it. Who goes on with a lost worker's session, and where, is decided by
the ledger and the pool, as on one machine.
"""

from __future__ import annotations

import msgspec

from edgeagent.cloud.engines.attendant import LANES, Attendant
from edgeagent.cloud.worker import Orders
from edgeagent.cluster import Actor, Asked, Cluster
from edgeagent.errors import EdgeAgentError, EnvironmentProblem


class RayWorker:
    """An actor somewhere, with the worker's process beside it."""

    def __init__(self, actor: Actor, orders: Orders) -> None:
        self._actor = actor
        self._here: Asked = actor.ask("here")
        self._work: Asked = actor.ask("attend", msgspec.json.encode(orders))

    def placed(self) -> bool:
        return self._here.done()

    def ended(self, timeout_s: float = 0.0) -> bool:
        if not self._work.done(timeout_s):
            return False
        self._actor.end()  # the worker has ended; its actor would wait for more
        return True

    def leave(self) -> None:
        self._actor.ask("leave")

    def kill(self) -> None:
        self._actor.end()

    def last_words(self) -> str:
        try:
            return str(self._work.answer())
        except EdgeAgentError as error:
            return f"{error}. {error.hint}".removesuffix(". ")


class RayEngine:
    """A cluster that is joined, or one that is started on this machine."""

    def __init__(self, address: str, slots: int, ledger: str) -> None:
        """``slots``: workers at once, where one is started. Raises `EnvironmentProblem`."""
        self._cluster = Cluster(address, slots)
        others = self._cluster.addresses() - {self._cluster.here()}
        if others and ledger.startswith("sqlite"):
            self._cluster.close()
            raise EnvironmentProblem(
                f"the cluster has other machines ({', '.join(sorted(others))}), and SQLite's ledger works on one",
                "--ledger postgresql+psycopg://…",
            )

    def start(self, orders: Orders) -> RayWorker:
        return RayWorker(self._cluster.hire(Attendant, lanes=LANES), orders)

    def close(self) -> None:
        self._cluster.close()

"""What the pool needs of a place where workers run. Whose a session is, and whether a worker is lost, is decided elsewhere."""

from __future__ import annotations

from typing import Protocol

from edgeagent.cloud.worker import Orders


class Worker(Protocol):
    """One session's turn, in a process somewhere. Started once, and never again by itself: a repeated click is a wrong click."""

    def placed(self) -> bool:
        """Whether it has a place to run at. On a cluster that is full it waits for one."""
        ...

    def ended(self, timeout_s: float = 0.0) -> bool:
        """Whether its process is gone, after at most so long."""
        ...

    def leave(self) -> None:
        """Have it end after the step under way, without a word in the ledger: another one will go on."""
        ...

    def kill(self) -> None:
        """End it now. After that it does nothing more, or where it cannot be reached, nothing that the ledger lets pass."""
        ...

    def last_words(self) -> str:
        """Why it ended, for people; only of one that has."""
        ...


class Engine(Protocol):
    """A place where workers run."""

    def start(self, orders: Orders) -> Worker:
        """A new worker; returns before it has begun."""
        ...

    def close(self) -> None:
        """Give the place up. All workers have ended."""
        ...

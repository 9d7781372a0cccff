"""A worker for each session that is to run, watched, and replaced when lost. `engines` says where workers run."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

from edgeagent.cloud.among_processes import held_once_free
from edgeagent.cloud.depot import Depot
from edgeagent.cloud.engines import Engine, Worker
from edgeagent.cloud.ledger import Row
from edgeagent.cloud.worker import Orders
from edgeagent.errors import EdgeAgentError, LedgerLost, NotOwner, SessionBusy
from edgeagent.sessions.leaving import ask_to_leave, forget_leaving
from edgeagent.state_store.settings import StoreSettings

TICK_S = 0.2
SILENT_S = 10.0
"""A worker that says nothing for so long is lost; it says something every second, and waits for nothing longer."""
START_S = 60.0
"""For the first word of a new one: a busy machine takes long to start it."""
_MAX_LOSSES = 5
"""A session that loses its worker so often in a row is left alone: the next one would die, too."""
Key = tuple[str, str]


@dataclass(slots=True)
class _Watched:
    row: Row
    worker: Worker
    beats: int
    heard_s: float
    """Monotonic: jumps of the clock do not make anyone lost."""
    spoke: bool = False


@dataclass(slots=True)
class Pool:
    """Call `run` as a task; cancelling it ends all workers after the step that they are at."""

    depot: Depot
    ledger_url: str
    engine: Engine
    max_workers: int = 4
    runner: str = ""
    states: StoreSettings | None = None
    """See `Orders.states`."""
    workers: dict[Key, _Watched] = field(default_factory=dict[Key, _Watched])
    losses: dict[Key, int] = field(default_factory=dict[Key, int])
    taken_over: int = 0
    """How many lost workers were replaced."""

    async def run(self) -> None:
        """Until cancelled. Of several servers of one folder one runs workers, and the next one once that is gone."""
        try:
            async with held_once_free(self.depot.root / "workers.lock"):
                await self._look_again_and_again()
        finally:
            self.engine.close()

    async def _look_again_and_again(self) -> None:
        try:
            while True:
                try:
                    await asyncio.to_thread(self.tick)
                except LedgerLost:
                    self._excuse()
                except EdgeAgentError:
                    pass  # the ledger's disk is full: it may not be later
                await asyncio.sleep(TICK_S)
        finally:
            await asyncio.to_thread(self.close)

    def tick(self) -> None:
        """One look at all sessions that need something."""
        rows = self.depot.ledger.in_state("running", "returning")
        self._look_after({(row.tenant, row.session): row for row in rows})
        for row in rows:
            try:
                self._go_on_with(row)
            except (SessionBusy, NotOwner):
                pass  # somebody else is at it, or it has gone on meanwhile
            except LedgerLost:
                raise
            except (EdgeAgentError, OSError) as error:  # a disk that is full now may not be later; the other sessions go on
                if row.trouble != str(error):
                    self.depot.ledger.note_trouble(row, str(error))

    def _go_on_with(self, row: Row) -> None:
        key = row.tenant, row.session
        if key in self.workers:
            if row.state == "returning":
                self._call_back(key)
        elif row.state == "returning":
            self.depot.pack(row)
        elif len(self.workers) < self.max_workers:
            self._start(row)

    def close(self) -> None:
        """Let all workers leave; whoever does not in time is killed, and goes on after the last step recorded."""
        for watched in self.workers.values():
            if watched.worker.placed():
                watched.worker.leave()
            else:
                watched.worker.kill()
        end_s = time.monotonic() + SILENT_S
        for watched in self.workers.values():
            if not watched.worker.ended(max(0.1, end_s - time.monotonic())):
                watched.worker.kill()
        self.workers.clear()

    def _excuse(self) -> None:
        """Nobody could be heard."""
        for watched in self.workers.values():
            watched.heard_s = time.monotonic()

    def _call_back(self, key: Key) -> None:
        """The client wants it: the step under way finishes first. Who waits for a place has none under way."""
        worker = self.workers[key].worker
        if worker.placed():
            ask_to_leave(self.depot.directory(*key), "the session goes back")
        else:
            worker.kill()

    def _start(self, row: Row) -> None:
        self.depot.settle(row)
        directory = self.depot.directory(row.tenant, row.session)
        forget_leaving(directory)
        row = self.depot.ledger.claim(row, f"{row.tenant}-{row.turn + 1}"[:32])
        orders = Orders(
            self.ledger_url, str(directory.parent), self.depot.name, row.tenant, row.session, row.epoch, row.turn, self.runner,
            str(self.depot.models or ""), dict(self.depot.endpoints), states=self.states,
        )  # fmt: skip
        self.workers[row.tenant, row.session] = _Watched(row, self.engine.start(orders), row.beats, time.monotonic())

    def _look_after(self, rows: dict[Key, Row]) -> None:
        """Take note of workers that ended; end those that are lost, so that their session is free."""
        for key, watched in list(self.workers.items()):
            row, now_s = rows.get(key), time.monotonic()
            if watched.worker.ended():
                self._ended(key, watched, row)
            elif row and row.turn == watched.row.turn and row.beats != watched.beats:
                watched.beats, watched.heard_s, watched.spoke = row.beats, now_s, True
            elif not watched.worker.placed():
                watched.heard_s = now_s
            elif now_s - watched.heard_s > (SILENT_S if watched.spoke else START_S):
                watched.worker.kill()
                self._ended(key, watched, row)

    def _ended(self, key: Key, watched: _Watched, row: Row | None) -> None:
        del self.workers[key]
        if row and row.state == "running" and row.worker:  # it did not say how it ended
            self.losses[key] = self.losses.get(key, 0) + 1
            self.taken_over += 1
            if self.losses[key] >= _MAX_LOSSES:
                del self.losses[key]
                why = watched.worker.last_words() if watched.worker.ended() else "it said nothing"
                self.depot.ledger.give_up(row, f"{_MAX_LOSSES} workers in a row died with it; the last one: {why}")
        else:
            self.losses.pop(key, None)

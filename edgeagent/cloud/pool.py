"""Workers in processes of this machine: one for each session that is to run, watched, and replaced when lost."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import time
from dataclasses import dataclass, field

import msgspec

from edgeagent.cloud.depot import Depot
from edgeagent.cloud.ledger import Row
from edgeagent.cloud.worker import Orders
from edgeagent.errors import EdgeAgentError, NotOwner, SessionBusy
from edgeagent.sessions.leaving import ask_to_leave, forget_leaving

TICK_S = 0.2
SILENT_S = 10.0
"""A worker that says nothing for so long is lost; it says something every second, and waits for nothing longer."""
START_S = 60.0
"""For the first word of a new one: a busy machine takes long to start it."""
_MAX_LOSSES = 5
"""A session that loses its worker so often in a row is left alone: the next one would die, too."""
Key = tuple[str, str]


@dataclass(slots=True)
class _Worker:
    row: Row
    process: subprocess.Popen[bytes]
    beats: int
    heard_s: float
    """Monotonic: jumps of the clock do not make anyone lost."""
    spoke: bool = False


@dataclass(slots=True)
class Pool:
    """Call `run` as a task; cancelling it ends all workers after the step that they are at."""

    depot: Depot
    ledger_url: str
    max_workers: int = 4
    runner: str = ""
    workers: dict[Key, _Worker] = field(default_factory=dict[Key, _Worker])
    losses: dict[Key, int] = field(default_factory=dict[Key, int])
    taken_over: int = 0
    """How many lost workers were replaced."""

    async def run(self) -> None:
        """Until cancelled."""
        try:
            while True:
                with contextlib.suppress(EdgeAgentError):  # a full disk or a busy ledger now may not be one later
                    await asyncio.to_thread(self.tick)
                await asyncio.sleep(TICK_S)
        finally:
            await asyncio.to_thread(self.close)

    def tick(self) -> None:
        """One look at all sessions that need something."""
        rows = self.depot.ledger.in_state("running", "returning")
        self._look_after({(row.tenant, row.session): row for row in rows})
        for row in rows:
            key = row.tenant, row.session
            if key in self.workers:
                if row.state == "returning":
                    ask_to_leave(self.depot.directory(*key), "the session goes back")
            elif row.state == "returning":
                with contextlib.suppress(SessionBusy, NotOwner):
                    self.depot.pack(row)
            elif len(self.workers) < self.max_workers:
                with contextlib.suppress(SessionBusy, NotOwner):
                    self._start(row)

    def close(self) -> None:
        """Let all workers leave; whoever does not in time is killed, and goes on after the last step recorded."""
        for worker in self.workers.values():
            assert worker.process.stdin is not None
            worker.process.stdin.close()
        end_s = time.monotonic() + SILENT_S
        for worker in self.workers.values():
            try:
                worker.process.wait(max(0.1, end_s - time.monotonic()))
            except subprocess.TimeoutExpired:
                worker.process.kill()
                worker.process.wait()
        self.workers.clear()

    def _start(self, row: Row) -> None:
        self.depot.settle(row)
        directory = self.depot.directory(row.tenant, row.session)
        forget_leaving(directory)
        row = self.depot.ledger.claim(row, f"{row.tenant}-{row.turn + 1}"[:32])
        orders = Orders(
            self.ledger_url, str(directory.parent), self.depot.name, row.tenant, row.session, row.epoch, row.turn, self.runner,
            str(self.depot.models or ""),
        )  # fmt: skip
        argv = [sys.executable, "-P", "-m", "edgeagent.cloud.worker", msgspec.json.encode(orders).decode()]
        process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        self.workers[row.tenant, row.session] = _Worker(row, process, row.beats, time.monotonic())

    def _look_after(self, rows: dict[Key, Row]) -> None:
        """Take note of workers that ended; end those that are lost, so that their session is free."""
        for key, worker in list(self.workers.items()):
            row = rows.get(key)
            if worker.process.poll() is not None:
                self._ended(key, worker, row)
            elif row and row.turn == worker.row.turn and row.beats != worker.beats:
                worker.beats, worker.heard_s, worker.spoke = row.beats, time.monotonic(), True
            elif time.monotonic() - worker.heard_s > (SILENT_S if worker.spoke else START_S):
                worker.process.kill()
                worker.process.wait()
                self._ended(key, worker, row)

    def _ended(self, key: Key, worker: _Worker, row: Row | None) -> None:
        del self.workers[key]
        if worker.process.stdin:
            worker.process.stdin.close()
        if row and row.state == "running" and row.worker:  # it did not say how it ended
            self.losses[key] = self.losses.get(key, 0) + 1
            self.taken_over += 1
            if self.losses[key] >= _MAX_LOSSES:
                del self.losses[key]
                self.depot.ledger.give_up(row, f"{_MAX_LOSSES} workers in a row died with it")
        else:
            self.losses.pop(key, None)

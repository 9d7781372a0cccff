"""Who holds which cells of the context: idle sequences make room for busy ones, and get back what they held."""

from __future__ import annotations

import time
from collections.abc import Collection

from edgeagent_models.errors import EngineProblem
from edgeagent_models.llama import units as count
from edgeagent_models.llama.job import Job
from edgeagent_models.llama.model import LlamaModel
from edgeagent_models.llama.sequence import Held, Hints, Sequence
from edgeagent_models.llama.shelf import Entry, Shelf

MIN_LENT_UNITS = 32
"""Of a prompt: less than that is not worth taking over from another sequence."""
EVICTED_TTL_S = 86_400.0
"""For what had to make room for others."""
SYSTEM_PROMPT_TTL_S = 30 * 86_400.0


class Room:
    """The context's cells. ``under_way`` are the scheduler's jobs as they stand: their sequences are not touched."""

    def __init__(self, model: LlamaModel, shelf: Shelf, under_way: Collection[Job]) -> None:
        self.sequences: list[Sequence] = []
        self._model = model
        self._shelf = shelf
        self._under_way = under_way
        self._spare = Sequence(model, model.max_sequences)
        """For what is no session's: it holds something for a moment only."""

    @property
    def cells_used(self) -> int:
        return sum(sequence.cells for sequence in self.sequences) + sum(job.slice_done for job in self._under_way)

    def make(self, needed: int, wanting: Sequence) -> bool:
        """Whether ``needed`` more cells are free. Idle sequences make room, and what they hold goes to the shelf: first those
        that wait for their user, the least wanted before others, then the longest unused."""
        while self.cells_used + needed > self._model.context_tokens:
            busy = {id(wanting), *(id(one.sequence) for one in self._under_way)}
            idle = [sequence for sequence in self.sequences if id(sequence) not in busy and sequence.cells]
            if not idle:
                return False
            going = min(idle, key=lambda sequence: (sequence.wanted, sequence.last_used))
            self.put_away(going, going.waits or Hints(expires_s=time.time() + EVICTED_TTL_S))
        return True

    def full(self) -> EngineProblem:
        """What to say where it cannot be made."""
        return EngineProblem(
            "context_full", f"the context of {self._model.context_tokens} tokens is full with other sequences"
        )  # fmt: skip

    def put_away(self, sequence: Sequence, hints: Hints, to_disk: bool = False) -> Entry | None:
        """Keep what ``sequence`` holds on the shelf instead; None if that is nothing."""
        if sequence.units:
            entry = self._shelf.put(sequence.name, sequence.export(), hints, to_disk)
            sequence.clear()
            return entry
        return self._shelf.keep(sequence.name, hints, to_disk)

    def fetch(self, sequence: Sequence) -> None:
        """Bring back what the idle ``sequence`` held when it was put away, if it holds nothing since."""
        entry = None if sequence.units else self._shelf.named(sequence.name)
        if entry is not None:
            self._restore(sequence, entry)
        sequence.waits = None

    def take_over(self, sequence: Sequence, held: Held) -> None:
        """Have the idle ``sequence`` hold ``held``. Raises `EngineProblem`; then it holds nothing."""
        sequence.clear()
        if not self.make(count.cells(held.units), sequence):
            raise self.full()
        sequence.take_over(held)

    def lend(self, job: Job) -> None:
        """Let the job's sequence begin with what another one, or the shelf, holds of its prompt, where that is much more than its
        own."""
        own = job.sequence.reusable(job.target)
        best = max(self.sequences, key=lambda sequence: sequence.lendable(job.target))
        lendable = best.lendable(job.target)
        if self._take_from_shelf(job, max(own, lendable) + MIN_LENT_UNITS):
            return
        if lendable >= job.sequence.reusable(job.target) + MIN_LENT_UNITS:
            job.sequence.borrow(best, job.target)

    def keep_system_prompt(self, job: Job) -> None:
        """Put the system prompt of a finished ``job`` on disk, once: the next engine's first question need not compute it."""
        units = job.target[: job.system_units]
        name = self._shelf.system_name(units)
        if len(units) < MIN_LENT_UNITS or not name or self._shelf.named(name):
            return
        self._spare.borrow(job.sequence, job.target[: len(units) + 1])
        if len(self._spare.units) == len(units):
            self._shelf.put(name, self._spare.export(), Hints(100, time.time() + SYSTEM_PROMPT_TTL_S, pinned=True), to_disk=True)
        self._spare.clear()

    def _take_from_shelf(self, job: Job, worth_units: int) -> bool:
        """Whether the job's sequence has now what is on the shelf of its prompt: at least ``worth_units``."""
        for entry, kept in self._shelf.found(job.target, job.sequence.name):
            if kept < worth_units:
                break
            if self._restore(job.sequence, entry):
                return True
        return False

    def _restore(self, sequence: Sequence, entry: Entry) -> bool:
        try:
            self.take_over(sequence, self._shelf.take(entry, sequence.name))
        except EngineProblem:
            return False  # it is computed anew
        return True

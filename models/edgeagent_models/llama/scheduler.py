"""Continuous batching: the next tokens of all completions under way go through the model together.

One call of `work` is one slice: at most one slice of a picture and one batch of text tokens are decoded. Pictures are encoded
beside it, on a thread of their own. Prompts go in chunks, so that a long one does not hold up the others' output. A sequence
serves its completions in the order they came.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from edgeagent_models.errors import EngineProblem
from edgeagent_models.llama import units as count
from edgeagent_models.llama.decoder import Decoder, Outcome, Row
from edgeagent_models.llama.job import Job, Priming
from edgeagent_models.llama.model import LlamaModel
from edgeagent_models.llama.pictures import Pictures
from edgeagent_models.llama.sequence import Held, Hints, Sequence
from edgeagent_models.llama.shelf import Entry, Shelf
from edgeagent_models.llama.units import ImageUnit

SHARED_CHUNK_TOKENS = 128
"""Of a prompt in one batch while others are being answered; alone it gets the whole batch."""
MIN_LENT_UNITS = 32
"""Of a prompt: less than that is not worth taking over from another sequence."""
EVICTED_TTL_S = 86_400.0
"""For what had to make room for others."""
SYSTEM_PROMPT_TTL_S = 30 * 86_400.0
ENCODER_POLL_S = 0.005
"""How long to wait for the encoder when there is nothing else to do, before looking for new requests and aborts."""


class Scheduler:
    """Decodes the completions of all sequences of one model."""

    def __init__(self, model: LlamaModel, pictures: Pictures | None, shelf: Shelf) -> None:
        self._pictures = pictures
        self._shelf = shelf
        self._spare = Sequence(model, model.max_sequences)
        """For what is no session's: it holds something for a moment only."""
        self._encoding_for: Job | None = None
        self._model = model
        self._decoder = Decoder(model)
        self._sequences: list[Sequence] = []
        self._waiting: deque[Job] = deque()
        self._jobs: deque[Job] = deque()
        self._aborted: set[int] = set()
        self._computing: frozenset[int] = frozenset()
        self._clock = 0

    # -- from the handler

    def add(self, job: Job) -> None:
        """Queue ``job``. Raises `EngineProblem` if its prompt can never fit. What its sequence was primed with is left as far as
        it got."""
        needed = count.cells(job.target)
        if needed >= self._model.context_tokens:
            job.close()
            raise EngineProblem(
                "context_full", f"the prompt has {needed} tokens, the context {self._model.context_tokens}: shorten the "
                "history, send smaller screenshots, or load with more context_tokens",
            )  # fmt: skip
        if self._pictures:
            self._pictures.hold(job.target)
        # Only now: what the primed job lets go of may be what this one needs.
        self.give_up_guesses(job.sequence)
        self._stop_encoding_in_vain(job)
        job.sequence.waits = None
        self._waiting.append(job)

    def _stop_encoding_in_vain(self, job: Job) -> None:
        """A picture that was guessed, and is in no question: the next one need not wait for it."""
        guess, pictures = self._encoding_for, self._pictures
        if pictures is None or not isinstance(guess, Priming) or guess in self._jobs:
            return
        wanted = [unit for one in (job, *self._jobs, *self._waiting) for unit in one.target]
        if pictures.encoding not in wanted:
            pictures.cancel_encoding()

    def give_up_guesses(self, sequence: Sequence) -> None:
        """Leave what ``sequence`` is being primed with as far as it got."""
        for primed in [one for one in (*self._jobs, *self._waiting) if isinstance(one, Priming) and one.sequence is sequence]:
            self._end(primed)
            primed.finish("aborted")

    def abort(self, target: int) -> None:
        """From another thread: stop request ``target`` soon."""
        self._aborted.add(target)

    def should_abort(self) -> bool:
        """Asked by llama.cpp in the middle of a computation."""
        return bool(self._aborted) and not self._aborted.isdisjoint(self._computing)

    def register(self, sequence: Sequence) -> None:
        self._sequences.append(sequence)

    def unregister(self, sequence: Sequence) -> None:
        """Drop ``sequence`` with everything that it was doing."""
        for job in [*self._jobs, *self._waiting]:
            if job.sequence is sequence:
                self._end(job)
                job.fail(EngineProblem("no_such_sequence", "the sequence was closed"))
        sequence.clear()
        self._sequences.remove(sequence)

    def busy(self, sequence: Sequence) -> bool:
        return any(job.sequence is sequence for job in (*self._jobs, *self._waiting))

    # -- put away and fetched back

    def put_away(self, sequence: Sequence, hints: Hints, to_disk: bool) -> Entry | None:
        """Keep what the idle ``sequence`` holds on the shelf instead; None if that is nothing."""
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
        if not self._make_room(count.cells(held.units), sequence):
            raise EngineProblem("context_full", self._full())
        sequence.take_over(held)

    def _restore(self, sequence: Sequence, entry: Entry) -> bool:
        try:
            self.take_over(sequence, self._shelf.take(entry, sequence.name))
        except EngineProblem:
            return False  # it is computed anew
        return True

    def _keep_system_prompt(self, job: Job) -> None:
        """Put the system prompt of a finished ``job`` on disk, once: the next engine's first question need not compute it."""
        units = job.target[: job.system_units]
        name = self._shelf.system_name(units)
        if len(units) < MIN_LENT_UNITS or not name or self._shelf.named(name):
            return
        self._spare.borrow(job.sequence, job.target[: len(units) + 1])
        if len(self._spare.units) == len(units):
            self._shelf.put(name, self._spare.export(), Hints(100, time.time() + SYSTEM_PROMPT_TTL_S, pinned=True), to_disk=True)
        self._spare.clear()

    # -- one slice of work

    def work(self) -> bool:
        """Do one slice; False when there is nothing left to do."""
        self._collect_encoded()
        self._finish_aborted()
        self._start_waiting()
        if not self._jobs:
            return False
        pictured, told = self._advance_picture(), self._advance_text()
        if self._pictures and not (pictured or told):
            self._pictures.wait(ENCODER_POLL_S)
        self._jobs.rotate(-1)
        return True

    def _finish_aborted(self) -> None:
        for job in [*self._jobs, *self._waiting]:
            if job.request.id in self._aborted:
                self._end(job)
                job.finish("aborted")
                if self._pictures and job is self._encoding_for:
                    self._pictures.cancel_encoding()

    def _start_waiting(self) -> None:
        occupied = {id(job.sequence) for job in self._jobs}
        for job in list(self._waiting):
            if id(job.sequence) not in occupied:
                occupied.add(id(job.sequence))
                self._waiting.remove(job)
                self._jobs.append(job)
                self._lend(job)
                job.begin()

    def _lend(self, job: Job) -> None:
        """Let the job's sequence begin with what another one, or the shelf, holds of its prompt, where that is much more than its
        own."""
        own = job.sequence.reusable(job.target)
        best = max(self._sequences, key=lambda sequence: sequence.lendable(job.target))
        lendable = best.lendable(job.target)
        if self._take_from_shelf(job, max(own, lendable) + MIN_LENT_UNITS):
            return
        if lendable >= job.sequence.reusable(job.target) + MIN_LENT_UNITS:
            job.sequence.borrow(best, job.target)

    def _take_from_shelf(self, job: Job, worth_units: int) -> bool:
        """Whether the job's sequence has now what is on the shelf of its prompt: at least ``worth_units``."""
        for entry, kept in self._shelf.found(job.target):
            if kept < worth_units:
                break
            if self._restore(job.sequence, entry):
                return True
        return False

    # -- pictures

    def _collect_encoded(self) -> None:
        """Take over what the encoder has done meanwhile."""
        job = self._encoding_for
        if self._pictures is None or job is None:
            return
        try:
            encode_ms = self._pictures.collect()
        except EngineProblem as problem:
            if job in self._jobs:
                self._end(job)
                job.fail(problem)
            encode_ms = 0.0
        if encode_ms is not None:
            job.encode_ms += encode_ms
            self._encoding_for = None

    def _advance_picture(self) -> bool:
        """Set the encoder to work on the next picture, and decode a slice of one that is encoded; whether one was."""
        pictures = self._pictures
        waiting = [(job, image) for job in self._jobs if (image := job.next_image)]
        if pictures is None or not waiting:
            return False
        raw = next(((job, image) for job, image in waiting if not pictures.encoded(image)), None)
        if raw and not pictures.encoding:
            self._encoding_for = raw[0]
            pictures.start_encoding(raw[1])
        for job, image in waiting:
            if pictures.encoded(image):
                if self._has_room(job, image.tokens - job.slice_done):
                    self._decode_image(job, image, pictures)
                return True
        return False

    def _decode_image(self, job: Job, image: ImageUnit, pictures: Pictures) -> None:
        causal = pictures.causal(image)
        size = image.tokens if not causal else self._chunk_tokens()
        chosen = slice(job.slice_done, min(job.slice_done + size, image.tokens))
        positions = pictures.positions(image, job.sequence.position)[:, chosen]
        embeddings = pictures.embedding(image)[chosen]
        if not self._decoded([job], lambda: self._decoder.embeddings(embeddings, positions, job.sequence.number, causal)):
            return
        job.slice_done = chosen.stop
        if job.slice_done == image.tokens:
            job.slice_done = 0
            job.sequence.append([image])
            if job.at_mark:
                job.sequence.checkpoint()

    # -- text

    def _advance_text(self) -> bool:
        """Decode the next tokens of every job that has text next, and sample where a job is complete; whether any had."""
        rows: list[Row] = []
        chunks: list[tuple[Job, list[int]]] = []
        for job in sorted(self._jobs, key=lambda job: not job.generating):
            limit = min(self._chunk_tokens(), self._model.batch_tokens - len(rows))
            tokens = job.next_tokens(limit)
            if tokens and self._has_room(job, len(tokens), len(rows)):
                rows.extend(_rows(job, tokens))
                chunks.append((job, tokens))
        if not rows:
            return False
        if not self._decoded([job for job, _ in chunks], lambda: self._decoder.tokens(rows)):
            return True
        self._clock += 1
        end = 0
        for job, tokens in chunks:
            end += len(tokens)
            self._after_text(job, tokens, end - 1)
        return True

    def _after_text(self, job: Job, tokens: list[int], last_row: int) -> None:
        sequence = job.sequence
        sequence.append(tokens)
        sequence.last_used = self._clock
        if job.at_mark:
            sequence.checkpoint()
        if job.complete and job.sample(self._decoder.logits(last_row)):
            self._end(job)
            self._keep_system_prompt(job)

    def _chunk_tokens(self) -> int:
        """How many tokens of one prompt go into a batch now."""
        shared = len(self._jobs) > 1 and any(job.generating for job in self._jobs)
        return min(SHARED_CHUNK_TOKENS, self._model.batch_tokens) if shared else self._model.batch_tokens

    # -- room, abort, end

    def _has_room(self, job: Job, needed: int, promised: int = 0) -> bool:
        """Whether ``needed`` more cells are free beside those ``promised`` in this batch. Without room ``job`` is over."""
        if self._make_room(promised + needed, job.sequence):
            return True
        self._out_of_room(job)
        return False

    def _make_room(self, needed: int, wanting: Sequence) -> bool:
        """Whether ``needed`` more cells are free. Idle sequences make room, and what they hold goes to the shelf: first those
        that wait for their user, the least wanted before others, then the longest unused."""
        while self._cells_used() + needed > self._model.context_tokens:
            busy = {id(wanting), *(id(one.sequence) for one in self._jobs)}
            idle = [sequence for sequence in self._sequences if id(sequence) not in busy and sequence.cells]
            if not idle:
                return False
            going = min(idle, key=lambda sequence: (sequence.wanted, sequence.last_used))
            self.put_away(going, going.waits or Hints(expires_s=time.time() + EVICTED_TTL_S), to_disk=False)
        return True

    def _cells_used(self) -> int:
        return sum(sequence.cells for sequence in self._sequences) + sum(job.slice_done for job in self._jobs)

    def _out_of_room(self, job: Job) -> None:
        self._end(job)
        if job.generating:
            job.finish("length")
            return
        job.fail(EngineProblem("context_full", self._full()))

    def _full(self) -> str:
        return f"the context of {self._model.context_tokens} tokens is full with other sequences"

    def _decoded(self, jobs: list[Job], decode: Callable[[], Outcome]) -> bool:
        """Run ``decode`` for ``jobs``; while it lasts, aborting one of them interrupts it.

        After one that did not happen, or half, memory and records are made to agree. An aborted job ends in the next slice.
        """
        problem: EngineProblem | None = None
        self._computing = frozenset(job.request.id for job in jobs)
        try:
            outcome = decode()
            if outcome == "ok":
                return True
        except EngineProblem as raised:
            problem, outcome = raised, "aborted"
        finally:
            self._computing = frozenset()
        for job in jobs:
            job.slice_done = 0
            job.sequence.repair()
            if problem:
                self._end(job)
                job.fail(problem)
            elif outcome == "no_room":
                self._out_of_room(job)
        return False

    def _end(self, job: Job) -> None:
        """``job`` is about to be answered: forget it."""
        if job.slice_done:
            job.sequence.repair()
        if job in self._jobs:
            self._jobs.remove(job)
        elif job in self._waiting:
            self._waiting.remove(job)
        self._aborted.discard(job.request.id)
        if self._pictures:
            self._pictures.release(job.target)


def _rows(job: Job, tokens: list[int]) -> list[Row]:
    """``tokens`` as the next rows of ``job``'s sequence; the last of a complete target gets logits."""
    sequence = job.sequence
    completes = len(sequence.units) + len(tokens) == len(job.target)
    last = len(tokens) - 1
    return [
        Row(token, sequence.position + at, sequence.number, completes and at == last) for at, token in enumerate(tokens)
    ]  # fmt: skip

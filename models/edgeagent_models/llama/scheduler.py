"""Continuous batching: the next tokens of all completions under way go through the model together.

One call of `work` is one slice: at most one slice of a picture and one batch of text tokens are decoded. Pictures are encoded
beside it, on a thread of their own. Prompts go in chunks, so that a long one does not hold up the others' output. A sequence
serves its completions in the order they came.
"""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Callable

import numpy as np

from edgeagent_models.errors import EngineProblem
from edgeagent_models.llama import units as count
from edgeagent_models.llama.crew import Crew
from edgeagent_models.llama.decoder import Decoder, Outcome, Row
from edgeagent_models.llama.job import Job, Priming
from edgeagent_models.llama.model import LlamaModel
from edgeagent_models.llama.pictures import Pictures
from edgeagent_models.llama.room import EVICTED_TTL_S, Room
from edgeagent_models.llama.sequence import Hints, Sequence
from edgeagent_models.llama.shelf import Shelf
from edgeagent_models.llama.units import ImageUnit

SHARED_CHUNK_TOKENS = 128
"""Of a prompt in one batch while others are being answered; alone it gets the whole batch."""
OUTPUT_TOKENS = 256
"""That a reply is expected to take at most, when it is seen whether it has room beside others."""
ENCODER_POLL_S = 0.005
"""How long to wait for the encoder when there is nothing else to do, before looking for new requests and aborts."""


class Scheduler:
    """Decodes the completions of all sequences of one model."""

    def __init__(self, model: LlamaModel, pictures: Pictures | None, shelf: Shelf) -> None:
        self._pictures = pictures
        self._encoding_for: Job | None = None
        self._model = model
        self._decoder = Decoder(model, Crew(model.threads) if model.gpu_layers == 0 else None)
        self._waiting: deque[Job] = deque()
        self._jobs: deque[Job] = deque()
        self.room = Room(model, shelf, self._jobs)
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
        self.room.sequences.append(sequence)

    def unregister(self, sequence: Sequence) -> None:
        """Drop ``sequence`` with everything that it was doing."""
        for job in [*self._jobs, *self._waiting]:
            if job.sequence is sequence:
                self._end(job)
                job.fail(EngineProblem("no_such_sequence", "the sequence was closed"))
        sequence.clear()
        self.room.sequences.remove(sequence)

    def busy(self, sequence: Sequence) -> bool:
        return any(job.sequence is sequence for job in (*self._jobs, *self._waiting))

    # -- one slice of work

    def work(self) -> bool:
        """Do one slice; False when there is nothing left to do."""
        self._collect_encoded()
        self.finish_aborted()
        self._start_waiting()
        if not self._jobs:
            return False
        pictured, told = self._advance_picture(), self._advance_text()
        if self._pictures and not (pictured or told):
            self._pictures.wait(ENCODER_POLL_S)
        self._jobs.rotate(-1)
        return True

    def finish_aborted(self) -> None:
        """End what was aborted since the last slice."""
        for job in [*self._jobs, *self._waiting]:
            if job.request.id in self._aborted:
                self._end(job)
                job.finish("aborted")
                if self._pictures and job is self._encoding_for:
                    self._pictures.cancel_encoding()

    def _start_waiting(self) -> None:
        occupied = {id(job.sequence) for job in self._jobs}
        for job in list(self._waiting):
            if id(job.sequence) in occupied or job not in self._waiting:
                continue
            if not self._fits(job):
                return  # those behind it are no more urgent
            occupied.add(id(job.sequence))
            self._waiting.remove(job)
            self._jobs.append(job)
            self.room.lend(job)
            job.begin()

    def _fits(self, job: Job) -> bool:
        """Whether ``job`` has room beside those under way, each with some output; guesses are given up for it."""
        asked = [one for one in self._jobs if not isinstance(one, Priming)]
        needed = sum(max(count.cells(one.target), one.sequence.cells) + OUTPUT_TOKENS for one in (*asked, job))
        if asked and needed > self._model.context_tokens:
            return False
        if self.room.cells_used + needed > self._model.context_tokens and not isinstance(job, Priming):
            for guess in [one for one in self._jobs if isinstance(one, Priming)]:
                self.give_up_guesses(guess.sequence)
        return True

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
        if not job.complete:
            return
        logits = self._decoder.logits(last_row)
        if sequence.apart and not np.isfinite(logits).all():
            # What is no number stays in the cells for whoever gets them next. The next process starts without this state.
            sys.exit("a state that came from another machine was none of this model's")
        if job.sample(logits):
            self._end(job)
            self.room.keep_system_prompt(job)

    def _chunk_tokens(self) -> int:
        """How many tokens of one prompt go into a batch now."""
        shared = len(self._jobs) > 1 and any(job.generating for job in self._jobs)
        return min(SHARED_CHUNK_TOKENS, self._model.batch_tokens) if shared else self._model.batch_tokens

    # -- room, abort, end

    def _has_room(self, job: Job, needed: int, promised: int = 0) -> bool:
        """Whether ``needed`` more cells are free beside those ``promised`` in this batch. Without room ``job`` waits for the
        others, and is over where there are none."""
        if self.room.make(promised + needed, job.sequence):
            return True
        if len(self._jobs) > 1 and not isinstance(job, Priming):
            self._stand_back(job)
        else:
            self._out_of_room(job)
        return False

    def _stand_back(self, job: Job) -> None:
        """Let the others finish first; what there is of ``job`` waits on the shelf."""
        if job.slice_done:
            job.slice_done = 0
            job.sequence.repair()
        self._jobs.remove(job)
        self.room.put_away(job.sequence, Hints(100, time.time() + EVICTED_TTL_S))
        self._waiting.appendleft(job)

    def _out_of_room(self, job: Job) -> None:
        self._end(job)
        if job.generating:
            job.finish("length")
            return
        job.fail(self.room.full())

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

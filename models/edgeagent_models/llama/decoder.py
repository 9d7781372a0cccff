"""Put tokens and embeddings of several sequences through the context, and read logits."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Sequence
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from edgeagent_models.errors import EngineProblem
from edgeagent_models.llama import log
from edgeagent_models.llama.crew import Crew
from edgeagent_models.llama.model import LlamaModel
from edgeagent_models.llama.native import Handle, llama

Floats: TypeAlias = npt.NDArray[np.float32]
Ints: TypeAlias = npt.NDArray[np.int32]
Outcome: TypeAlias = Literal["ok", "no_room", "aborted"]

_OUTCOMES: dict[int, Outcome] = {0: "ok", 1: "no_room", 2: "aborted"}
"""By the return code of `llama_decode`; any other is a failure."""


class Row(NamedTuple):
    """One token of a batch."""

    token: int
    position: int
    sequence: int
    wants_logits: bool


class Decoder:
    """The one user of the context's `llama_decode`. A ``crew`` says with how many threads; without one that is the model's
    choice."""

    def __init__(self, model: LlamaModel, crew: Crew | None = None) -> None:
        self._model = model
        self._crew = crew

    def tokens(self, rows: Sequence[Row]) -> Outcome:
        """Decode ``rows``, of any number of sequences, in one batch."""
        columns = np.array(rows, np.int32).reshape(len(rows), 4)
        tokens = np.ascontiguousarray(columns[:, 0])
        arrays = _Arrays(tokens, None, np.ascontiguousarray(columns[:, 1]), columns[:, 2], columns[:, 3].astype(np.int8))
        if self._crew is None:
            return self._decode(arrays)
        self._model.compute_with(self._crew.threads(len(rows)))
        began_s = time.perf_counter()
        outcome = self._decode(arrays)
        if outcome == "ok":
            self._crew.took(len(rows), time.perf_counter() - began_s)
        return outcome

    def embeddings(self, embeddings: Floats, positions: Ints, sequence: int, causal: bool) -> Outcome:
        """Decode a picture's ``embeddings`` ``(tokens, width)`` at ``positions`` ``(1 or 4, tokens)`` of ``sequence``."""
        self._model.compute_with(self._model.threads.batch)
        count = len(embeddings)
        sequences = np.full(count, sequence, np.int32)
        arrays = _Arrays(
            None, np.ascontiguousarray(embeddings), np.ascontiguousarray(positions), sequences, np.zeros(count, np.int8)
        )
        if causal:
            return self._decode(arrays)
        llama.llama_set_causal_attn(self._model.context, False)
        try:
            return self._decode(arrays)
        finally:
            llama.llama_set_causal_attn(self._model.context, True)

    def logits(self, row: int) -> Floats:
        """``(vocabulary,) float32`` for row ``row`` of the last batch; valid until the next."""
        pointer = llama.llama_get_logits_ith(self._model.context, row)
        return np.ctypeslib.as_array(pointer, shape=(self._model.vocabulary.size,))

    def _decode(self, arrays: _Arrays) -> Outcome:
        code = int(llama.llama_decode(self._model.context, arrays.batch()))
        outcome = _OUTCOMES.get(code)
        if outcome is None:
            raise EngineProblem("internal", f"llama_decode returned {code}: {log.take()}")
        return outcome


class _Arrays(NamedTuple):
    """A batch's memory; it must outlive the call that gets `batch`."""

    tokens: Ints | None
    embeddings: Floats | None
    positions: Ints
    sequences: Ints
    wants_logits: npt.NDArray[np.int8]

    def batch(self) -> Handle:
        count = len(self.wants_logits)
        sequences = np.ascontiguousarray(self.sequences)
        each = np.ones(count, np.int32)
        # `seq_id` is an array of pointers, one to each token's own list of sequences (of length one here).
        pointers = sequences.ctypes.data + np.arange(count, dtype=np.uint64) * np.uint64(sequences.itemsize)
        batch = llama.llama_batch(
            count,
            _pointer(self.tokens, ctypes.c_int32),
            _pointer(self.embeddings, ctypes.c_float),
            _pointer(self.positions, ctypes.c_int32),
            _pointer(each, ctypes.c_int32),
            _pointer(pointers, ctypes.POINTER(ctypes.c_int32)),
            _pointer(self.wants_logits, ctypes.c_int8),
        )
        batch.keep_alive = (sequences, each, pointers, self)
        return batch


def _pointer(array: npt.NDArray[np.generic] | None, kind: Handle) -> Handle:
    return None if array is None else array.ctypes.data_as(ctypes.POINTER(kind))

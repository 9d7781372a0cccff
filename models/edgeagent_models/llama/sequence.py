"""One session's place in the context: what is in memory, and how to get back to an earlier point of it."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence as Units
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from edgeagent_models.errors import EngineProblem
from edgeagent_models.llama import units as count
from edgeagent_models.llama.model import LlamaModel
from edgeagent_models.llama.native import Handle, llama
from edgeagent_models.llama.units import Unit, common_prefix

MAX_CHECKPOINT_BYTES = 768 << 20
"""Of all sequences together. One of a model with 0.8e9 parameters takes 20 MB, of one with 9e9 about 50."""
MIN_CHECKPOINTS = 6
"""A sequence may have these whatever they take."""
KEPT_NEWEST = 3
_PARTIAL_ONLY = 1
"""LLAMA_STATE_SEQ_FLAGS_PARTIAL_ONLY: the part of the state that cannot be cut back."""
_WHOLE = 0


State: TypeAlias = npt.NDArray[np.uint8]
"""Bytes as llama.cpp gives and takes them: tens of megabytes, not to be copied about."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The recurrent state after the first ``units`` units. Valid while these are in memory."""

    units: int
    cells: int
    """Of these units: what it would cost to compute them again."""
    data: State


class Sequence:
    """What llama.cpp holds under one sequence number. ``units`` is exactly what is in memory."""

    def __init__(self, model: LlamaModel, number: int) -> None:
        self._model = model
        self.number = number
        self.units: list[Unit] = []
        self.position = 0
        self.cells = 0
        self.last_used = 0
        self._checkpoints: list[Checkpoint] = []

    @property
    def checkpoints(self) -> tuple[Checkpoint, ...]:
        return tuple(self._checkpoints)

    def reuse(self, prompt: Units[Unit]) -> int:
        """Cut back to what can be kept for ``prompt``; returns how many of its units stand.

        At least its last unit does not: decoding that gives the logits.
        """
        self._cut(min(common_prefix(self.units, prompt), len(prompt) - 1))
        return len(self.units)

    def append(self, new: Units[Unit]) -> None:
        """``new`` was decoded."""
        self.units.extend(new)
        self.position += count.positions(new)
        self.cells += count.cells(new)

    def clear(self) -> None:
        llama.llama_memory_seq_rm(self._model.memory, self.number, -1, -1)
        self._checkpoints.clear()
        self._set_units([])

    def repair(self) -> None:
        """After a decode that ended half-way: make the memory hold ``units`` again, or fewer of them."""
        if self._model.recurrent:
            self._restore(len(self.units))
        else:
            self._remove_from(len(self.units))

    def checkpoint(self) -> None:
        """Keep the recurrent state as it is now.

        Beyond the sequence's share of memory that one goes whose loss costs the fewest tokens: those since the one before
        it. The first (behind the system prompt) and the newest stay.
        """
        if self._checkpoints and self._checkpoints[-1].units == len(self.units):
            return
        self._checkpoints.append(Checkpoint(len(self.units), self.cells, self._get_state(_PARTIAL_ONLY)))
        while self._over_budget():
            held = self._checkpoints
            candidates = range(1, len(held) - KEPT_NEWEST)
            del held[min(candidates, key=lambda place: held[place].cells - held[place - 1].cells)]

    def reusable(self, prompt: Units[Unit]) -> int:
        """How many units of ``prompt`` `reuse` would keep."""
        common = min(common_prefix(self.units, prompt), len(prompt) - 1)
        return common if common == len(self.units) or not self._model.recurrent else self._restorable(common)

    def lendable(self, prompt: Units[Unit]) -> int:
        """How many units of ``prompt`` another sequence could take over from this one."""
        common = min(common_prefix(self.units, prompt), len(prompt) - 1)
        return self._restorable(common) if self._model.recurrent else common

    def borrow(self, other: Sequence, prompt: Units[Unit]) -> None:
        """Hold what ``other`` holds of ``prompt`` instead of what was here. Both then share the memory of these units."""
        keep = other.lendable(prompt)
        self.clear()
        llama.llama_memory_seq_cp(self._model.memory, other.number, self.number, 0, count.positions(prompt[:keep]))
        self._set_units(prompt[:keep])
        if self._model.recurrent:
            self._checkpoints = [checkpoint for checkpoint in other.checkpoints if checkpoint.units <= keep]
            self._restore(keep)

    def export_state(self) -> State:
        """The whole state, for a file."""
        return self._get_state(_WHOLE)

    def import_state(self, units: Units[Unit], checkpoints: Units[Checkpoint], data: State) -> None:
        """Replace everything by a state that `export_state` gave."""
        self.clear()
        if not self._set_state(data, _WHOLE):
            self.clear()
            raise EngineProblem("model", "llama.cpp does not take this state")
        self._checkpoints = list(checkpoints)
        self._set_units(units)

    def _cut(self, keep: int) -> None:
        if keep == len(self.units):
            return
        if self._model.recurrent:
            self._restore(keep)
        else:
            self._remove_from(keep)

    def _remove_from(self, keep: int) -> None:
        position = count.positions(self.units[:keep])
        if llama.llama_memory_seq_rm(self._model.memory, self.number, position, -1):
            self._set_units(self.units[:keep])
        else:
            self.clear()

    def _restore(self, keep: int) -> None:
        """Back to the newest checkpoint within the first ``keep`` units; to nothing if there is none."""
        self._checkpoints = [checkpoint for checkpoint in self._checkpoints if checkpoint.units <= keep]
        if not self._checkpoints or not self._set_state(self._checkpoints[-1].data, _PARTIAL_ONLY):
            self.clear()
            return
        # The recurrent state first: only then does the memory agree to drop what follows.
        self._remove_from(self._checkpoints[-1].units)

    def _restorable(self, keep: int) -> int:
        """The newest checkpoint within the first ``keep`` units."""
        return max((checkpoint.units for checkpoint in self._checkpoints if checkpoint.units <= keep), default=0)

    def _over_budget(self) -> bool:
        share = MAX_CHECKPOINT_BYTES // self._model.max_sequences
        held = self._checkpoints
        return len(held) > MIN_CHECKPOINTS and sum(len(checkpoint.data) for checkpoint in held) > share

    def _set_units(self, kept: Units[Unit]) -> None:
        self.units = list(kept)
        self.position = count.positions(self.units)
        self.cells = count.cells(self.units)

    def _get_state(self, flags: int) -> State:
        context = self._model.context
        size = int(llama.llama_state_seq_get_size_ext(context, self.number, flags))
        data = np.empty(size, np.uint8)
        written = int(llama.llama_state_seq_get_data_ext(context, _pointer(data), size, self.number, flags))
        return data[:written]

    def _set_state(self, data: State, flags: int) -> bool:
        return int(llama.llama_state_seq_set_data_ext(self._model.context, _pointer(data), len(data), self.number, flags)) > 0


def _pointer(data: State) -> Handle:
    return data.ctypes.data_as(ctypes.POINTER(ctypes.c_uint8))

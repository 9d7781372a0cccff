"""One session's place in the context: what is in memory, and how to get back to an earlier point of it."""

from __future__ import annotations

import ctypes
import itertools
from collections.abc import Sequence as Units
from dataclasses import dataclass
from typing import TypeAlias

import msgspec
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


class Hints(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much a state is wanted; see `edgeagent_models.retention`."""

    priority: int = 50
    expires_s: float = float("inf")
    """Unix time."""
    pinned: bool = False


@dataclass(frozen=True, slots=True)
class Held:
    """What a sequence held, away from the context: enough to hold it again."""

    units: tuple[Unit, ...]
    checkpoints: tuple[Checkpoint, ...]
    data: State
    apart: bool = False
    """It was made on another machine, and nobody can tell that it is what its units say: it is for its own session alone."""

    @property
    def size_bytes(self) -> int:
        return len(self.data) + sum(len(checkpoint.data) for checkpoint in self.checkpoints)


class Sequence:
    """What llama.cpp holds under one sequence number. ``units`` is exactly what is in memory."""

    def __init__(self, model: LlamaModel, number: int, name: str = "") -> None:
        self._model = model
        self.number = number
        self.name = name
        self.units: list[Unit] = []
        self.position = 0
        self.cells = 0
        self.last_used = 0
        self.waits: Hints | None = None
        """Its session waits for its user, and how much it is wanted then: it makes room before others do."""
        self.apart = False
        """What it holds came from another machine: others take nothing of it over."""
        self._checkpoints: list[Checkpoint] = []

    @property
    def wanted(self) -> int:
        """More than any priority where its session does not wait."""
        return self.waits.priority if self.waits else 101

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
        self.apart = False

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
        return reusable(self.units, self._checkpoint_units if self._model.recurrent else None, prompt)

    def lendable(self, prompt: Units[Unit]) -> int:
        """How many units of ``prompt`` another sequence could take over from this one."""
        if self.apart:
            return 0
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

    def export(self) -> Held:
        """A copy of all that is needed to go on. Of the checkpoints the first, behind the system prompt, and the newest."""
        held = self._checkpoints
        worth = (*held[:-KEPT_NEWEST][:1], *held[-KEPT_NEWEST:])
        return Held(tuple(self.units), worth, self._get_state(_WHOLE), self.apart)

    def take_over(self, held: Held) -> None:
        """Hold what `export` gave instead of what was here. Raises `EngineProblem`; then nothing is here."""
        self.clear()
        if not self._set_state(held.data, _WHOLE):
            self.clear()
            raise EngineProblem("model", "llama.cpp does not take this state")
        self._checkpoints = list(held.checkpoints)
        self._set_units(held.units)
        self.apart = held.apart
        if self.apart and not self._agrees():
            self.clear()
            raise EngineProblem("model", "this state from another machine is not what it says")

    def _agrees(self) -> bool:
        """Whether llama.cpp holds as many positions as ``units`` take, and checkpoints lie in order within them. A picture's
        cells may all have the position of its beginning."""
        pictures = [unit for unit in self.units if not isinstance(unit, int)]
        if not self.units or any(unit.tokens <= 0 or unit.positions <= 0 for unit in pictures):
            return False
        last = self.units[-1]
        slack = 0 if isinstance(last, int) else last.positions - 1
        held = int(llama.llama_memory_seq_pos_max(self._model.memory, self.number)) + 1
        places = [0, *self._checkpoint_units, len(self.units) + 1]
        in_order = all(one < other for one, other in itertools.pairwise(places))
        return self.position - slack <= held <= self.position and in_order and all(kept.cells >= 0 for kept in self._checkpoints)

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
        return max((place for place in self._checkpoint_units if place <= keep), default=0)

    @property
    def _checkpoint_units(self) -> list[int]:
        return [checkpoint.units for checkpoint in self._checkpoints]

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


def reusable(held: Units[Unit], checkpoints: Units[int] | None, prompt: Units[Unit]) -> int:
    """How many units of ``prompt`` can stand where ``held`` ones are in memory: all that are common, and what a recurrent model
    can go back to, which has ``checkpoints`` behind so many units. Another model has None."""
    common = min(common_prefix(held, prompt), len(prompt) - 1)
    if checkpoints is None or common == len(held):
        return common
    return max((place for place in checkpoints if place <= common), default=0)


def _pointer(data: State) -> Handle:
    return data.ctypes.data_as(ctypes.POINTER(ctypes.c_uint8))

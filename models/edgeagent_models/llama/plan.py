"""A prompt as the cache sees it: its units, and where a recurrent model shall keep checkpoints. Pure."""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from edgeagent_models.llama.units import ImageUnit, Unit

MIN_APART_UNITS = 24
"""Between marks: each splits a batch, which costs as much as the decoding of a few tokens."""


@dataclass(frozen=True, slots=True)
class Plan:
    """``units`` to be held in memory; behind each of the ``marks`` (counts of units) a checkpoint is worth its bytes."""

    units: list[Unit]
    marks: frozenset[int]
    system: int = 0
    """So many of the units are the system prompt, which other sessions begin with, too."""


def marks(units: Sequence[Unit], seams: Iterable[int]) -> frozenset[int]:
    """Where to keep checkpoints in a prompt of ``units``, of which ``seams`` (counts of units) are likely to be cut at.

    Behind each picture, one unit before the end (so that the same prompt can be asked again), and at the seams that are not
    too near to one of these.
    """
    pictures = {place for place, unit in enumerate(units, start=1) if isinstance(unit, ImageUnit)}
    chosen: list[int] = []
    for place in sorted({*pictures, *seams}):
        near = chosen and place - chosen[-1] < MIN_APART_UNITS
        if place in pictures or (place > 0 and not near):
            chosen.append(place)
    return frozenset({*chosen, len(units) - 1} - {0})


def seam_units(tokens: Sequence[int], length: Callable[[int], int], offsets: Iterable[int]) -> list[int]:
    """How many of ``tokens`` surely stand before each of the byte ``offsets`` in their text, whatever will follow there.

    ``length`` tells a token's bytes. The token that ends at the seam may be cut otherwise when the text behind it changes.
    """
    ends = list(itertools.accumulate(map(length, tokens)))
    return [max(0, bisect.bisect_right(ends, offset) - 1) for offset in offsets]

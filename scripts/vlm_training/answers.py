"""Answers as training asks for them: nearly right is nearly as good, and a slip in one digit is made good by the next.

A place in thousandths is said as three digits. Had the model to say exactly the right ones, a tens digit one too high would be
as wrong as one five too high, and it would learn slowly what neighbours are. So it is asked for a bell of digits around the
place. And after a hundreds digit that is one off, as it happens at borders, it learns to go on with the nearest number left.
"""

from __future__ import annotations

import random

import numpy as np
from numpy.typing import NDArray

from vlm_training.tokens import Language

ANSWER_TOKENS = 8
"""Three digits, a comma, three digits, the end."""
SOFT = (0, 1, 4, 5)
"""Tokens of an answer that are asked for as a bell: hundreds and tens."""
_SPREAD = (0.25, 0.8)
"""Standard deviation of the bells, in digits: of hundreds, of tens."""


def spoken(rng: random.Random, language: Language, x: float, y: float) -> tuple[list[int], NDArray[np.float32]]:
    """Tokens for ``x`` and ``y`` (0 to 1), with slips at borders, and for each of `SOFT` the bell ``(4, 10)`` over digits."""
    across, across_bells = _number(rng, x * 1000)
    down, down_bells = _number(rng, y * 1000)
    digits = language.digits
    tokens = [*(digits[d] for d in across), language.comma, *(digits[d] for d in down), language.end]
    return tokens, np.stack([*across_bells, *down_bells])


def _number(rng: random.Random, place: float) -> tuple[tuple[int, int, int], tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """The three digits, and the bells of the first two. ``place`` in thousandths."""
    place = min(999.9, max(0.0, place))
    hundreds = _slipped(rng, place / 100, _SPREAD[0])
    rest = min(99.9, max(0.0, place - 100 * hundreds))
    tens = _slipped(rng, rest / 10, _SPREAD[1] / 2)
    units = int(min(9.9, max(0.0, rest - 10 * tens)))
    return (hundreds, tens, units), (_bell(place / 100, _SPREAD[0]), _bell(rest / 10, _SPREAD[1]))


def _slipped(rng: random.Random, place: float, spread: float) -> int:
    """The digit of ``place`` (0 to 10), or now and then its neighbour where that is near."""
    return int(min(9.0, max(0.0, place + rng.gauss(0, spread / 2))))


def _bell(place: float, spread: float) -> NDArray[np.float32]:
    """How well each digit tells of ``place`` (0 to 10); adds up to 1."""
    far = (np.arange(10) + 0.5 - place) / spread
    weights = np.exp(-(far**2 - (far**2).min()) / 2)
    return (weights / weights.sum()).astype(np.float32)

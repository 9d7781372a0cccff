"""Two sessions side by side, step by step. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

from edgeagent.history import Step


@dataclass(frozen=True, slots=True)
class Pair:
    """The steps of one number; None where one session has no more."""

    number: int
    left: Step | None
    right: Step | None

    @property
    def same_action(self) -> bool:
        return self.left is not None and self.right is not None and self.left.action == self.right.action

    @property
    def same_screen(self) -> bool:
        """Whether both ended in the same screen, to the pixel."""
        return self.left is not None and self.right is not None and self.left.frame_after == self.right.frame_after


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two runs."""

    pairs: tuple[Pair, ...]

    @property
    def first_difference(self) -> int | None:
        """Number of the first step that did something else; None: neither does."""
        return next((pair.number for pair in self.pairs if not pair.same_action), None)


def compare(left: Sequence[Step], right: Sequence[Step]) -> Comparison:
    """``left`` and ``right`` paired by their numbers."""
    return Comparison(tuple(Pair(number, one, two) for number, (one, two) in enumerate(zip_longest(left, right), start=1)))

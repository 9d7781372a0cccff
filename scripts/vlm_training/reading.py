"""A help for reading labels: what is written on a button, asked of its middle cell and of the question that names it.

Both are asked for the same: which letters a label has, and its first, second and last. So both come to know what the other
has to be compared with. The heads are thrown away.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

_LETTERS = 26
_PLACES = (0, 1, -1)
_WHICH_WEIGHT, _PLACES_WEIGHT = 4.0, 0.4


@dataclass(frozen=True, slots=True)
class Words:
    """``N`` labels and where a head should know them."""

    at: Tensor
    """``(N,)``: indices into all cells, or all tokens, of a batch."""
    which: Tensor
    """``(N, 26) float32``: 1 for each letter of the label, in either case."""
    placed: Tensor
    """``(N, 3) int64``: its first, second and last letter."""


def words(found: Iterable[tuple[int, str]]) -> Words:
    """Labels (letters only) with their indices."""
    listed = list(found)
    which = torch.zeros(len(listed), _LETTERS)
    placed = torch.zeros(len(listed), len(_PLACES), dtype=torch.long)
    for row, (_, label) in enumerate(listed):
        numbers = [ord(letter) - ord("A") for letter in label.upper()]
        which[row, numbers] = 1
        placed[row] = torch.tensor([numbers[place] for place in _PLACES])
    return Words(torch.tensor([index for index, _ in listed], dtype=torch.long), which, placed)


class WordHead(nn.Module):
    """Reads a label off a vector."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.read = nn.Linear(width, _LETTERS * (1 + len(_PLACES)))

    def forward(self, x: Tensor, asked: Words) -> Tensor:
        """The loss; ``x`` is ``(…, width)``."""
        if not len(asked.at):
            return x.new_zeros((), dtype=torch.float32)
        said = self.read(x.reshape(-1, x.shape[-1])[asked.at]).float()
        which, placed = said[:, :_LETTERS], said[:, _LETTERS:].reshape(-1, _LETTERS)
        loss = _WHICH_WEIGHT * functional.binary_cross_entropy_with_logits(which, asked.which)
        return loss + _PLACES_WEIGHT * len(_PLACES) * functional.cross_entropy(placed, asked.placed.flatten())

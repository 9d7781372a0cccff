"""Pure: in which grid a model counts, from what it answered to known targets, whatever its family says."""

from __future__ import annotations

import math
import re
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from edgeagent.calibration.targets import Target
from edgeagent_models.families.grid import GridKind, View

Convention = Literal["thousandths", "unit", "sent", "screen"]
"""The families' grids, and the pixels of the screen itself."""
WORDS: dict[Convention, str] = {
    "thousandths": "thousandths of the screen (0 to 1000)",
    "unit": "fractions of the screen (0 to 1)",
    "sent": "pixels of the picture as it was sent",
    "screen": "pixels of the screen",
}
NEAR = 0.05
"""Of the diagonal: a convention fits if half of the answers are this close under it. By chance one lies within 3%."""
_NUMBER = r"(\d+(?:\.\d+)?)"
_NAMED = re.compile(rf"\bx\b\W{{0,6}}{_NUMBER}\D{{0,40}}?\by\b\W{{0,6}}{_NUMBER}")
_PAIR = re.compile(rf"{_NUMBER}[\s,]+{_NUMBER}")


@dataclass(frozen=True, slots=True)
class Answered:
    """One target, the screen's sizes, and the two numbers of the answer; None where it had none."""

    target: Target
    view: View
    numbers: tuple[float, float] | None


def numbers_in(reply: str) -> tuple[float, float] | None:
    """The point in ``reply`` as it was written: ``x`` and ``y`` by name, else the first two numbers that stand together."""
    found = _NAMED.search(reply) or _PAIR.search(reply)
    return (float(found[1]), float(found[2])) if found else None


def detect(answers: Sequence[Answered], claimed: GridKind) -> Convention | None:
    """The convention that fits: the ``claimed`` one if it does, else the best that does; None if none does."""
    off: dict[Convention, float] = {convention: _median_share(answers, convention) for convention in WORDS}
    if off[claimed] <= NEAR:
        return claimed
    best = min(off, key=lambda convention: off[convention])
    return best if off[best] <= NEAR else None


def _median_share(answers: Sequence[Answered], convention: Convention) -> float:
    """Half of the answers are at most so far from their targets, as a share of the diagonal."""
    return statistics.median(_share(answer, convention) for answer in answers)


def _share(answer: Answered, convention: Convention) -> float:
    if answer.numbers is None:
        return math.inf
    view, (x, y) = answer.view, answer.numbers
    match convention:
        case "thousandths":
            across, down = view.width / 1000, view.height / 1000
        case "unit":
            across, down = view.width, view.height
        case "sent":
            across, down = view.width / view.sent_width, view.height / view.sent_height
        case "screen":
            across = down = 1
    return answer.target.error_px(x * across, y * down) / math.hypot(view.width, view.height)

"""Pure: what a model's answers to known targets are worth, in words."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import Literal

import msgspec

from edgeagent.calibration.conventions import WORDS, Convention
from edgeagent_models.families.family import Family
from edgeagent_models.families.registry import FAMILIES

Verdict = Literal["good", "usable", "poor", "wrong_convention", "cannot_point"]
_GOOD, _USABLE = 0.9, 0.6
"""Shares of targets hit."""


class Calibration(msgspec.Struct, frozen=True):
    """What was measured, for one model file, family and screen. Lengths in physical pixels."""

    model: str
    quantization: str
    family: str
    screen: tuple[int, int]
    scale: float
    targets: int
    hits: int
    """Answers within the target's own circle, on the way that a run takes."""
    unread: int
    """Answers that were no point."""
    median_px: float | None
    p90_px: float | None
    """Nine answers in ten are at most so far from the target's middle; None where fewer were read."""
    radius_px: float
    """Of a target."""
    convention: Convention | None
    """In which it was found to count; None: its answers fit none."""
    verdict: Verdict
    reason: str


def judged(
    errors_px: Sequence[float | None], radius_px: float, family: Family, convention: Convention | None
) -> tuple[Verdict, str]:  # fmt: skip
    """A verdict and its reason. ``errors_px``: one for each target, None where the answer was no point."""
    if convention is None:
        return "cannot_point", "its answers are near the targets in no convention: it does not see them, or cannot point"
    if convention != family.grid:
        return "wrong_convention", _mismatch(family, convention)
    share = hit_share(errors_px, radius_px)
    said = f"it hits {share:.0%} of the targets"
    if share >= _GOOD:
        return "good", said
    if share >= _USABLE:
        return "usable", f"{said}: expect misses on small things"
    return "poor", f"{said}: a larger quantization or model may do better"


def hit_share(errors_px: Sequence[float | None], radius_px: float) -> float:
    """Share of the answers within the target's circle, 0 to 1; no answer is a miss."""
    return hits(errors_px, radius_px) / len(errors_px)


def hits(errors_px: Sequence[float | None], radius_px: float) -> int:
    """Answers within the target's circle."""
    return sum(error is not None and error <= radius_px for error in errors_px)


def spread(errors_px: Sequence[float | None]) -> tuple[float | None, float | None]:
    """Median and 90th percentile over all answers; an answer that was no point is infinitely far."""
    ordered = sorted(math.inf if error is None else error for error in errors_px)
    return _finite(statistics.median_high(ordered)), _finite(ordered[math.ceil(0.9 * len(ordered)) - 1])


def _finite(value: float) -> float | None:
    return None if math.isinf(value) else round(value, 1)


def _mismatch(family: Family, convention: Convention) -> str:
    fitting = sorted(other.name for other in FAMILIES if other.grid == convention)
    advice = f"; families that count so: {', '.join(fitting)}" if fitting else "; no family counts so"
    return f"it answers in {WORDS[convention]}, but family {family.name} reads {WORDS[family.grid]}{advice}"

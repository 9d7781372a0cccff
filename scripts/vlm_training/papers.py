"""Exams: screens that no training drew, each with one question. Needs no torch."""

from __future__ import annotations

import math
import random
import re
from typing import TypeAlias

from vlm_training.scenes import Painter, Scene, Thing
from vlm_training.wording import HELD_OUT_LABELS, LABELS

NEAR = 0.03
"""Of a screen's diagonal: a click this close counts."""
_FEWEST_BUTTONS = 3
Paper: TypeAlias = tuple[Scene, Thing, str]
"""A screen, what is asked for on it, and the question."""
_ANSWER = re.compile(r"(\d{3}),(\d{3})")


def exam(seed: int, size: tuple[int, int], count: int, scale: float = 1.0) -> list[Paper]:
    """``count`` screens of ``size`` (width, height); held-out pairs and labels among them, and asked for."""
    rng = random.Random(seed)
    papers: list[Paper] = []
    while len(papers) < count:
        scene = Painter(rng, *size, scale, held_out=True).scene()
        if not scene.things:
            continue
        kind = rng.choice(sorted({thing.kind for thing in scene.things}))
        thing = rng.choice([thing for thing in scene.things if thing.kind == kind])
        papers.append((scene, thing, thing.question(rng)))
    return papers


def forms(seed: int, size: tuple[int, int], count: int) -> list[Paper]:
    """``count`` forms of ``size``; a button is asked for among several, about half of whose labels are no words."""
    rng = random.Random(seed)
    papers: list[Paper] = []
    while len(papers) < count:
        scene = Painter(rng, *size).form()
        buttons = [thing for thing in scene.things if thing.kind == "button"]
        if len(buttons) >= _FEWEST_BUTTONS:
            thing = rng.choice(buttons)
            papers.append((scene, thing, thing.question(rng)))
    return papers


def distance(point: tuple[float, float] | None, thing: Thing, size: tuple[int, int]) -> float:
    """From ``point`` (pixels) to ``thing``, as a share of the screen's diagonal; 9 for none."""
    if point is None:
        return 9.0
    return math.hypot(point[0] - thing.x, point[1] - thing.y) / math.hypot(*size)


def read_point(answer: str, size: tuple[int, int]) -> tuple[float, float] | None:
    """``512,064`` in thousandths as pixels of a screen of ``size``."""
    found = _ANSWER.search(answer)
    return (int(found[1]) / 1000 * size[0], int(found[2]) / 1000 * size[1]) if found else None


def group(thing: Thing) -> str:
    """Under which heading an answer for ``thing`` is counted."""
    made_up = thing.kind == "button" and thing.names[0] not in (*LABELS, *HELD_OUT_LABELS)
    return f"{thing.kind}{', held out' if thing.held_out else ', made up' if made_up else ''}"

"""Screens with known targets: coloured shapes on a light desktop, each screen with one that is asked for."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeagent.screen import Screen
from edgeagent_harness.protocol.frames import FrameInfo

COLOURS = {"red": (220, 30, 30), "green": (30, 160, 50), "blue": (40, 70, 220), "orange": (250, 140, 20), "black": (20, 20, 20)}
SHAPES = ("circle", "square", "triangle", "cross")
RADIUS_SHARE = 0.018
"""Of the screen's diagonal: about the size of a toolbar's button."""
_OTHERS = 4
"""Shapes on a screen beside the target."""
_LIGHT = (236, 238, 242)


@dataclass(frozen=True, slots=True)
class Target:
    """What is asked for on a screen. Places and sizes in physical pixels."""

    name: str
    x: float
    y: float
    radius: float

    @property
    def task(self) -> str:
        return f"click the {self.name}"

    def error_px(self, x: float, y: float) -> float:
        """How far ``(x, y)`` is from its middle."""
        return math.hypot(x - self.x, y - self.y)


def draw(width: int, height: int, count: int, scale: float = 1.0, seed: int = 0) -> list[tuple[Screen, Target]]:
    """``count`` screens of ``width`` x ``height`` physical pixels; ``scale`` enlarges what is drawn, as the desktop's does."""
    rng = random.Random(seed)
    return [_screen(rng, number, width, height, scale, _region(number, count)) for number in range(1, count + 1)]


def _region(number: int, count: int) -> tuple[float, float, float, float]:
    """Where the target of screen ``number`` may lie (left, top, width, height, as shares): together they cover the screen."""
    columns = max(1, round(math.sqrt(count * 1.5)))
    rows = math.ceil(count / columns)
    column, row = (number - 1) % columns, (number - 1) // columns
    return column / columns, row / rows, 1 / columns, 1 / rows


def _screen(
    rng: random.Random, number: int, width: int, height: int, scale: float, region: tuple[float, float, float, float]
) -> tuple[Screen, Target]:  # fmt: skip
    pixels = np.zeros((height, width, 4), np.uint8)
    pixels[..., :3] = _LIGHT[::-1]
    radius = min(max(8.0, RADIUS_SHARE * math.hypot(width, height) * scale), min(width, height) / 8)
    names = rng.sample([(colour, shape) for colour in COLOURS for shape in SHAPES], 1 + _OTHERS)
    left, top, wide, high = region
    target = _within(rng, radius, width, left, wide), _within(rng, radius, height, top, high)
    places = [target]
    for _ in names[1:]:
        places += _free(rng, radius, width, height, places)
    for (colour, shape), (x, y) in zip(names, places, strict=False):
        _paint(pixels, shape, COLOURS[colour], x, y, radius)
    asked = Target(" ".join(names[0]), *target, radius)
    return Screen(FrameInfo(number, width, height, 0), pixels.tobytes()), asked


def _within(rng: random.Random, radius: float, side: int, start: float, share: float) -> float:
    """A place along one side, in its region, the whole shape on the screen."""
    low, high = start * side + radius, (start + share) * side - radius
    place = rng.uniform(low, high) if low < high else (low + high) / 2
    return min(max(place, radius + 1), side - radius - 2)


def _free(
    rng: random.Random, radius: float, width: int, height: int, taken: list[tuple[float, float]]
) -> list[tuple[float, float]]:  # fmt: skip
    """One place clear of those that are ``taken``, or none if dice found none."""
    for _ in range(50):
        x, y = _within(rng, radius, width, 0, 1), _within(rng, radius, height, 0, 1)
        if all(math.hypot(x - a, y - b) > 3 * radius for a, b in taken):
            return [(x, y)]
    return []


def _paint(pixels: NDArray[np.uint8], shape: str, colour: tuple[int, int, int], x: float, y: float, radius: float) -> None:
    """Fill ``shape`` into ``(H, W, 4) uint8`` BGRX ``pixels``."""
    top, bottom, left, right = (int(edge) for edge in (y - radius, y + radius + 2, x - radius, x + radius + 2))
    rows, columns = np.ogrid[top:bottom, left:right]
    across, down = (columns - x) / radius, (rows - y) / radius
    match shape:
        case "circle":
            inside = across**2 + down**2 <= 1
        case "square":
            inside = (abs(across) <= 0.88) & (abs(down) <= 0.88)
        case "triangle":
            inside = (down >= -1) & (down <= 0.8) & (abs(across) <= (down + 1) / 1.8)
        case _:
            inside = (abs(across) <= 1) & (abs(down) <= 1) & ((abs(across) <= 0.33) | (abs(down) <= 0.33))
    pixels[top:bottom, left:right, :3][inside] = colour[::-1]

"""The grids that families count points in, to and from physical pixels. Pure.

There and back from a grid is exact. From a pixel to a grid and back is off by half a step of the grid at most: 1.92 px for
thousandths on a screen 3840 wide, as there are no numbers between.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from edgeagent_harness.protocol.geometry import Point

GridKind = Literal["thousandths", "unit", "sent"]
"""0 to 1000 over each side; 0 to 1; pixels of the picture that was sent."""
THOUSAND = 1000
UNIT_DIGITS = 4


@dataclass(frozen=True, slots=True)
class View:
    """A screen's size in physical pixels, and the size at which its picture is sent."""

    width: int
    height: int
    sent_width: int
    sent_height: int


def limits(kind: GridKind, view: View) -> tuple[int, int]:
    """The largest x and y of the grid."""
    match kind:
        case "thousandths":
            return THOUSAND, THOUSAND
        case "unit":
            return 1, 1
        case "sent":
            return view.sent_width, view.sent_height


def physical(kind: GridKind, x: float, y: float, view: View) -> Point:
    """The point at grid place ``(x, y)``; `ValueError` where that is outside."""
    most_x, most_y = limits(kind, view)
    if not (0 <= x <= most_x and 0 <= y <= most_y):
        raise ValueError(f"the point ({x:g}, {y:g}) is outside 0 to {most_x} and 0 to {most_y}")
    if kind == "sent":
        return Point(_unsent(x, view.sent_width, view.width), _unsent(y, view.sent_height, view.height))
    # The grid's far edge maps onto the last pixel, not one past it.
    return Point(x * (view.width - 1) / most_x, y * (view.height - 1) / most_y)


def on_grid(kind: GridKind, point: Point, view: View) -> tuple[float, float]:
    """The numbers by which the family names ``point``: whole ones, or decimals for ``unit``."""
    sides = ((point.x, view.width, view.sent_width), (point.y, view.height, view.sent_height))
    x, y = (_number(kind, pixel, side, sent) for pixel, side, sent in sides)
    return x, y


def _number(kind: GridKind, pixel: float, side: int, sent: int) -> float:
    match kind:
        case "thousandths":
            return min(THOUSAND, max(0, round(pixel * THOUSAND / max(1, side - 1))))
        case "unit":
            return min(1.0, max(0.0, round(pixel / max(1, side - 1), UNIT_DIGITS)))
        case "sent":
            return min(sent - 1, max(0, math.floor(pixel * sent / side)))


def _unsent(number: float, sent: int, side: int) -> float:
    """A sent pixel's middle on the screen."""
    return (min(number, sent - 1) + 0.5) * side / sent

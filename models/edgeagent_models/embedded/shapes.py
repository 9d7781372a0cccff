"""Plain coloured shapes on the screen, named as a task would name them ("large red circle"). No network: exact colours only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from edgeagent_harness.protocol.geometry import Rect
from edgeagent_models.embedded.instruction import parse
from edgeagent_models.protocol import Element

_COLOURS: dict[str, tuple[int, int, int]] = {
    "red": (255, 0, 0), "green": (0, 128, 0), "lime": (0, 255, 0), "blue": (0, 0, 255), "yellow": (255, 255, 0),
    "cyan": (0, 255, 255),
    "magenta": (255, 0, 255), "black": (0, 0, 0), "white": (255, 255, 255), "gray": (128, 128, 128), "orange": (255, 165, 0),
    "purple": (128, 0, 128), "pink": (255, 192, 203), "brown": (139, 69, 19), "olive": (128, 128, 0), "maroon": (128, 0, 0),
    "navy": (0, 0, 128), "teal": (0, 128, 128),
}  # fmt: skip
_SPOKEN = frozenset(
    {*_COLOURS, "grey", "circle", "square", "triangle", "rectangle", "shape", "colored", "coloured", "box", "boxes"}
)
_GREYS = frozenset({"black", "white", "gray"})
_MIN_SIDE_PX, _MIN_AREA_PX = 10, 90
_LARGEST_SHARE = 0.5
_MOST_COLOURS = 14
_MOST_SHAPES = 40
_WORK_WIDTH_PX = 640
"""Wider pictures are looked at in a reduced size."""


class Shape(NamedTuple):
    """One area of one colour."""

    box: Rect
    colour: str
    form: str
    area_px: int


def asks_for_shapes(task: str) -> bool:
    """Whether the task speaks of a colour or a form; shapes are not looked for otherwise."""
    return any(word.text.casefold() in _SPOKEN for word in parse(task).words)


def with_shapes(elements: tuple[Element, ...], picture: NDArray[np.uint8]) -> tuple[Element, ...]:
    """``elements``, and behind them the shapes in ``picture``, ``(H, W, 3) uint8`` RGB, that are none of them.

    A widget that says nothing and is one plain colour is such a shape.
    """
    found = find_shapes(picture)
    coloured = [s.box for s in found if s.colour not in _GREYS]
    elements = tuple(e for e in elements if e.text or e.label or not any(_alike(box, e.box) for box in coloured))
    shapes = [s for s in found if not any(_same(s.box, e.box) for e in elements)]
    named = _sized(shapes)
    return (*elements, *(Element(len(elements) + k, "image", s.box, name, score=0.5) for k, (s, name) in enumerate(named)))


def find_shapes(picture: NDArray[np.uint8]) -> list[Shape]:
    """Areas of one exact colour, large enough to be meant."""
    step = max(1, picture.shape[1] // _WORK_WIDTH_PX)
    small = picture[::step, ::step].astype(np.uint32)
    packed = (small[..., 0] << 16) | (small[..., 1] << 8) | small[..., 2]
    values, counts = np.unique(packed, return_counts=True)
    order = np.argsort(-counts)
    found: list[Shape] = []
    for index in order[:_MOST_COLOURS]:
        if counts[index] * step * step < _MIN_AREA_PX:
            break
        value = int(values[index])
        found += _areas(packed == value, _colour_name(value), step, picture.shape[1] * picture.shape[0])
    return sorted(found, key=lambda s: (s.box.top, s.box.left))[:_MOST_SHAPES]


def _areas(mask: NDArray[np.bool_], colour: str, step: int, screen_px: int) -> list[Shape]:
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=4)
    found: list[Shape] = []
    for k in range(1, min(count, 200)):
        x, y, width, height, area = (int(v) for v in stats[k])
        if min(width, height) * step < _MIN_SIDE_PX or area * step * step < _MIN_AREA_PX:
            continue
        if area < 0.3 * width * height or width * height * step * step > _LARGEST_SHARE * screen_px:
            continue
        form = _form(labels[y : y + height, x : x + width] == k)
        found.append(Shape(Rect(x * step, y * step, (x + width) * step, (y + height) * step), colour, form, area * step * step))
    return found


def _form(mask: NDArray[np.bool_]) -> str:
    """What kind of shape fills ``mask`` of its own box."""
    height, width = mask.shape
    share = float(mask.mean())
    if share > 0.93:
        return "square box" if 0.85 < width / height < 1.18 else "rectangle box"
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    outline = max(contours, key=cv2.contourArea)
    corners = len(cv2.approxPolyDP(outline, 0.06 * cv2.arcLength(outline, True), True))
    if corners == 3 and 0.35 < share < 0.65:
        return "triangle"
    if 0.70 < share < 0.86 and 0.8 < width / height < 1.25:
        return "circle"
    return "shape"


def _colour_name(value: int) -> str:
    colour = np.array([value >> 16, (value >> 8) & 255, value & 255], np.int32)
    return min(_COLOURS, key=lambda name: int(((np.array(_COLOURS[name], np.int32) - colour) ** 2).sum()))


def _sized(shapes: Sequence[Shape]) -> list[tuple[Shape, str]]:
    """Each with its name; where sizes differ much they are said."""
    if not shapes:
        return []
    sizes = sorted(s.box.area for s in shapes)
    differ = sizes[-1] > 2.5 * sizes[0]
    middle = (sizes[0] * sizes[-1]) ** 0.5
    return [
        (
            s,
            " ".join(
                word
                for word in (
                    (("large" if s.box.area > middle else "small") if differ else ""),
                    s.colour,
                    "" if s.colour in _GREYS else "colored",
                    s.form,
                )
                if word
            ),
        )
        for s in shapes
    ]


def _same(shape: Rect, box: Rect) -> bool:
    """Whether an element is what the shape is; a letter in a shape is not."""
    return shape.intersect(box).area > 0.6 * shape.area and box.area < 4 * shape.area


def _alike(shape: Rect, box: Rect) -> bool:
    shared = shape.intersect(box).area
    return shared > 0.6 * (shape.area + box.area - shared)

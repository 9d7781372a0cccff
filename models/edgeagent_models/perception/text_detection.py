"""Where text is: the PP-OCRv6 detector at the screen's own scale, its probability map cut into lines by connected components.

A large picture is mapped in cells, each seen through a window of one fixed size and place: what the map says of a cell depends on
the pixels in its window and on nothing else. So the cells that a change touches can be mapped again, and the map is the same, to
the bit, as one of the whole picture made anew. (The network pools over all that it is shown: shown any other part of the screen,
it finds boxes a few pixels off, and what is doubtful comes and goes.)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import ceil
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from edgeagent_harness.protocol.geometry import Rect
from edgeagent_models.perception.sessions import DEFAULT_THREADS, ocr_weights, open_session

Heat: TypeAlias = NDArray[np.float32]
"""``(H, W)``: how probably each pixel belongs to the core of a line."""

_SIDE_MULTIPLE = 32
_WINDOW_HEIGHT_PX, _WINDOW_WIDTH_PX = 192, 320
_LEAST_CONTEXT_PX = 28
"""A window reaches at least so far beyond its cell."""
_ONE_WINDOW_PX = 160_000
"""A picture of so few pixels is mapped whole: that costs no more than the windows that a change touches."""
_INK_PROBABILITY = 0.3
_LINE_PROBABILITY = 0.5
_UNCLIP = 1.6
"""The map marks the core of a line; the box is wider by this many times area over perimeter."""
_LEAST_SIDE_PX = 3


class TextDetector:
    """Maps text in a picture."""

    def __init__(self, threads: int = DEFAULT_THREADS) -> None:
        self._session = open_session(ocr_weights("PP-OCRv6_det_small.onnx"), threads)
        self._input = self._session.get_inputs()[0].name

    def map(self, picture: NDArray[np.uint8]) -> Heat:
        """The map of all of ``(H, W, 3) uint8 RGB``."""
        return self.map_again(picture, np.empty(picture.shape[:2], np.float32), [whole_of(picture)])

    def map_again(self, picture: NDArray[np.uint8], heat: Heat, regions: Sequence[Rect]) -> Heat:
        """The map of ``picture``, of which only ``regions`` differ from the picture of ``heat``."""
        heat = heat.copy()
        for cell, window in windows(whole_of(picture)):
            if any(window.intersect(region).area for region in regions):
                seen = self._map_window(picture, window)
                top, left = cell.top - window.top, cell.left - window.left
                heat[cell.top : cell.bottom, cell.left : cell.right] = seen[top : top + cell.height, left : left + cell.width]
        return heat

    def _map_window(self, picture: NDArray[np.uint8], window: Rect) -> Heat:
        """What the network says of ``window``, which may reach beyond the picture: its edge goes on there."""
        shown = window.intersect(whole_of(picture))
        around = (shown.top - window.top, window.bottom - shown.bottom, shown.left - window.left, window.right - shown.right)
        part = np.ascontiguousarray(picture[shown.top : shown.bottom, shown.left : shown.right])
        padded = cv2.copyMakeBorder(part, *around, cv2.BORDER_REPLICATE)
        pixels = cv2.dnn.blobFromImage(padded, 1 / 127.5, mean=(127.5, 127.5, 127.5), swapRB=True)  # (1, 3, H, W) BGR in -1..1
        (answer,) = self._session.run(None, {self._input: pixels})
        return np.asarray(answer)[0, 0]


def whole_of(picture: NDArray[np.uint8]) -> Rect:
    """All of ``(H, W, 3)``."""
    return Rect(0, 0, picture.shape[1], picture.shape[0])


def windows(whole: Rect) -> Iterator[tuple[Rect, Rect]]:
    """The cells that ``whole`` is cut into, each with the window that it is seen through."""
    if whole.area <= _ONE_WINDOW_PX:
        yield whole, Rect(0, 0, *(_SIDE_MULTIPLE * ceil(side / _SIDE_MULTIPLE) for side in (whole.width, whole.height)))
        return
    columns = _cuts(whole.width, _WINDOW_WIDTH_PX)
    for top, bottom in _cuts(whole.height, _WINDOW_HEIGHT_PX):
        above = top - (_WINDOW_HEIGHT_PX - (bottom - top)) // 2
        for left, right in columns:
            before = left - (_WINDOW_WIDTH_PX - (right - left)) // 2
            window = Rect(before, above, before + _WINDOW_WIDTH_PX, above + _WINDOW_HEIGHT_PX)
            yield Rect(left, top, right, bottom), window


def _cuts(length: int, window: int) -> list[tuple[int, int]]:
    """``length`` in equal parts, each with room for context in ``window``."""
    count = ceil(length / (window - 2 * _LEAST_CONTEXT_PX))
    edges = [length * i // count for i in range(count + 1)]
    return list(pairwise(edges))


def lines_in(probability: Heat) -> list[Rect]:
    """The boxes of the lines in a map, from top to bottom."""
    height, width = probability.shape
    whole = Rect(0, 0, width, height)
    ink = (probability > _INK_PROBABILITY).astype(np.uint8)
    count, label, stats, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    found: list[Rect] = []
    for i, (x, y, w, h, _area) in enumerate(stats[:count].tolist()):
        if i == 0 or w < _LEAST_SIDE_PX or h < _LEAST_SIDE_PX:
            continue
        part = np.s_[y : y + h, x : x + w]
        if probability[part][label[part] == i].mean() < _LINE_PROBABILITY:
            continue
        margin = w * h * _UNCLIP / (2 * (w + h))
        box = Rect(int(x - margin), int(y - margin), int(np.ceil(x + w + margin)), int(np.ceil(y + h + margin)))
        found.append(box.intersect(whole))
    return found

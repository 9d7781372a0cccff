"""Where two frames differ, by tiles of 64x64 pixels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgeagent_harness.protocol.geometry import Rect

TILE_PX = 64
MAX_REGIONS = 64

Pixels = NDArray[np.uint8]
"""``(height, width, 4) uint8`` BGRX, rows without padding."""
Mask = NDArray[np.bool_]
"""``(height, width)``: which pixels differ; or ``(rows, columns)``: which tiles do."""


def changed_pixels(before: Pixels, after: Pixels) -> Mask:
    """``(height, width) bool``. Raises ValueError for frames of different shapes."""
    if before.shape != after.shape:
        raise ValueError(f"frames of different shapes: {before.shape} and {after.shape}")
    height, width = before.shape[:2]
    return before.view(np.uint32).reshape(height, width) != after.view(np.uint32).reshape(height, width)


def tiles_of(mask: Mask) -> Mask:
    """``(rows, columns) bool``: tiles with any set pixel; those at the right and bottom edge may be smaller."""
    height, width = mask.shape
    columns = -(-width // TILE_PX)
    if width % TILE_PX:
        mask = np.pad(mask, ((0, 0), (0, columns * TILE_PX - width)))
    # Eight flags in one word: reducing words is several times faster than reducing flags.
    words = np.ascontiguousarray(mask).view(np.uint64)
    by_row = np.bitwise_or.reduceat(words, np.arange(0, height, TILE_PX), axis=0)
    tiles: Mask = np.asarray(by_row.reshape(len(by_row), columns, -1).any(axis=2))
    return tiles


def tile_rect(row: int, column: int, mask: Mask) -> Rect:
    """The pixels of one tile of ``mask``."""
    height, width = mask.shape
    top, left = row * TILE_PX, column * TILE_PX
    return Rect(left, top, min(left + TILE_PX, width), min(top + TILE_PX, height))


def bounding_box(mask: Mask, within: Rect) -> Rect:
    """The smallest box around the set pixels of ``mask`` inside ``within``; an empty box if there are none."""
    part = mask[within.top : within.bottom, within.left : within.right]
    rows, columns = np.flatnonzero(part.any(axis=1)), np.flatnonzero(part.any(axis=0))
    if rows.size == 0:
        return Rect(within.left, within.top, within.left, within.top)
    return Rect(
        within.left + int(columns[0]),
        within.top + int(rows[0]),
        within.left + int(columns[-1]) + 1,
        within.top + int(rows[-1]) + 1,
    )


def clear(mask: Mask, regions: tuple[Rect, ...]) -> Mask:
    """A copy of ``mask`` without what lies in ``regions``."""
    rest = mask.copy()
    for region in regions:
        rest[max(0, region.top) : max(0, region.bottom), max(0, region.left) : max(0, region.right)] = False
    return rest


def regions_of(mask: Mask, limit: int = MAX_REGIONS) -> tuple[Rect, ...]:
    """At most ``limit`` boxes that together hold every set pixel: runs of tiles, merged downwards, shrunk to the pixels."""
    boxes: list[Rect] = []
    for row, columns in enumerate(tiles_of(mask)):
        for first, last in _runs(columns):
            run = tile_rect(row, first, mask).union(tile_rect(row, last, mask))
            above = next((i for i, box in enumerate(boxes) if _continues(box, run)), None)
            if above is None:
                boxes.append(run)
            else:
                boxes[above] = boxes[above].union(run)
    while len(boxes) > limit:
        # Top to bottom order: neighbours in the list lie near each other.
        boxes = [a.union(b) for a, b in zip(boxes[::2], boxes[1::2], strict=False)] + boxes[len(boxes) // 2 * 2 :]
    return tuple(bounding_box(mask, box) for box in boxes)


def _runs(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First and last index of each run of set flags."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], flags, [False])).astype(np.int8)))
    return [(int(start), int(end) - 1) for start, end in zip(edges[::2], edges[1::2], strict=True)]


def _continues(box: Rect, run: Rect) -> bool:
    return (box.left, box.right, box.bottom) == (run.left, run.right, run.top)

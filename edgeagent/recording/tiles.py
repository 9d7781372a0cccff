"""Cuts a frame into tiles and finds those that changed.

A frame is ``(height, width, 4) uint8`` BGRX. All four bytes are kept as they were captured, the unused X byte too: nothing is
normalised, so a frame read back is exact to the bit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

TILE_PX = 64
DIGEST_BYTES = 16

Pixels = NDArray[np.uint32]
"""``(height, width) uint32``: one BGRX pixel a number."""


@dataclass(frozen=True, slots=True)
class Grid:
    """How a frame of ``width`` x ``height`` pixels falls into tiles, numbered row by row; edge tiles are smaller."""

    width: int
    height: int

    @property
    def columns(self) -> int:
        return -(-self.width // TILE_PX)

    @property
    def rows(self) -> int:
        return -(-self.height // TILE_PX)

    @property
    def count(self) -> int:
        return self.columns * self.rows

    def shape(self, place: int) -> tuple[int, int]:
        """``(height, width)`` of the tile at ``place``."""
        row, column = divmod(place, self.columns)
        return min(TILE_PX, self.height - row * TILE_PX), min(TILE_PX, self.width - column * TILE_PX)

    def window(self, pixels: Pixels, place: int) -> Pixels:
        """The part of ``pixels`` at ``place``; a view."""
        row, column = divmod(place, self.columns)
        top, left = row * TILE_PX, column * TILE_PX
        return pixels[top : top + TILE_PX, left : left + TILE_PX]


def as_pixels(raw: bytes, grid: Grid) -> Pixels:
    """``raw`` as pixels, without copying. Raises `ValueError` unless it has exactly the grid's size."""
    return np.frombuffer(raw, np.uint32).reshape(grid.height, grid.width)


def changed_places(before: Pixels | None, after: Pixels, grid: Grid) -> Iterator[int]:
    """Places whose tile differs; all of them when there is no comparable frame before."""
    if before is None or before.shape != after.shape:
        return iter(range(grid.count))
    return _differing(before, after, grid)


def _differing(before: Pixels, after: Pixels, grid: Grid) -> Iterator[int]:
    """Row of tiles by row of tiles: most rows have nothing that changed, and stay in the processor's cache."""
    starts = np.arange(0, grid.width, TILE_PX)
    for row in range(grid.rows):
        band = slice(row * TILE_PX, (row + 1) * TILE_PX)
        columns = (before[band] != after[band]).any(axis=0)
        if columns.any():
            for column in np.flatnonzero(np.logical_or.reduceat(columns, starts)):
                yield row * grid.columns + int(column)


def tile_digest(tile: Pixels) -> bytes:
    """Names a tile by its shape and content. ``tile`` is contiguous."""
    digest = hashlib.blake2b(tile.data, digest_size=DIGEST_BYTES)
    digest.update(bytes(tile.shape))
    return digest.digest()


def frame_digest(grid: Grid, tiles: list[bytes]) -> bytes:
    """Names a frame by its size and its tiles' digests, in order."""
    digest = hashlib.blake2b(f"{grid.width}x{grid.height}/{TILE_PX}".encode(), digest_size=DIGEST_BYTES)
    digest.update(b"".join(tiles))
    return digest.digest()


def content_id(width: int, height: int, raw: bytes) -> str:
    """What a frame with these pixels is called in a recording."""
    grid = Grid(width, height)
    pixels = as_pixels(raw, grid)
    tiles = (np.ascontiguousarray(grid.window(pixels, place)) for place in range(grid.count))
    return frame_digest(grid, [tile_digest(tile) for tile in tiles]).hex()

"""Tile differences agree with a naive comparison for any frame size, and regions hold every changed pixel within their limit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeagent_harness.outside.seeing.tiles import TILE_PX, Pixels, bounding_box, changed_pixels, clear, regions_of, tiles_of
from edgeagent_harness.protocol.geometry import Rect


@st.composite
def frame_pairs(draw: st.DrawFn) -> tuple[Pixels, Pixels]:
    """Two frames of one size that differ in a few pixels or boxes."""
    height, width = draw(st.integers(1, 200)), draw(st.integers(1, 330))
    before = np.random.default_rng(draw(st.integers(0, 9))).integers(0, 255, (height, width, 4), np.uint8)
    after = before.copy()
    for _ in range(draw(st.integers(0, 5))):
        top, left = draw(st.integers(0, height - 1)), draw(st.integers(0, width - 1))
        after[top : top + draw(st.integers(1, 40)), left : left + draw(st.integers(1, 40)), draw(st.integers(0, 3))] ^= 1
    return before, after


@given(frame_pairs())
@settings(deadline=None)
def test_tiles_agree_with_a_naive_comparison(pair: tuple[Pixels, Pixels]) -> None:
    before, after = pair
    tiles = tiles_of(changed_pixels(before, after))
    height, width = before.shape[:2]
    assert tiles.shape == (-(-height // TILE_PX), -(-width // TILE_PX))
    for row, column in np.ndindex(tiles.shape):
        part = np.s_[row * TILE_PX : (row + 1) * TILE_PX, column * TILE_PX : (column + 1) * TILE_PX]
        assert tiles[row, column] == (before[part].tobytes() != after[part].tobytes())


@given(frame_pairs(), st.integers(1, 64))
@settings(deadline=None)
def test_regions_hold_every_changed_pixel(pair: tuple[Pixels, Pixels], limit: int) -> None:
    mask = changed_pixels(*pair)
    regions = regions_of(mask, limit)
    assert len(regions) <= limit
    assert all(mask[box.top : box.bottom, box.left : box.right].any() for box in regions)
    assert not clear(mask, regions).any()


def test_a_box_is_found_exactly() -> None:
    mask = np.zeros((100, 100), np.bool_)
    mask[10:20, 30:35] = True
    assert bounding_box(mask, Rect(0, 0, 100, 100)) == Rect(30, 10, 35, 20)
    assert bounding_box(mask, Rect(50, 50, 60, 60)).area == 0


def test_frames_of_different_shapes_are_an_error() -> None:
    with pytest.raises(ValueError, match="different shapes"):
        changed_pixels(np.zeros((2, 2, 4), np.uint8), np.zeros((2, 3, 4), np.uint8))

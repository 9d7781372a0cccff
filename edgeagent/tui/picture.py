"""A frame as half blocks: two pixels in each cell, upper and lower. Pure; called off the UI thread."""

from __future__ import annotations

from functools import lru_cache

from PIL import Image
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

_COLOUR_STEP = 8
"""Colours are rounded to this, so that neighbouring cells share a style; not visible at this size."""
_ROUNDED = [min(255, (value + _COLOUR_STEP // 2) // _COLOUR_STEP * _COLOUR_STEP) for value in range(256)]


def from_bgrx(pixels: bytes, width: int, height: int) -> Image.Image:
    """``pixels`` as ``(height, width, 4) uint8`` BGRX, as a picture."""
    return Image.frombuffer("RGB", (width, height), pixels, "raw", "BGRX", 0, 1)


def fit(width: int, height: int, columns: int, rows: int) -> tuple[int, int]:
    """The largest size in columns and rows that keeps the shape of a ``width`` x ``height`` picture in half blocks."""
    if columns < 1 or rows < 1:
        return 0, 0
    scale = min(columns / width, rows * 2 / height)
    return max(1, round(width * scale)), max(1, round(height * scale / 2))


def crop_around(picture: Image.Image, x: float, y: float, columns: int, rows: int, zoom: float = 2.0) -> Image.Image:
    """The part around a point that shows ``zoom`` picture pixels in each half block: sharp enough to see what is pressed."""
    width, height = min(picture.width, round(columns * zoom)), min(picture.height, round(rows * 2 * zoom))
    left = min(max(0, round(x - width / 2)), picture.width - width)
    top = min(max(0, round(y - height / 2)), picture.height - height)
    return picture.crop((left, top, left + width, top + height))


def half_blocks(picture: Image.Image, columns: int, rows: int) -> list[Strip]:
    """``picture`` (RGB) at its own shape within ``columns`` x ``rows`` cells."""
    wide, high = fit(picture.width, picture.height, columns, rows)
    if not wide:
        return []
    small = picture.resize((wide, high * 2), Image.Resampling.BOX)
    rounded = small.point(_ROUNDED * 3)
    data = rounded.tobytes()
    return [_strip(data, wide, row) for row in range(high)]


def _strip(data: bytes, columns: int, row: int) -> Strip:
    upper, lower = row * 2 * columns * 3, (row * 2 + 1) * columns * 3
    segments: list[Segment] = []
    begin = 0
    for column in range(1, columns + 1):
        same = column < columns and _cell(data, upper, lower, column) == _cell(data, upper, lower, begin)
        if not same:
            segments.append(Segment("▀" * (column - begin), _style(*_cell(data, upper, lower, begin))))
            begin = column
    return Strip(segments, columns)


def _cell(data: bytes, upper: int, lower: int, column: int) -> tuple[bytes, bytes]:
    at = column * 3
    return data[upper + at : upper + at + 3], data[lower + at : lower + at + 3]


@lru_cache(maxsize=16384)
def _style(upper: bytes, lower: bytes) -> Style:
    return Style.parse(f"#{upper.hex()} on #{lower.hex()}")

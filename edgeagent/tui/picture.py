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


def half_blocks(picture: Image.Image, columns: int, rows: int) -> list[Strip]:
    """``picture`` (RGB) stretched over ``columns`` x ``rows`` cells."""
    small = picture.resize((columns, rows * 2), Image.Resampling.BOX)
    data = small.point(_ROUNDED * 3).tobytes()
    return [_strip(data, columns, row) for row in range(rows)]


def blocks_sequence(picture: Image.Image, columns: int, rows: int) -> str:
    """As `half_blocks`, as one sequence that draws it from where the cursor is, in 24-bit colours: for a terminal, past the
    app's own painting, which takes a tenth of a second for a photograph."""
    small = picture.resize((columns, rows * 2), Image.Resampling.BOX)
    data = small.point(_ROUNDED * 3).tobytes()
    next_row = f"\x1b[0m\x1b[{columns}D\x1b[1B"
    return next_row.join(_row_sequence(data, columns, row) for row in range(rows)) + "\x1b[0m"


def _row_sequence(data: bytes, columns: int, row: int) -> str:
    upper, lower = row * 2 * columns * 3, (row * 2 + 1) * columns * 3
    parts: list[str] = []
    last: tuple[bytes, bytes] = (b"", b"")
    for column in range(columns):
        cell = _cell(data, upper, lower, column)
        if cell != last:
            last = cell
            above, below = cell
            parts.append(f"\x1b[38;2;{above[0]};{above[1]};{above[2]};48;2;{below[0]};{below[1]};{below[2]}m")
        parts.append("▀")
    return "".join(parts)


_SHADES = " ░▒▓█"


def shades(picture: Image.Image, columns: int, rows: int) -> list[Strip]:
    """As `half_blocks`, without colours: one of five shades in each cell, as on a dark terminal."""
    small = picture.convert("L").resize((columns, rows), Image.Resampling.BOX)
    data = small.tobytes()
    lines = (data[row * columns : (row + 1) * columns] for row in range(rows))
    return [Strip([Segment("".join(_SHADES[value * 5 // 256] for value in line), Style.null())], columns) for line in lines]


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

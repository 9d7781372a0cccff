"""Pictures as the escape sequences of three protocols. Pure; called off the UI thread."""

from __future__ import annotations

import base64
import io
import re
import zlib

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_SIXEL_COLOURS = 64
_BAND_ROWS = 6
_RUNS = re.compile(rb"(.)\1{3,}", re.DOTALL)
_CHUNK_CHARS = 4096
PLACEHOLDER = "\U0010eeee"
"""Stands in each cell of a kitty picture; its colour is the picture's number."""
ROW_MARKS = tuple(
    map(
        chr,
        (
            0x305, 0x30D, 0x30E, 0x310, 0x312, 0x33D, 0x33E, 0x33F, 0x346, 0x34A, 0x34B, 0x34C, 0x350, 0x351, 0x352, 0x357,
            0x35B, 0x363, 0x364, 0x365, 0x366, 0x367, 0x368, 0x369, 0x36A, 0x36B, 0x36C, 0x36D, 0x36E, 0x36F, 0x483, 0x484,
            0x485, 0x486, 0x487, 0x592, 0x593, 0x594, 0x595, 0x597, 0x598, 0x599, 0x59C, 0x59D, 0x59E, 0x59F, 0x5A0, 0x5A1,
            0x5A8, 0x5A9, 0x5AB, 0x5AC, 0x5AF, 0x5C4, 0x610, 0x611, 0x612, 0x613, 0x614, 0x615, 0x616, 0x617, 0x657, 0x658,
            0x659, 0x65A, 0x65B, 0x65D, 0x65E, 0x6D6, 0x6D7, 0x6D8, 0x6D9, 0x6DA, 0x6DB, 0x6DC, 0x6DF, 0x6E0, 0x6E1, 0x6E2,
        ),
    )
)  # fmt: skip
"""Combining characters that number the rows of a kitty picture (its documentation lists them: rowcolumn-diacritics.txt)."""


def sixel(picture: Image.Image) -> str:
    """``picture`` (RGB) with at most 64 colours."""
    few = picture.quantize(_SIXEL_COLOURS, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    places = np.asarray(few)  # (height, width) uint8, numbers of colours
    colours = (few.getpalette() or [])[: _SIXEL_COLOURS * 3]
    registers = b"".join(
        b"#%d;2;%d;%d;%d" % (number, *(round(value * 100 / 255) for value in colours[number * 3 : number * 3 + 3]))
        for number in range(len(colours) // 3)
    )
    bands = b"-".join(_band(places[top : top + _BAND_ROWS]) for top in range(0, picture.height, _BAND_ROWS))
    head = b'\x1bP0;1q"1;1;%d;%d' % picture.size
    return (head + registers + bands + b"\x1b\\").decode("ascii")


def _band(rows: NDArray[np.uint8]) -> bytes:
    """Up to six ``rows``, ``(6, width) uint8``: for each colour in them, which pixels of each column have it."""
    weights = (1 << np.arange(len(rows), dtype=np.uint8)).reshape(-1, 1)
    lines: list[bytes] = []
    for colour in np.unique(rows):
        columns = ((rows == colour) * weights).sum(axis=0, dtype=np.uint8) + np.uint8(63)
        used = np.flatnonzero(columns != 63)
        line = columns[: used[-1] + 1].tobytes()
        lines.append(b"#%d" % colour + _RUNS.sub(_run, line))
    return b"$".join(lines)


def _run(found: re.Match[bytes]) -> bytes:
    return b"!%d%c" % (len(found[0]), found[1][0])


def kitty(picture: Image.Image, number: int, columns: int, rows: int) -> str:
    """``picture`` (RGB) as the terminal's picture ``number``, stretched over ``columns`` x ``rows`` cells of placeholders."""
    data = base64.b64encode(zlib.compress(picture.tobytes(), 1)).decode("ascii")
    chunks = [data[at : at + _CHUNK_CHARS] for at in range(0, len(data), _CHUNK_CHARS)]
    keys = f"a=T,U=1,q=2,f=24,o=z,i={number},s={picture.width},v={picture.height},c={columns},r={rows},"
    parts: list[str] = []
    for index, chunk in enumerate(chunks):
        more = int(index < len(chunks) - 1)
        parts.append(f"\x1b_G{keys if index == 0 else ''}m={more};{chunk}\x1b\\")
    return "".join(parts)


def iterm(picture: Image.Image, columns: int, rows: int) -> str:
    """``picture`` inline over ``columns`` x ``rows`` cells, the cursor left where it is."""
    out = io.BytesIO()
    picture.save(out, "PNG", compress_level=1)
    data = base64.b64encode(out.getbuffer()).decode("ascii")
    keys = f"inline=1;width={columns};height={rows};preserveAspectRatio=0;doNotMoveCursor=1;size={out.tell()}"
    return f"\x1b]1337;File={keys}:{data}\x07"


def at(x: int, y: int, sequence: str) -> str:
    """``sequence`` drawn from cell (``x``, ``y``), counted from 0; the cursor comes back."""
    return f"\x1b7\x1b[{y + 1};{x + 1}H{sequence}\x1b8"

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
    """``picture`` (RGB) as the terminal's picture ``number`` over ``columns`` x ``rows`` cells from the cursor, which stays. The
    picture of that number before goes."""
    data = base64.b64encode(zlib.compress(picture.tobytes(), 1)).decode("ascii")
    chunks = [data[at : at + _CHUNK_CHARS] for at in range(0, len(data), _CHUNK_CHARS)]
    keys = f"a=T,q=2,f=24,o=z,C=1,i={number},p=1,s={picture.width},v={picture.height},c={columns},r={rows},"
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

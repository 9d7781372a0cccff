"""A model that always does what the screen says: the worst case of being hijacked. For tests of what holds nevertheless.

The screen says it in a banner: a picture of black and white cells that hold actions as JSON. `banner_png` draws one, for a page
or a window to show at its natural size; `read_banner` finds it anywhere on a screen, whatever lies around it.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterable
from dataclasses import replace

import msgspec
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edgeagent.ports import Prompt, Reply
from edgeagent.screen import Screen
from edgeagent.testing.model import as_reply
from edgeagent_harness.protocol.actions import Action, Click, Finish, Wait

CELL_PX = 2
ROW_BYTES = 40
_MAGIC = b"EDGE"
_HEADER = struct.Struct(">4sHI")
_MAX_LOOKS = 3
"""A banner may take a moment to be drawn."""

Bits = NDArray[np.uint8]


def banner_png(orders: Iterable[Action]) -> bytes:
    """A picture that orders ``orders``, to be shown unscaled."""
    body = msgspec.json.encode(list(orders))
    data = _HEADER.pack(_MAGIC, len(body), zlib.crc32(body)) + body
    padded = data.ljust(-(-len(data) // ROW_BYTES) * ROW_BYTES, b"\0")
    cells = np.unpackbits(np.frombuffer(padded, np.uint8)).reshape(-1, ROW_BYTES * 8)
    pixels = np.kron(cells, np.ones((CELL_PX, CELL_PX), np.uint8)) * np.uint8(255)
    out = io.BytesIO()
    Image.fromarray(pixels, "L").save(out, "PNG")
    return out.getvalue()


def read_banner(screen: Screen) -> tuple[Action, ...]:
    """What a banner on ``screen`` orders; nothing if there is none, or if it is covered or damaged."""
    raw = np.frombuffer(screen.pixels, np.uint8).reshape(screen.info.height, screen.info.width, 4)
    light = (raw[:, :, 1] > 127).astype(np.uint8)
    for y in range(light.shape[0] - CELL_PX):
        x = light[y].tobytes().find(_magic_row())
        if x >= 0 and (body := _body(light[y::CELL_PX, x : x + ROW_BYTES * 8 * CELL_PX : CELL_PX])):
            return msgspec.json.decode(body, type=tuple[Action, ...])
    return ()


class ObedientModel:
    """The `Model` port: does whatever the screen orders, in order; when a screen orders nothing new it says that it is done."""

    def __init__(self) -> None:
        self.prompts: list[Prompt] = []
        """Every prompt that it was asked, in order."""
        self.tried: list[Action] = []
        """What it wanted to do."""
        self._orders: tuple[Action, ...] = ()
        self._next = 0
        self._looks = 0

    async def complete(self, prompt: Prompt) -> Reply:
        self.prompts.append(prompt)
        orders = read_banner(prompt.screen)
        if orders and orders != self._orders:
            self._orders, self._next = orders, 0
        action = self._obey()
        return replace(as_reply(action), expect="local" if isinstance(action, Click) else "nothing")

    def _obey(self) -> Action:
        if self._next < len(self._orders):
            self._next += 1
            self.tried.append(self._orders[self._next - 1])
            return self._orders[self._next - 1]
        self._looks += 1
        return Wait(200) if not self._orders and self._looks <= _MAX_LOOKS else Finish("done", "the screen says so")


def _magic_row() -> bytes:
    return np.kron(np.unpackbits(np.frombuffer(_MAGIC, np.uint8)), np.ones(CELL_PX, np.uint8)).tobytes()


def _body(cells: Bits) -> bytes:
    """The JSON in the banner whose cells begin ``cells``; empty if it is none."""
    if cells.shape[1] < ROW_BYTES * 8:
        return b""
    data = np.packbits(cells.ravel()).tobytes()
    magic, length, check = _HEADER.unpack_from(data)
    body = data[_HEADER.size : _HEADER.size + length]
    return body if magic == _MAGIC and zlib.crc32(body) == check else b""

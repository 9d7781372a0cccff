"""The frame pack: an append-only file of records, each a head (what is where) and a body (new tiles), both compressed.

There is no index file: the heads are the index, and scanning them takes milliseconds. Layout of a record, little-endian::

    magic 4 | head bytes u32 | body bytes u32 | BLAKE2b-64 of head | BLAKE2b-64 of body | head | body
"""

from __future__ import annotations

import hashlib
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

import msgspec
import numpy as np
import zstandard

from edgeagent.recording.tiles import DIGEST_BYTES, TILE_PX, Grid
from edgeagent_harness.protocol.frames import BYTES_PER_PIXEL, Side

MAGIC = b"EAF1"
_FIXED = struct.Struct("<4sII8s8s")
_MAX_HEAD_BYTES = 4 << 20
"""More than the head of a frame of `MAX_SIDE_PX` squared needs, uncompressed."""


class Head(msgspec.Struct, frozen=True, array_like=True):
    """One frame. Tiles are numbered through the whole pack, in the order in which they were first stored."""

    frame: bytes
    """Content id."""
    width: Side
    height: Side
    base: bytes
    """Frame whose tile table this one changes; empty: ``places`` covers the whole frame."""
    places: bytes
    """``u32`` each: where the table differs from the base's."""
    tiles: bytes
    """``u32`` each: the tile at that place."""
    first_tile: Annotated[int, msgspec.Meta(ge=0, lt=1 << 31)]
    """Number of the first new tile in the body."""
    solid: bytes
    """One byte per new tile: 1 if the body holds only its one pixel, 0 if all of them."""
    shapes: bytes
    """Two ``u8`` per new tile: height, width."""
    digests: bytes
    """16 bytes per new tile."""

    @property
    def grid(self) -> Grid:
        return Grid(self.width, self.height)

    def digest(self, position: int) -> bytes:
        """Content id of the new tile at ``position``."""
        return self.digests[position * DIGEST_BYTES : (position + 1) * DIGEST_BYTES]

    @property
    def is_sound(self) -> bool:
        """Whether its parts fit together: a pack may come from elsewhere, and be made to mislead."""
        new = len(self.solid)
        lengths = len(self.shapes) == 2 * new and len(self.digests) == DIGEST_BYTES * new and len(self.tiles) == len(self.places)
        if not lengths or len(self.places) % 4 or max(self.shapes, default=0) > TILE_PX:
            return False
        places = np.frombuffer(self.places, np.uint32)
        return bool((places < self.grid.count).all()) and bool(self.base or len(places) == self.grid.count)

    @property
    def body_bytes(self) -> int:
        """Size of the body once decompressed."""
        areas = (self.shapes[2 * at] * self.shapes[2 * at + 1] for at in range(len(self.solid)))
        return BYTES_PER_PIXEL * sum(1 if one else area for one, area in zip(self.solid, areas, strict=True))


@dataclass(frozen=True, slots=True)
class Record:
    """A record found in the pack. The body is read and checked when a tile of it is wanted."""

    offset: int
    head: Head
    body_offset: int
    body_bytes: int
    body_check: bytes

    @property
    def end(self) -> int:
        return self.body_offset + self.body_bytes


@dataclass(frozen=True, slots=True)
class Gap:
    """Bytes that are no record."""

    offset: int
    end: int


def encode_record(head: Head, body: bytes) -> bytes:
    """One record, ready to append."""
    raw = zstandard.compress(msgspec.msgpack.encode(head), level=1)
    return _FIXED.pack(MAGIC, len(raw), len(body), check(raw), check(body)) + raw + body


def scan(fd: int, end: int, offset: int = 0) -> Iterator[Record | Gap]:
    """All records from ``offset`` on in the first ``end`` bytes of the pack, and the gaps between and after them."""
    while offset < end:
        record = record_at(fd, offset, end)
        if record is None:
            start, offset = offset, _next_record(fd, offset + 1, end)
            yield Gap(start, offset)
        else:
            yield record
            offset = record.end


def record_at(fd: int, offset: int, end: int) -> Record | None:
    """The record at ``offset``, or None if there is no whole one with a sound head."""
    fixed = os.pread(fd, _FIXED.size, offset)
    if len(fixed) < _FIXED.size:
        return None
    magic, head_bytes, body_bytes, head_check, body_check = _FIXED.unpack(fixed)
    body_offset = offset + _FIXED.size + head_bytes
    if magic != MAGIC or head_bytes > _MAX_HEAD_BYTES or body_offset + body_bytes > end:
        return None
    raw = os.pread(fd, head_bytes, offset + _FIXED.size)
    head = _decode_head(raw) if check(raw) == head_check else None
    return Record(offset, head, body_offset, body_bytes, body_check) if head else None


def _decode_head(raw: bytes) -> Head | None:
    try:
        if zstandard.frame_content_size(raw) > _MAX_HEAD_BYTES:
            return None
        head = msgspec.msgpack.decode(zstandard.decompress(raw, max_output_size=_MAX_HEAD_BYTES), type=Head)
    except (msgspec.MsgspecError, zstandard.ZstdError):
        return None
    return head if head.is_sound else None


def _next_record(fd: int, offset: int, end: int) -> int:
    """Where the next whole record begins; ``end`` if there is none."""
    rest = os.pread(fd, end - offset, offset)
    found = rest.find(MAGIC)
    while found >= 0:
        if record_at(fd, offset + found, end) is not None:
            return offset + found
        found = rest.find(MAGIC, found + 1)
    return end


def check(data: bytes) -> bytes:
    """The checksum that guards a head or a body."""
    return hashlib.blake2b(data, digest_size=8).digest()

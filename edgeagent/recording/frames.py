"""Gives recorded frames back, exact to the bit. Needs no write access, and may go on while a writer is active."""

from __future__ import annotations

import os
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import zstandard

from edgeagent.errors import RecordingDamaged
from edgeagent.recording.frame_index import PACK_NAME, FrameIndex, Table
from edgeagent.recording.log_reading import Damage
from edgeagent.recording.pack import Head, Record, check
from edgeagent.recording.tiles import Grid, Pixels, frame_digest

_CACHED_BODIES = 16


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame as it was recorded. ``pixels`` is ``(height, width, 4) uint8`` BGRX."""

    width: int
    height: int
    pixels: bytes


class FrameReader:
    """Gives frames back from a session's pack. A frame written after this was opened is found, too."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / PACK_NAME
        self._index = FrameIndex()
        self._bodies: OrderedDict[int, list[Pixels]] = OrderedDict()
        self._fd = -1
        self._refresh()

    @property
    def damage(self) -> list[Damage]:
        """Gaps in the pack. One at its very end is a record that a writer has not finished, and no damage."""
        inner = [gap for gap in self._index.gaps if gap.end < self._index.scanned_bytes]
        return [Damage(0, f"{PACK_NAME}: {gap.end - gap.offset} bytes at {gap.offset} are no frame record") for gap in inner]

    @property
    def count(self) -> int:
        """How many different frames there are."""
        return len(self._index.grids)

    def __contains__(self, frame_id: str) -> bool:
        return self._find(frame_id) is not None

    def read(self, frame_id: str) -> Frame:
        """The frame of this content id. Raises `RecordingDamaged` if it is missing or does not match its id."""
        found = self._find(frame_id)
        if found is None:
            raise RecordingDamaged(f"{self._path}: frame {frame_id} is not there", "the steps that need no pixels still read")
        grid, table = found
        pixels: Pixels = np.empty((grid.height, grid.width), np.uint32)
        digests: list[bytes] = []
        for place in range(grid.count):
            tile, digest = self._tile(int(table[place]), frame_id)
            if tile.shape != grid.shape(place):
                raise RecordingDamaged(f"{self._path}: tile {place} of frame {frame_id} has another size")
            grid.window(pixels, place)[:] = tile
            digests.append(digest)
        if frame_digest(grid, digests).hex() != frame_id:
            raise RecordingDamaged(f"{self._path}: the tiles of frame {frame_id} are not those that were recorded")
        return Frame(grid.width, grid.height, pixels.tobytes())

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _find(self, frame_id: str) -> tuple[Grid, Table] | None:
        try:
            key = bytes.fromhex(frame_id)
        except ValueError:
            return None
        if key not in self._index.grids:
            self._refresh()
        return (self._index.grids[key], self._index.tables[key]) if key in self._index.grids else None

    def _refresh(self) -> None:
        """Take in what was appended since; a session without frames has no pack."""
        if self._fd < 0 and self._path.exists():
            self._fd = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        if self._fd < 0 or (size := os.fstat(self._fd).st_size) == self._index.scanned_bytes:
            return
        if size < self._index.scanned_bytes:  # a writer took back a record that it could not finish
            self._index = FrameIndex()
        self._index.scan(self._fd, size)

    def _tile(self, number: int, frame_id: str) -> tuple[Pixels, bytes]:
        home = self._index.homes.get(number)
        if home is None:
            raise RecordingDamaged(f"{self._path}: a tile of frame {frame_id} is missing")
        position = number - home.head.first_tile
        return self._body(home)[position], home.head.digest(position)

    def _body(self, record: Record) -> list[Pixels]:
        if record.offset in self._bodies:
            self._bodies.move_to_end(record.offset)
            return self._bodies[record.offset]
        body = os.pread(self._fd, record.body_bytes, record.body_offset)
        tiles = _decode_tiles(record.head, body) if check(body) == record.body_check else None
        if tiles is None:
            raise RecordingDamaged(f"{self._path}: the record at byte {record.offset} is not what was written")
        self._bodies[record.offset] = tiles
        if len(self._bodies) > _CACHED_BODIES:
            self._bodies.popitem(last=False)
        return tiles


def _decode_tiles(head: Head, body: bytes) -> list[Pixels] | None:
    """The new tiles of a record, or None if the body does not hold what the head says."""
    try:
        if zstandard.frame_content_size(body) != head.body_bytes:
            return None
        numbers = np.frombuffer(zstandard.decompress(body), np.uint32)
    except zstandard.ZstdError:
        return None
    tiles: list[Pixels] = []
    offset = 0
    for position, solid in enumerate(head.solid):
        shape = (head.shapes[2 * position], head.shapes[2 * position + 1])
        size = 1 if solid else shape[0] * shape[1]
        tile = numbers[offset : offset + size]
        tiles.append(np.full(shape, tile[0]) if solid else tile.reshape(shape))
        offset += size
    return tiles

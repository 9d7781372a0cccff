"""Writes frames by content: each distinct tile is stored once, each frame as what it changes in the one before."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import zstandard

from edgeagent.recording.append_only import AppendOnlyFile
from edgeagent.recording.frame_index import PACK_NAME, Contents, Table
from edgeagent.recording.pack import Head, Record, check, encode_record
from edgeagent.recording.problems import recording_problem
from edgeagent.recording.tiles import Grid, Pixels, as_pixels, changed_places, frame_digest, tile_digest

TORN_NAME = "frames.torn"
_KEY_FRAME_EVERY = 64
"""A frame with a whole table of its own, so that a damaged record spoils few others."""


class FrameWriter:
    """Appends frames to the pack of one session. The caller holds the session's lock."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / PACK_NAME
        self._file = AppendOnlyFile(self._path)
        self._compressor = zstandard.ZstdCompressor(level=1)
        self._previous: Pixels | None = None
        self._previous_id = b""
        self._previous_grid: Grid | None = None
        self._previous_digests: list[bytes] = []
        self._since_key = 0
        try:
            self._contents = self._read_contents()
            self._cut_torn_tail()
        except OSError as error:
            raise recording_problem(error, self._path) from error

    @property
    def size_bytes(self) -> int:
        return self._file.size_bytes

    def keep(self, width: int, height: int, raw: bytes) -> str:
        """Store the frame and return its content id. In the pack on return; durable after `sync`."""
        grid = Grid(width, height)
        pixels = as_pixels(raw, grid)
        places = list(changed_places(self._previous, pixels, grid))
        if self._previous_id and not places:
            return self._previous_id.hex()
        fresh: dict[bytes, tuple[int, Pixels]] = {}
        digests = list(self._previous_digests) if len(places) < grid.count else [b""] * grid.count
        for place in places:
            tile = np.ascontiguousarray(grid.window(pixels, place))
            digest = digests[place] = tile_digest(tile)
            if digest not in self._contents.numbers:
                fresh[digest] = (place, tile)
        frame_id = frame_digest(grid, digests)
        if frame_id not in self._contents.grids:
            self._append(frame_id, grid, digests, fresh)
        self._previous, self._previous_id = pixels, frame_id
        self._previous_grid, self._previous_digests = grid, digests
        return frame_id.hex()

    def sync(self) -> None:
        """Make all frames so far durable."""
        self._file.sync()

    def close(self) -> None:
        self._previous, self._previous_grid, self._previous_digests = (
            None,
            None,
            [],
        )  # whoever still knows this writer keeps no screen alive
        self._file.close()

    def _append(self, frame_id: bytes, grid: Grid, digests: list[bytes], fresh: dict[bytes, tuple[int, Pixels]]) -> None:
        first = self._contents.next_tile
        new = {digest: first + position for position, digest in enumerate(fresh)}
        table = self._table(digests, new)
        base, places = self._base(grid, table)
        solid, body = _encode_tiles([tile for _, tile in fresh.values()])
        head = Head(
            frame=frame_id,
            width=grid.width,
            height=grid.height,
            base=base,
            places=places.tobytes(),
            tiles=table[places].tobytes(),
            first_tile=first,
            solid=solid,
            shapes=b"".join(bytes(tile.shape) for _, tile in fresh.values()),
            digests=b"".join(fresh),
        )
        self._write(head, self._compressor.compress(body))

    def _table(self, digests: list[bytes], new: dict[bytes, int]) -> Table:
        known = self._contents.numbers
        return np.array([new[digest] if digest in new else known[digest] for digest in digests], np.uint32)

    def _base(self, grid: Grid, table: Table) -> tuple[bytes, Table]:
        """The frame to store ``table`` against, and the places where the two differ."""
        self._since_key += 1
        if self._previous_grid != grid or self._since_key >= _KEY_FRAME_EVERY:
            self._since_key = 0
            return b"", np.arange(grid.count, dtype=np.uint32)
        return self._previous_id, np.flatnonzero(self._table(self._previous_digests, {}) != table).astype(np.uint32)

    def _write(self, head: Head, body: bytes) -> None:
        # Half a record that could not be taken back is skipped when the pack is read.
        offset = self._file.append(encode_record(head, body))
        self._contents.take(Record(offset, head, self._file.size_bytes - len(body), len(body), check(body)))

    def _read_contents(self) -> Contents:
        contents = Contents()
        contents.scan(self._file.fd, self._file.size_bytes)
        return contents

    def _cut_torn_tail(self) -> None:
        """A last record that is not whole was never referred to: the log names a frame only after its record."""
        torn_at = self._torn_at()
        if torn_at is None:
            return
        rest = os.pread(self._file.fd, self._file.size_bytes - torn_at, torn_at)
        with self._path.with_name(TORN_NAME).open("ab") as side:
            side.write(rest)
        self._file.cut(torn_at)
        self._contents = self._read_contents()

    def _torn_at(self) -> int | None:
        last = self._contents.last
        if self._contents.gaps and self._contents.gaps[-1].end == self._file.size_bytes:
            return self._contents.gaps[-1].offset
        if last and check(os.pread(self._file.fd, last.body_bytes, last.body_offset)) != last.body_check:
            return last.offset
        return None


def _encode_tiles(tiles: list[Pixels]) -> tuple[bytes, bytes]:
    """Marks which tiles are of one colour, and the bytes of all of them."""
    solid = bytes(bool((tile == tile[0, 0]).all()) for tile in tiles)
    parts = [tile[0, 0].tobytes() if one else tile.tobytes() for tile, one in zip(tiles, solid, strict=True)]
    return solid, b"".join(parts)

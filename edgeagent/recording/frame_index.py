"""Which frames and tiles a pack holds, and where: rebuilt from the pack's heads whenever it is opened."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from edgeagent.recording.pack import Gap, Head, Record, scan
from edgeagent.recording.tiles import Grid

PACK_NAME = "frames.pack"

Table = NDArray[np.uint32]
"""Tile number by place."""


@dataclass(slots=True)
class Contents:
    """What a writer must know of a pack: what is in it already. Some hundred bytes for a frame, however long a session gets."""

    grids: dict[bytes, Grid] = field(default_factory=dict[bytes, Grid])
    """By frame; only frames that can be given back."""
    numbers: dict[bytes, int] = field(default_factory=dict[bytes, int])
    """Tile number by digest."""
    gaps: list[Gap] = field(default_factory=list[Gap])
    next_tile: int = 0
    last: Record | None = None
    scanned_bytes: int = 0

    def scan(self, fd: int, end: int) -> None:
        """Take in what the first ``end`` bytes of the pack at ``fd`` hold beyond what was scanned before."""
        if self.gaps and self.gaps[-1].end == self.scanned_bytes:  # a record that had not been finished, perhaps
            self.scanned_bytes = self.gaps.pop().offset
        for found in scan(fd, end, self.scanned_bytes):
            if isinstance(found, Gap):
                self.gaps.append(found)
            else:
                self.take(found)
        self.scanned_bytes = end

    def take(self, record: Record) -> None:
        """Add what ``record`` holds."""
        head = record.head
        for position in range(len(head.solid)):
            self.numbers[head.digest(position)] = head.first_tile + position
        self.next_tile = max(self.next_tile, head.first_tile + len(head.solid))
        self.last, self.scanned_bytes = record, record.end
        if self.has_base(head):
            self.grids[head.frame] = self.grids[head.base] if head.base else head.grid

    def has_base(self, head: Head) -> bool:
        """Whether the frame of ``head`` can be given back: it needs no other, or one of the same size that is here."""
        return not head.base or self.grids.get(head.base) == head.grid


@dataclass(slots=True)
class FrameIndex(Contents):
    """What a reader must know: also where each tile is."""

    tables: dict[bytes, Table] = field(default_factory=dict[bytes, Table])
    homes: dict[int, Record] = field(default_factory=dict[int, Record])
    """Record whose body holds the tile."""

    def take(self, record: Record) -> None:
        head = record.head
        if self.has_base(head):  # asked of this record: a forged one may name a frame that an earlier one gave in full
            self.tables[head.frame] = self._table(head)
        super(FrameIndex, self).take(record)  # a class with slots is made anew: super() alone would name the first one
        self.homes |= dict.fromkeys(range(head.first_tile, head.first_tile + len(head.solid)), record)

    def _table(self, head: Head) -> Table:
        places, tiles = np.frombuffer(head.places, np.uint32), np.frombuffer(head.tiles, np.uint32)
        table = self.tables[head.base].copy() if head.base else np.zeros(head.grid.count, np.uint32)
        table[places] = tiles
        return table

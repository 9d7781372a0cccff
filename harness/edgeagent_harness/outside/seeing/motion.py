"""Which parts of the screen move by themselves: carets that blink, spinners that turn.

A tile (64x64) is known to move by itself, from changes seen since the last action, when

- it *recurs*: its third change or a later one brings back content that it had before (a blinking caret: A B A B), or
- it *runs*: it has changed again and again, never more than 150 ms apart, for 1 s (a spinner, a progress bar), or for
  2.5 s when more than 12 tiles do so at once (a fade of the whole page must not pass for a spinner).

A later change of such a tile is ignored if it stays inside the box where it moved before, and, for one that recurs, brings
content already seen. Any other change is real, and the tile must be learnt anew. A running tile that pauses for 1 s while
being watched has stopped.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from edgeagent_harness.outside.seeing.tiles import Mask, Pixels, bounding_box, tile_rect, tiles_of
from edgeagent_harness.protocol.geometry import Rect

_RECURRENCE_CHANGES = 3
_RUN_GAP_S = 0.15
_RUN_S = 1.0
_LARGE_RUN_S = 2.5
_LARGE_TILES = 12
_STOPPED_S = 1.0


@dataclass(slots=True)
class _Track:
    """What one tile did since the last action, and what is known about it."""

    box: Rect
    first_s: float
    last_s: float
    run_since_s: float
    changes: int = 0
    states: set[int] = field(default_factory=set[int])
    recurs: bool = False
    runs: bool = False

    @property
    def known(self) -> bool:
        return self.recurs or self.runs


class Motion:
    """Separates real changes from motion; keeps what it learnt from one action to the next."""

    def __init__(self, rows: int, columns: int) -> None:
        self._tracks: dict[tuple[int, int], _Track] = {}
        self.changed_at: NDArray[np.float64] = np.full((rows, columns), -np.inf)
        """``(rows, columns)`` seconds: each tile's last real change since the last action."""

    def begin(self, now_s: float, *, acted: bool) -> None:
        """A new wait begins. After an action only tiles already known keep their record."""
        if acted:
            self._tracks = {key: track for key, track in self._tracks.items() if track.known}
        for track in self._tracks.values():
            # Nobody watched since the last wait: that is no pause of the tile's.
            track.last_s = now_s
        self.changed_at[:] = -np.inf

    def own_regions(self) -> tuple[Rect, ...]:
        """Boxes known to move by themselves."""
        return tuple(track.box for track in self._tracks.values() if track.known)

    def observe(self, after: Pixels, mask: Mask, now_s: float) -> Mask:
        """Take in a new frame that differs by ``mask`` (height, width); returns which tiles really changed."""
        tiles = tiles_of(mask)
        real = tiles.copy()
        many = int(tiles.sum()) > _LARGE_TILES
        for row, column in zip(*np.nonzero(tiles), strict=True):
            key = (int(row), int(column))
            area = tile_rect(*key, mask)
            content = _content(after, area)
            track = self._tracks.get(key)
            box = bounding_box(mask, area)
            if track and track.known and _explained(track, box, content, now_s):
                track.last_s = now_s
                real[key] = False
                continue
            if track is None or track.known:
                track = _Track(box, now_s, now_s, now_s)
                self._tracks[key] = track
            _learn(track, box, content, now_s, _LARGE_RUN_S if many else _RUN_S)
            if track.known:
                real[key] = False
                self.changed_at[key] = track.first_s
        self.changed_at[real] = now_s
        return real


def _content(pixels: Pixels, area: Rect) -> int:
    return hash(pixels[area.top : area.bottom, area.left : area.right].tobytes())


def _explained(track: _Track, box: Rect, content: int, now_s: float) -> bool:
    inside = track.box.intersect(box) == box
    if track.runs:
        return inside and now_s - track.last_s < _STOPPED_S
    return inside and content in track.states


def _learn(track: _Track, box: Rect, content: int, now_s: float, run_s: float) -> None:
    if now_s - track.last_s > _RUN_GAP_S:
        track.run_since_s = now_s
    track.changes += 1
    track.last_s = now_s
    track.box = track.box.union(box)
    track.recurs = track.changes >= _RECURRENCE_CHANGES and content in track.states
    track.runs = now_s - track.run_since_s >= run_s
    track.states.add(content)

"""Covers the pixels of typed secrets, in what is recorded and in what the model sees alike. Pure.

A cover is laid over the field when something was typed into it, and stays as long as the field shows:

- what was typed is looked for as exact pixels; wherever it is found (the page was scrolled, the field lost the focus), its field
  is covered;
- its place stays covered while its surroundings are as they were, whatever it shows (a "show password" button was pressed).

A cover is drawn as a field with eight dots whatever the secret's length, so that models see a field that is filled.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from edgeagent.screen import Screen
from edgeagent_harness.protocol.geometry import Rect

Pixels = NDArray[np.uint32]
"""``(height, width) uint32``: BGR, the unused byte cleared."""

_RING_PX = (6, 60)
"""Surroundings of a field: from beyond its focus ring to its label and its neighbours."""
_STILL_THERE = 0.5
_ROWS = 5
_MIN_CHANGES = 3
"""A row of pixels with fewer changes of colour is found anywhere."""
_CARET_SHARE = 0.7
"""The caret blinks at the end of what was typed: only the first part of it is looked for."""
_MAX_FINDS = 16
_DOTS, _DOT_RADIUS_PX, _DOT_STEP_PX, _DOT_INSET_PX = 8, 3, 11, 8
_DOT_COLOUR, _FRAME_COLOUR = 0x404040, 0x767676
_FRAMED_PX = 14
"""Smaller covers are plain."""
_NEAR_PX = 4
_GROW_DOWN_PX, _GROW_ASIDE_PX = 16, 600
_LARGE_SHARE = 0.4
"""More of the screen than this is no field: another page came."""


@dataclass(frozen=True, slots=True)
class Cover:
    """One field that a secret was typed into."""

    box: Rect
    rows: tuple[tuple[int, int, bytes], ...]
    """``(x, y, bytes)``: stretches of pixels that show what was typed."""
    ring: NDArray[np.int64]
    """Flat indices of the telling pixels around the field."""
    ring_pixels: NDArray[np.uint32]


@dataclass(slots=True)
class Covers:
    """All covers of a session's screen."""

    covers: list[Cover] = field(default_factory=list[Cover])
    used: bool = False
    """Whether a secret was ever typed."""
    painted: tuple[Rect, ...] = ()
    """What was covered on the screen that was looked at last."""

    def add(self, screen: Screen, box: Rect | None, changed: Iterable[Rect]) -> None:
        """Cover what was typed on ``screen``: the field ``box`` if it is known, and where the typing changed the screen."""
        self.used = True
        pixels = as_colours(screen)
        whole = Rect(0, 0, screen.info.width, screen.info.height)
        places = [rect for rect in changed if rect.area < _LARGE_SHARE * whole.area]
        for place in _fields(pixels, box, places):
            fits = place.intersect(whole)
            if fits.area:
                shown = [rect.intersect(fits) for rect in places if rect.intersect(fits).area]
                self.covers.append(_cover(pixels, fits, shown or [fits]))

    def apply(self, screen: Screen, also: Iterable[Rect] = ()) -> Screen:
        """``screen`` with every field covered that still shows, and ``also``; covers of fields that are gone are dropped."""
        boxes = list(also)
        self.painted = ()
        if not self.covers and not boxes:
            return screen
        pixels = as_colours(screen)
        kept: list[Cover] = []
        for cover in self.covers:
            shows = list(_showing(cover, pixels))
            boxes += shows
            if shows:
                kept.append(cover)
        self.covers, self.painted = kept, tuple(boxes)
        return _covered(screen, pixels, boxes) if boxes else screen


def as_colours(screen: Screen) -> Pixels:
    """The screen's pixels without the byte that has no meaning."""
    raw = np.frombuffer(screen.pixels, "<u4").reshape(screen.info.height, screen.info.width)
    return raw & np.uint32(0x00FF_FFFF)


def _fields(pixels: Pixels, box: Rect | None, changed: list[Rect]) -> list[Rect]:
    """The places to cover. A change that touches the field belongs to it; where no field is known, every change may be one."""
    if box is None:
        return [_grown(pixels, rect) for rect in _together(changed)]
    field_box = box
    for rect in changed:
        if rect.intersect(box).area:
            field_box = field_box.union(rect)
    return [field_box]


def _together(rects: list[Rect]) -> list[Rect]:
    """Neighbours as one: a change is told in pieces, cut where tiles meet."""
    joined: list[Rect] = []
    for rect in rects:
        near = [other for other in joined if _near(rect, other)]
        joined = [other for other in joined if other not in near]
        for other in near:
            rect = rect.union(other)
        joined.append(rect)
    return joined if len(joined) == len(rects) else _together(joined)


def _near(one: Rect, other: Rect) -> bool:
    reach = Rect(one.left - _NEAR_PX, one.top - _NEAR_PX, one.right + _NEAR_PX, one.bottom + _NEAR_PX)
    return bool(reach.intersect(other).area)


def _grown(pixels: Pixels, rect: Rect) -> Rect:
    """``rect`` with the plain ground around it, up to the field's frame: shown in clear, the same value may be wider."""
    height, width = pixels.shape
    left, top, right, bottom = max(0, rect.left), max(0, rect.top), min(width, rect.right), min(height, rect.bottom)
    if left >= right or top >= bottom:
        return rect
    ground = _commonest(pixels[top:bottom, left:right].ravel())

    def plain(rows: slice, columns: slice) -> bool:
        return bool((pixels[rows, columns] == ground).all())

    for _ in range(_GROW_DOWN_PX):
        top -= top > 0 and plain(slice(top - 1, top), slice(left, right))
        bottom += bottom < height and plain(slice(bottom, bottom + 1), slice(left, right))
    for _ in range(_GROW_ASIDE_PX):
        left -= left > 0 and plain(slice(top, bottom), slice(left - 1, left))
        right += right < width and plain(slice(top, bottom), slice(right, right + 1))
    return Rect(left, top, right, bottom)


def _cover(pixels: Pixels, box: Rect, shown: list[Rect]) -> Cover:
    rows = [row for rect in shown for row in _telling_rows(pixels, rect)]
    near, far = _RING_PX
    whole = Rect(0, 0, pixels.shape[1], pixels.shape[0])
    inner, outer = box.grow(near, whole), box.grow(far, whole)
    around = np.zeros(pixels.shape, np.bool_)
    around[outer.top : outer.bottom, outer.left : outer.right] = True
    around[inner.top : inner.bottom, inner.left : inner.right] = False
    indices = np.flatnonzero(around)
    colours = pixels.ravel()[indices]
    telling = indices[colours != _commonest(colours)]
    return Cover(box, tuple(rows), telling, pixels.ravel()[telling])


def _telling_rows(pixels: Pixels, rect: Rect) -> list[tuple[int, int, bytes]]:
    """Stretches within ``rect`` with the most changes of colour."""
    right = rect.left + max(8, int(rect.width * _CARET_SHARE))
    part = pixels[rect.top : rect.bottom, rect.left : min(right, rect.right)]
    if part.shape[0] == 0 or part.shape[1] < 2:
        return []
    changes = (part[:, 1:] != part[:, :-1]).sum(axis=1)
    best = [int(row) for row in np.argsort(-changes, kind="stable")[:_ROWS] if changes[row] >= _MIN_CHANGES]
    return [(rect.left, rect.top + row, part[row].tobytes()) for row in best]


def _showing(cover: Cover, pixels: Pixels) -> Iterable[Rect]:
    """Where the field of ``cover`` shows now."""
    if _surroundings_same(cover, pixels):
        yield cover.box
    whole = Rect(0, 0, pixels.shape[1], pixels.shape[0])
    raw = pixels.tobytes()
    moved = Counter(
        (found_x - x, found_y - y) for x, y, row in cover.rows for found_x, found_y in _places(raw, row, pixels.shape[1])
    )
    box = cover.box
    for (dx, dy), votes in moved.items():
        # One row of a dot is like the next: only where most of them agree it is the same text.
        if votes > len(cover.rows) / 2:
            yield Rect(box.left + dx, box.top + dy, box.right + dx, box.bottom + dy).intersect(whole)


def _surroundings_same(cover: Cover, pixels: Pixels) -> bool:
    if cover.ring.size == 0 or int(cover.ring.max()) >= pixels.size:
        return cover.ring.size == 0 and bool(cover.box.area) and not cover.rows
    return float((pixels.ravel()[cover.ring] == cover.ring_pixels).mean()) >= _STILL_THERE


def _places(raw: bytes, row: bytes, width: int) -> Iterable[tuple[int, int]]:
    """Where the stretch ``row`` stands in the screen's bytes. Rows of dots also fit a dot further on: those do not count."""
    begin = 0
    for _ in range(_MAX_FINDS):
        at = raw.find(row, begin)
        if at < 0:
            return
        y, x = divmod(at // 4, width)
        fits = at % 4 == 0 and x + len(row) // 4 <= width
        begin = at + (len(row) if fits else 1)
        if fits:
            yield x, y


def _commonest(colours: NDArray[np.uint32]) -> int:
    if colours.size == 0:
        return -1
    values, counts = np.unique(colours, return_counts=True)
    return int(values[counts.argmax()])


def _covered(screen: Screen, pixels: Pixels, boxes: Iterable[Rect]) -> Screen:
    painted = pixels.copy()
    for box in boxes:
        _paint(painted, box)
    return Screen(screen.info, painted.tobytes())


def _paint(painted: Pixels, box: Rect) -> None:
    """A framed field with dots in it."""
    inside = painted[box.top : box.bottom, box.left : box.right]
    if inside.size == 0:
        return
    inside[:] = _commonest(inside.ravel())
    height, width = inside.shape
    if height < _FRAMED_PX or width < _FRAMED_PX:
        return
    inside[[0, -1], :] = inside[:, [0, -1]] = _FRAME_COLOUR
    radius, middle = _DOT_RADIUS_PX, height // 2
    ys, xs = np.ogrid[-radius : radius + 1, -radius : radius + 1]
    disc = xs * xs + ys * ys <= radius * radius
    for x in range(_DOT_INSET_PX, _DOT_INSET_PX + _DOTS * _DOT_STEP_PX, _DOT_STEP_PX):
        if x + radius < width - 1:
            inside[middle - radius : middle + radius + 1, x - radius : x + radius + 1][disc] = _DOT_COLOUR

"""Where the widgets are and what they are: our own heat-map network. How it was made: ``models/MODEL_CARD_detector.md``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edgeagent_harness.protocol.geometry import Rect
from edgeagent_models.perception.classes import CLASSES, DROP, MEANING
from edgeagent_models.perception.rectangles import FRAMED, on_frames
from edgeagent_models.perception.regions import cover
from edgeagent_models.perception.selects import told_by_arrow
from edgeagent_models.perception.sessions import DEFAULT_THREADS, open_session, own_weights
from edgeagent_models.perception.textareas import with_text_areas
from edgeagent_models.perception.types import Widget
from edgeagent_models.protocol import Role

WEIGHTS = "detector.onnx"
_STRIDE = 4
_SIDE_MULTIPLE = 64
_LEAST_SCORE = 0.3
_FAINT_SCORE = 0.12
"""Enough for a role that has a drawn frame: `on_frames` lets it pass only on one."""
_OPTION_SCORE = 0.4
"""Any line of text looks a little like an entry of a list."""
_DROP_SCORE = 0.6
"""The calendar sign of a date field looks a little like an arrow."""
_SAME_OVERLAP = 0.5
"""Two boxes that share this much are one widget; the surer class wins."""
_MAY_BE_SELECT: frozenset[Role] = frozenset({"text_field", "button"})
_ARROW_REACH = 1.3
"""A select's arrow has its middle within this many heights of the right edge."""
_EDGE_MARGIN_PX = 6
_CONTEXT_PX = 96
"""The network sees this much around a region that is looked at again."""


class WidgetDetector:
    """Widgets in pictures ``(H, W, 3) uint8 RGB``."""

    def __init__(self, threads: int = DEFAULT_THREADS, weights: Path | None = None) -> None:
        self._session = open_session(weights or own_weights(WEIGHTS), threads)

    def find(self, picture: NDArray[np.uint8]) -> list[Widget]:
        """All widgets, the surest first."""
        return _corrected(self._guess(picture), picture)

    def _guess(self, picture: NDArray[np.uint8]) -> list[Widget]:
        """What the network says."""
        height, width = picture.shape[:2]
        padded = cv2.copyMakeBorder(picture, 0, -height % _SIDE_MULTIPLE, 0, -width % _SIDE_MULTIPLE, cv2.BORDER_REPLICATE)
        pixels = np.ascontiguousarray(padded.transpose(2, 0, 1)[None])  # (1, 3, H, W) uint8
        scores, edges = self._session.run(None, {"pixels": pixels})
        found, drops = _boxes(np.asarray(scores)[0], np.asarray(edges)[0], Rect(0, 0, width, height))
        return with_selects(without_doubles(found), drops)

    def refresh(self, picture: NDArray[np.uint8], widgets: Sequence[Widget], regions: Sequence[Rect]) -> list[Widget]:
        """The widgets of ``picture``, of which only ``regions`` differ from the picture that ``widgets`` were found in."""
        if not regions:
            return list(widgets)
        whole = Rect(0, 0, picture.shape[1], picture.shape[0])
        regions = cover(regions, [widget.box for widget in widgets], _EDGE_MARGIN_PX, whole)
        kept = [w for w in widgets if not any(region.intersect(w.box).area for region in regions)]
        for region in regions:
            kept += self._find_in(picture, region, whole)
        return without_doubles(kept)

    def _find_in(self, picture: NDArray[np.uint8], region: Rect, whole: Rect) -> list[Widget]:
        """Widgets with their middle in ``region``, seen with what is around it."""
        seen = region.grow(_CONTEXT_PX, whole)
        found = self.find(np.ascontiguousarray(picture[seen.top : seen.bottom, seen.left : seen.right]))
        placed = [Widget(w.role, _moved(w.box, seen.left, seen.top), w.state, w.score) for w in found]
        return [w for w in placed if region.contains(w.box.centre.x, w.box.centre.y)]


def _corrected(guessed: Sequence[Widget], picture: NDArray[np.uint8]) -> list[Widget]:
    """``guessed`` on the frames that are drawn in ``picture``, large fields told by their grip, lists by their arrow."""
    return told_by_arrow(with_text_areas(picture, without_doubles(on_frames(guessed, picture))), picture)


def without_doubles(widgets: Sequence[Widget]) -> list[Widget]:
    """Of boxes that are nearly the same, the surest."""
    kept: list[Widget] = []
    for widget in sorted(widgets, key=lambda w: -w.score):
        if all(_overlap(widget.box, other.box) < _SAME_OVERLAP for other in kept):
            kept.append(widget)
    return kept


def _least_score(kind: str) -> float:
    if kind == DROP:
        return _DROP_SCORE
    role = MEANING[kind][0]
    return _FAINT_SCORE if role in FRAMED else _OPTION_SCORE if role == "option" else _LEAST_SCORE


_LEAST = np.array([_least_score(kind) for kind in CLASSES], np.float32)


def with_selects(widgets: Sequence[Widget], drops: Sequence[Rect]) -> list[Widget]:
    """What has a drop-down arrow at its right end is a select, and nothing else is.

    The network is asked for the arrow because at the middle of a wide field nothing tells a select from a text field.
    """
    selects = {id(w): Widget("select", w.box, "", w.score) for w in widgets if any(_ends_in(w, drop) for drop in drops)}
    return [selects.get(id(w), w) for w in widgets]


def _ends_in(widget: Widget, drop: Rect) -> bool:
    if widget.role not in _MAY_BE_SELECT:
        return False
    middle = drop.centre
    return widget.box.contains(middle.x, middle.y) and widget.box.right - middle.x <= _ARROW_REACH * widget.box.height


def _boxes(scores: NDArray[np.float32], edges: NDArray[np.float32], whole: Rect) -> tuple[list[Widget], list[Rect]]:
    """Widgets and drop-down arrows of ``scores (C, H/4, W/4)`` with peaks left standing, ``edges (4, H/4, W/4)`` in pixels."""
    found: list[Widget] = []
    drops: list[Rect] = []
    for kind, row, column in np.argwhere(scores > _LEAST[:, None, None]).tolist():
        left, top, right, bottom = edges[:, row, column].tolist()
        x, y = column * _STRIDE + _STRIDE / 2, row * _STRIDE + _STRIDE / 2
        box = Rect(round(x - left), round(y - top), round(x + right), round(y + bottom)).intersect(whole)
        if not box.area:
            continue
        if CLASSES[kind] == DROP:
            drops.append(box)
        else:
            role, state = MEANING[CLASSES[kind]]
            role = "text_field" if role == "select" else role
            found.append(Widget(role, box, state, float(scores[kind, row, column])))
    return found, drops


def _moved(box: Rect, right_px: int, down_px: int) -> Rect:
    return Rect(box.left + right_px, box.top + down_px, box.right + right_px, box.bottom + down_px)


def _overlap(one: Rect, other: Rect) -> float:
    shared = one.intersect(other).area
    return shared / max(1, one.area + other.area - shared)

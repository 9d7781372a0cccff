"""Large fields that the network passes over: a drawn frame with the grip in its corner by which it is made larger."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from edgeagent_harness.protocol.geometry import Rect
from edgeagent_models.perception.rectangles import frames_in
from edgeagent_models.perception.types import Widget

_LEAST_WIDTH_PX, _LEAST_HEIGHT_PX = 60, 36
_GRIP_PX = 14
_INSET_PX = 2
"""The frame's own line."""
_INK = 30
"""Grey levels between the grip's strokes and the ground."""
_LEAST_INK_PX = 8
_STRAIGHT = 0.9
"""Share of the ink that lies on two slanting lines; of a round corner it is less."""
_SAME = 0.5
_SCORE = 0.9


def with_text_areas(picture: NDArray[np.uint8], widgets: Sequence[Widget]) -> list[Widget]:
    """``widgets`` of ``picture (H, W, 3) uint8 RGB`` and such fields; the grip itself is no thing of its own."""
    found = list(widgets)
    for left, top, right, bottom in frames_in(picture).tolist():
        box = Rect(left, top, right, bottom)
        if box.width < _LEAST_WIDTH_PX or box.height < _LEAST_HEIGHT_PX or not _has_grip(picture, box):
            continue
        if any(w.role != "icon" and w.box.intersect(box).area for w in found):
            continue  # a panel, or known already
        corner = Rect(right - 2 * _GRIP_PX, bottom - 2 * _GRIP_PX, right, bottom)
        found = [w for w in found if w.role != "icon" or w.box.intersect(corner).area < _SAME * max(1, w.box.area)]
        found.append(Widget("text_field", box, "", _SCORE))
    return found


def _has_grip(picture: NDArray[np.uint8], box: Rect) -> bool:
    """Whether the inner corner at the right bottom holds two strokes that run up to the right, and little else."""
    right, bottom = box.right - _INSET_PX, box.bottom - _INSET_PX
    corner = picture[bottom - _GRIP_PX : bottom, right - _GRIP_PX : right]
    grey = cv2.cvtColor(np.ascontiguousarray(corner), cv2.COLOR_RGB2GRAY).astype(np.int16)
    ink = np.abs(grey - int(np.median(grey))) > _INK
    rows, columns = np.nonzero(ink)
    if len(rows) < _LEAST_INK_PX or len(rows) > _GRIP_PX * _GRIP_PX // 3:
        return False
    along = np.bincount((rows + columns).astype(np.int64), minlength=2 * _GRIP_PX)
    strokes = np.sort(along)[-2:]
    return bool(strokes[0] >= 2 and strokes.sum() >= _STRAIGHT * len(rows))

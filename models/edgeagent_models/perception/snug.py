"""Plain buttons that the network takes for fields: on a ground darker than what is around, and as wide as their words."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from edgeagent_harness.protocol.geometry import Rect
from edgeagent_models.perception.types import TextLine, Widget

_WIDEST_MARGIN_PX = 20
_UNEVEN_PX = 4
"""The words stand in the middle: what was typed into a field begins at its left."""
_DARKER = 6.0
"""Grey levels of 255 between the ground within and around."""
_INSET_PX, _AROUND_PX = 2, 4
_INK = 60
"""Grey levels between letters and their ground."""
_INSIDE = 0.5


def buttons_by_ground(picture: NDArray[np.uint8], widgets: Sequence[Widget], lines: Sequence[TextLine]) -> list[Widget]:
    """``widgets`` of ``picture (H, W, 3) uint8 RGB`` with such fields as buttons."""
    return [
        msgspec.structs.replace(w, role="button") if w.role == "text_field" and _is_button(picture, w.box, lines) else w
        for w in widgets
    ]


def _is_button(picture: NDArray[np.uint8], box: Rect, lines: Sequence[TextLine]) -> bool:
    words = [w for line in lines for w in line.words if w.box.intersect(box).area > _INSIDE * max(1, w.box.area)]
    if not words or any(not any(c.isalpha() for c in w.text) or "/" in w.text for w in words):  # numbers, dates and their masks
        return False
    within = picture[box.top + _INSET_PX : box.bottom - _INSET_PX, box.left + _INSET_PX : box.right - _INSET_PX]
    above = picture[max(0, box.top - _AROUND_PX) : max(0, box.top - 1), box.left : box.right]
    if not within.size or not above.size or np.median(within) > np.median(above) - _DARKER:
        return False
    grey = within.mean(2)
    inked = np.flatnonzero((np.abs(grey - np.median(grey)) > _INK).any(0))
    if not len(inked):
        return False
    left, right = int(inked[0]), grey.shape[1] - 1 - int(inked[-1])
    return max(left, right) <= _WIDEST_MARGIN_PX and abs(left - right) <= _UNEVEN_PX

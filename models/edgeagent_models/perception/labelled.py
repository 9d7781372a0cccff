"""Fields that the network passes over but whose label gives them away: a drawn frame right of "Name:" is a field.

A focused field with selected text looks little like others: the selection is taken for a button.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edgeagent_harness.protocol.geometry import Rect
from edgeagent_models.perception.rectangles import frames_in
from edgeagent_models.perception.types import TextLine, Widget, Word

_GAP_PX = 48
"""Between a label and its field, at most."""
_HEIGHT_PX = (20, 60)
_LEAST_RATIO = 3.0
"""Width over height of a field."""
_MARGIN_PX = 12
_INSIDE = 0.8
"""A thing of which so much lies in the field is a part of it."""
_SCORE = 0.9


def with_labelled_fields(picture: NDArray[np.uint8], widgets: Sequence[Widget], lines: Sequence[TextLine]) -> list[Widget]:
    """``widgets`` of ``picture (H, W, 3) uint8 RGB`` and the fields that only their labels tell of."""
    found = list(widgets)
    for label in (word for line in lines if (word := _label_of(line)) is not None):
        if not any(_beside(label.box, w.box) and w.role != "button" for w in found):
            field = _frame_beside(picture, label.box)
            if field is not None and _stands_alone(field, found):
                found = [w for w in found if w.box.intersect(field).area < _INSIDE * max(1, w.box.area)]
                found.append(Widget("text_field", field, "", _SCORE))
    return found


def _label_of(line: TextLine) -> Word | None:
    """The line's first words up to a colon that ends a word, where what follows may be a field's text."""
    words = line.words or (Word(line.text, line.box),)
    at = next((i for i, word in enumerate(words) if word.text.endswith(":")), None)
    if at is None:
        return None
    first, last = words[0].box, words[at].box
    return Word(" ".join(word.text for word in words[: at + 1]), Rect(first.left, first.top, last.right, last.bottom))


def _beside(label: Rect, box: Rect) -> bool:
    return box.top < label.centre.y < box.bottom and label.right - _MARGIN_PX <= box.left <= label.right + _GAP_PX


def _frame_beside(picture: NDArray[np.uint8], label: Rect) -> Rect | None:
    """The outermost frame that begins right of ``label``, in its row."""
    top, left = max(0, label.top - 2 * _MARGIN_PX), label.right - _MARGIN_PX
    bottom = min(picture.shape[0], label.bottom + 2 * _MARGIN_PX)
    if left >= picture.shape[1]:
        return None
    part = np.ascontiguousarray(picture[top:bottom, left:])
    frames = (Rect(left + a, top + b, left + c, top + d) for a, b, c, d in frames_in(part).tolist())
    fitting = [
        f
        for f in frames
        if _beside(label, f) and _HEIGHT_PX[0] <= f.height <= _HEIGHT_PX[1] and f.width >= _LEAST_RATIO * f.height
    ]
    return max(fitting, key=lambda f: f.area, default=None)


def _stands_alone(field: Rect, widgets: Sequence[Widget]) -> bool:
    """Whether nothing but doubtful parts of it lies in ``field``: a bar of buttons has a frame, too."""
    return sum(w.box.intersect(field).area >= _INSIDE * max(1, w.box.area) for w in widgets) <= 1

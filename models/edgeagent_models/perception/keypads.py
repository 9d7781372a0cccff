"""The keys of a keypad: a small digit in the middle of a large key, which the detector takes for an icon or a field.

Signs like + are passed over by the map of text lines; their ink is cut out and read by itself. Only among several digits: a
pictogram on a lone button may look like a sign.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from edgeagent_harness.protocol.geometry import Rect
from edgeagent_models.perception.text_recognition import TextRecogniser
from edgeagent_models.perception.types import TextLine, Widget, Word

_KEYS = frozenset({"button", "icon", "text_field"})
"""As which kinds of thing large keys are detected."""
_SIGNS = {sign: sign for sign in "+-*/=%()×÷√,."} | {"十": "+", "一": "-", "—": "-", "二": "=", "x": "×", "X": "×"}
_LEAST_KEY_PX = 24
_MOST_OF_KEY = (0.6, 0.45)
"""Ink may fill so much of a key's width and height; more is a pictogram."""
_OFF_MIDDLE = 0.15
_INSET_PX = 3
_LEAST_CONTRAST = 60
_LEAST_INK_PX = 10
"""Flat signs are cut out as if they were so high."""
_MARGINS = (0.25, 0.6)
"""Around the ink, in heights of it: some signs are read with little room around them, some with much."""
_SURE = 0.8
_AROUND = 2
"""Columns of keys beside the digits."""
_JOIN_PX = 7
"""The two lines of = are one sign."""
_GUESSED = 0.5
"""Score of a key that only its sign tells of."""
_LEAST_DIGITS = 3
_MOST_KEYS = 40


def with_keys(
    picture: NDArray[np.uint8], widgets: Sequence[Widget], lines: Sequence[TextLine], recogniser: TextRecogniser
) -> tuple[list[Widget], list[TextLine]]:
    """``widgets`` and ``lines`` of ``picture (H, W, 3) uint8 RGB`` with keys as buttons, and what stands on each."""
    keys = {id(w): w for w in widgets if _may_be_key(w)}
    owners = [(w, line) for w in keys.values() for line in lines if w.box.intersect(line.box).area]
    said = [(w, line.text) for w, line in owners if _in_the_middle(line.box, w.box)]
    if len({text for _, text in said if _is_digit(text)}) < _LEAST_DIGITS:
        return list(widgets), list(lines)
    keys |= {
        id(w): w for w in _passed_over(picture, [w for w, _ in said], [*(w.box for w in widgets), *(line.box for line in lines)])
    }
    written = {id(w) for w, _ in owners}
    inked = [(w, ink) for w in keys.values() if id(w) not in written and (ink := _ink(picture, w.box)) is not None][:_MOST_KEYS]
    signs = [(w, ink, text) for (w, ink), text in zip(inked, _read(picture, inked, recogniser), strict=True) if text]
    pressed = {id(w) for w, text in said if _is_digit(text) or text in _SIGNS} | {id(w) for w, _, _ in signs}
    return (
        [
            *(Widget("button", w.box, "", w.score) if id(w) in pressed else w for w in widgets),
            *(w for w, _, _ in signs if w not in widgets),
        ],
        [*lines, *(TextLine(text, ink, (Word(text, ink),)) for _, ink, text in signs)],
    )


def _may_be_key(widget: Widget) -> bool:
    return widget.role in _KEYS and min(widget.box.width, widget.box.height) >= _LEAST_KEY_PX


def _ink(picture: NDArray[np.uint8], box: Rect) -> Rect | None:
    """What is written on the key at ``box``; None if nothing is, or if it fills the key."""
    inner = Rect(box.left + _INSET_PX, box.top + _INSET_PX, box.right - _INSET_PX, box.bottom - _INSET_PX)
    if inner.width < 1 or inner.height < 1:
        return None
    contrast = _contrast(picture, inner)
    if contrast.max() < _LEAST_CONTRAST:
        return None
    rows, columns = np.nonzero(contrast > contrast.max() / 2)
    left, top = inner.left + int(columns.min()), inner.top + int(rows.min())
    ink = Rect(left, top, inner.left + int(columns.max()) + 1, inner.top + int(rows.max()) + 1)
    return ink if _in_the_middle(ink, box) else None


def _passed_over(picture: NDArray[np.uint8], digits: Sequence[Widget], known: Sequence[Rect]) -> list[Widget]:
    """Places among the keys ``digits`` and beside them where something small is written, and nothing is ``known``."""
    key = digits[0].box
    left, top = (min(w.box.left for w in digits) - _AROUND * key.width, min(w.box.top for w in digits) - key.height)
    right, bottom = (max(w.box.right for w in digits) + _AROUND * key.width, max(w.box.bottom for w in digits) + key.height)
    area = Rect(max(0, left), max(0, top), min(right, picture.shape[1]), min(bottom, picture.shape[0]))
    contrast = _contrast(picture, area)
    ink = (contrast > _LEAST_CONTRAST).astype(np.uint8)
    for box in (box.intersect(area) for box in known):
        ink[box.top - area.top : box.bottom - area.top, box.left - area.left : box.right - area.left] = 0
    joined = np.asarray(cv2.dilate(ink, np.ones((_JOIN_PX, _JOIN_PX), np.uint8)), np.uint8)
    spots = np.asarray(cv2.connectedComponentsWithStats(joined)[2], np.int32)[1:, :4]
    most = _MOST_OF_KEY[1] * min(key.width, key.height)
    small = [
        Rect(area.left + x, area.top + y, area.left + x + w, area.top + y + h)
        for x, y, w, h in spots.tolist()
        if max(w, h) < most
    ]
    return [Widget("button", _key_around(spot, key), "", _GUESSED) for spot in small][:_MOST_KEYS]


def _key_around(spot: Rect, key: Rect) -> Rect:
    """A key of half the size of ``key`` in the middle of ``spot``: where it ends is not known."""
    x, y = round(spot.centre.x), round(spot.centre.y)
    half = max(_LEAST_KEY_PX, min(key.width, key.height) // 2) // 2
    return Rect(max(0, x - half), max(0, y - half), x + half, y + half)


def _contrast(picture: NDArray[np.uint8], box: Rect) -> NDArray[np.uint8]:
    """How much each pixel in ``box`` differs from most of them."""
    grey = cv2.cvtColor(np.ascontiguousarray(picture[box.top : box.bottom, box.left : box.right]), cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.absdiff(grey, np.full_like(grey, np.median(grey))), np.uint8)


def _in_the_middle(ink: Rect, key: Rect) -> bool:
    """Whether ``ink`` is small and stands in the middle of ``key``: what was typed into a field stands at its left."""
    small = ink.width <= _MOST_OF_KEY[0] * key.width and ink.height <= _MOST_OF_KEY[1] * key.height
    return small and abs(ink.centre.x - key.centre.x) <= _OFF_MIDDLE * key.width


def _is_digit(text: str) -> bool:
    return len(text) == 1 and text.isascii() and text.isdigit()


def _read(picture: NDArray[np.uint8], inked: Sequence[tuple[Widget, Rect]], recogniser: TextRecogniser) -> list[str]:
    """The sign on each key, empty where there is none."""
    crops = [_crop(picture, ink, margin) for _, ink in inked for margin in _MARGINS]
    readings = recogniser.read(crops)
    said = [
        "" if r.score < _SURE else r.text if r.text.isascii() and r.text.isdigit() else _SIGNS.get(r.text, "") for r in readings
    ]
    count = len(_MARGINS)
    return [next((text for text in said[i : i + count] if text), "") for i in range(0, len(said), count)]


def _crop(picture: NDArray[np.uint8], ink: Rect, margin: float) -> NDArray[np.uint8]:
    height = max(ink.height, _LEAST_INK_PX)
    beside, above = int(margin * height), int(margin * height) + (height - ink.height) // 2
    top, left = max(0, ink.top - above), max(0, ink.left - beside)
    return np.ascontiguousarray(picture[top : ink.bottom + above, left : ink.right + beside])

"""What an icon stands for, by its shape: a small network of our own. How it was made: ``models/MODEL_CARD_detector.md``."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import cv2
import msgspec
import numpy as np
from numpy.typing import NDArray

from edgeagent_harness.protocol.geometry import Rect
from edgeagent_models.perception.sessions import open_session, own_weights
from edgeagent_models.protocol import Element

WEIGHTS = "icons.onnx"
NAMES: tuple[str, ...] = ("star", "trash", "reply", "forward", "Send", "Search", "x", "like", "retweet", "share", "more")
"""What users and captions call them."""
OTHER = ""
CLASSES: tuple[str, ...] = (*NAMES, OTHER)
SIDE = 32
_LEAST_CHANCE = 0.8
_LARGEST_PX = 72


class IconNamer:
    """Names icons of pictures ``(H, W, 3) uint8 RGB``."""

    def __init__(self, weights: Path | None = None) -> None:
        self._session = open_session(weights or own_weights(WEIGHTS), 1)

    def name(self, picture: NDArray[np.uint8], boxes: Sequence[Rect]) -> list[str]:
        """The name of what is in each box; empty where it is none of ``NAMES``, or unsure."""
        if not boxes:
            return []
        batch = np.stack([prepared(picture, box) for box in boxes])
        chances = np.asarray(self._session.run(None, {"icons": batch})[0])  # (N, len(CLASSES))
        best = chances.argmax(1)
        return [CLASSES[k] if chances[i, k] >= _LEAST_CHANCE else OTHER for i, k in enumerate(best.tolist())]


@cache
def shared_namer() -> IconNamer:
    """The network that all sessions of the process use."""
    return IconNamer()


def with_icon_names(elements: tuple[Element, ...], picture: NDArray[np.uint8]) -> tuple[Element, ...]:
    """``elements``, those icons of ``picture (H, W, 3) uint8 RGB`` that say nothing with their name as text."""
    places = [
        j for j, e in enumerate(elements) if e.role == "icon" and not e.text and 0 < max(e.box.width, e.box.height) <= _LARGEST_PX
    ]
    names = dict(zip(places, shared_namer().name(picture, [elements[j].box for j in places]), strict=True))
    return tuple(msgspec.structs.replace(e, text=names[j]) if names.get(j) else e for j, e in enumerate(elements))


def prepared(picture: NDArray[np.uint8], box: Rect) -> NDArray[np.float32]:
    """``(1, SIDE, SIDE)``: the ink in ``box`` as distance from the ground, 0 to 1, fitted into the square."""
    rows, columns = picture.shape[:2]
    part = picture[max(0, box.top) : min(rows, box.bottom), max(0, box.left) : min(columns, box.right)]
    square = np.zeros((SIDE, SIDE), np.float32)
    if min(part.shape[:2]) < 2:
        return square[None]
    edge = np.concatenate([part[0], part[-1], part[:, 0], part[:, -1]])
    ink = np.abs(part.astype(np.float32) - np.median(edge, axis=0)).max(2)
    ink /= max(32.0, float(ink.max()))
    ys, xs = np.nonzero(ink > 0.25)
    if len(ys):
        ink = ink[ys.min() : ys.max() + 1, xs.min() : xs.max() + 1]
    scale = (SIDE - 4) / max(ink.shape)
    height, width = max(1, round(ink.shape[0] * scale)), max(1, round(ink.shape[1] * scale))
    small = cv2.resize(ink, (width, height), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    top, left = (SIDE - height) // 2, (SIDE - width) // 2
    square[top : top + height, left : left + width] = small
    return square[None]

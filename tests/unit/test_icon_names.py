"""Icons are named by their shape, in any colour and size; what is no icon that has a name gets none."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from edgeagent_harness.protocol.geometry import Rect
from edgeagent_models.perception.icon_names import with_icon_names
from edgeagent_models.protocol import Element

Colour = tuple[int, int, int]


def cross(side: int, ink: Colour, paper: Colour) -> NDArray[np.uint8]:
    picture = np.full((side, side, 3), paper, np.uint8)
    low, high = side // 5, side - side // 5
    cv2.line(picture, (low, low), (high, high), ink, max(2, side // 10))
    cv2.line(picture, (low, high), (high, low), ink, max(2, side // 10))
    return picture


def dots(side: int, ink: Colour, paper: Colour) -> NDArray[np.uint8]:
    picture = np.full((side, side, 3), paper, np.uint8)
    for share in (0.2, 0.5, 0.8):
        cv2.circle(picture, (round(side * share), side // 2), max(1, side // 12), ink, -1)
    return picture


def named(picture: NDArray[np.uint8], role: str = "icon") -> str:
    rows, columns = picture.shape[:2]
    element = Element(0, "icon" if role == "icon" else "button", Rect(0, 0, columns, rows))
    return with_icon_names((element,), picture)[0].text


@pytest.mark.parametrize("side", [18, 30, 44])
@pytest.mark.parametrize(("ink", "paper"), [((0, 0, 0), (255, 255, 255)), ((255, 255, 255), (200, 30, 30))])
def test_a_cross_and_three_dots(side: int, ink: Colour, paper: Colour) -> None:
    assert named(cross(side, ink, paper)) == "x"
    assert named(dots(side, ink, paper)) == "more"


def test_nothing_is_not_named() -> None:
    assert named(np.full((24, 24, 3), 200, np.uint8)) == ""


def test_only_icons_are_named() -> None:
    assert named(cross(30, (0, 0, 0), (255, 255, 255)), role="button") == ""

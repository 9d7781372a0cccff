"""Fields that go by their row in a table, and large ones that only the grip in their corner gives away."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from edgeagent_harness.protocol.geometry import Rect
from edgeagent_models.perception.cells import named_by_row
from edgeagent_models.perception.textareas import with_text_areas
from edgeagent_models.perception.types import Widget
from edgeagent_models.protocol import Element, Role

AREA = Rect(40, 40, 440, 160)


def cell(number: int, role: Role, text: str, row: int, left: int, width: int = 80) -> Element:
    return Element(number, role, Rect(left, 40 * row, left + width, 40 * row + 24), text)


def table(*names: str) -> list[Element]:
    rows = ((cell(3 * k, "tab", name, k, 10), cell(3 * k + 1, "text", "8.50", k, 100)) for k, name in enumerate(names))
    return [e for k, row in enumerate(rows) for e in (*row, cell(3 * k + 2, "text_field", "1", k, 200))]


def labels(elements: list[Element]) -> list[str]:
    return [e.label for e in named_by_row(elements) if e.role == "text_field"]


def test_fields_in_a_column_go_by_the_name_at_the_left_of_their_row() -> None:
    assert labels(table("Blue mug", "Tea pot", "Cookies")) == ["Blue mug", "Tea pot", "Cookies"]


def test_one_field_alone_rows_of_one_name_and_rows_with_two_fields_tell_nothing() -> None:
    assert labels(table("Blue mug")) == [""]
    assert labels(table("Mug", "Mug")) == ["", ""]
    assert labels([*table("Mug", "Pot"), cell(9, "text_field", "", 0, 320), cell(10, "text_field", "", 1, 320)]) == [""] * 4


def picture(radius: int = 0, *, grip: bool = True) -> NDArray[np.uint8]:
    drawn = np.full((200, 480, 3), 255, np.uint8)
    a, b = (AREA.left, AREA.top), (AREA.right - 1, AREA.bottom - 1)
    if radius:
        centre = (AREA.right - 1 - radius, AREA.bottom - 1 - radius)
        cv2.rectangle(drawn, a, b, (118,) * 3)
        drawn[centre[1] + 1 :, centre[0] + 1 :] = 255
        cv2.ellipse(drawn, centre, (radius, radius), 0, 0, 90, (118,) * 3)
    else:
        cv2.rectangle(drawn, a, b, (118,) * 3)
    if grip:
        for k in range(7):
            drawn[AREA.bottom - 4 - k, AREA.right - 10 + k] = 102
        for k in range(3):
            drawn[AREA.bottom - 4 - k, AREA.right - 6 + k] = 102
    return drawn


def test_a_frame_with_a_grip_in_its_corner_is_a_field() -> None:
    found = with_text_areas(picture(), [Widget("icon", Rect(428, 148, 440, 160), "", 0.3)])
    assert [w.role for w in found] == ["text_field"]
    assert found[0].box.intersect(AREA).area > 0.95 * AREA.area


def test_frames_without_one_round_corners_panels_and_known_fields_are_not() -> None:
    assert with_text_areas(picture(grip=False), []) == []
    assert with_text_areas(picture(14, grip=False), []) == []
    for role in ("button", "text_field"):
        known = [Widget(role, Rect(60, 60, 160, 90))]
        assert with_text_areas(picture(), known) == known

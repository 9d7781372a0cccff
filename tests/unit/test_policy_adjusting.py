"""Numbers are set with as many arrow keys as they are away, and the handle is clicked only where that moves nothing."""

from __future__ import annotations

import pytest

from edgeagent_harness.protocol.actions import Batch, Click, Key
from edgeagent_harness.protocol.geometry import Point, Rect
from edgeagent_models.embedded.adjusting import adjusting, number_in, shown_number
from edgeagent_models.protocol import Element

SCREEN = Rect(0, 0, 320, 420)
SLIDER = Element(0, "slider", Rect(10, 100, 210, 120))
THUMB = Element(1, "icon", Rect(40, 100, 60, 120))
NUMBER = Element(2, "text", Rect(220, 100, 240, 120), "-2")
SPINNER = Element(3, "text_field", Rect(10, 200, 110, 230), "O|")


@pytest.mark.parametrize(
    ("text", "number"), [("-3", -3), ("−3", -3), ("12", 12), ("4.5", 4.5), ("1-2", None), ("a", None), ("", None)]
)
def test_what_is_a_number(text: str, number: float | None) -> None:
    assert number_in(text) == number


def test_a_slider_is_moved_by_keys_after_a_click_on_its_thumb() -> None:
    action = adjusting(SLIDER, (SLIDER, THUMB, NUMBER), "1", again=False, screen=SCREEN)
    assert action == Batch((Click(Point(50, 110)), Key(("Up",)), Key(("Up",)), Key(("Up",))))


def test_a_thumb_that_is_not_seen_is_not_guessed_at() -> None:
    assert adjusting(SLIDER, (SLIDER, NUMBER), "1", again=False, screen=SCREEN) == Click(Point(110, 110))


def test_what_has_the_keyboard_is_not_clicked_again() -> None:
    assert adjusting(SLIDER, (SLIDER, THUMB, NUMBER), "-4", again=True, screen=SCREEN) == Batch((Key(("Down",)), Key(("Down",))))


def test_a_far_number_takes_several_actions() -> None:
    action = adjusting(SLIDER, (SLIDER, NUMBER), "90", again=True, screen=SCREEN)
    assert isinstance(action, Batch)
    assert len(action.actions) == 14


def test_a_zero_beside_the_caret_is_a_number() -> None:
    assert shown_number(SPINNER, (SPINNER, NUMBER)) == 0
    assert adjusting(SPINNER, (SPINNER,), "-1", again=False, screen=SCREEN) == Batch((Click(Point(60, 215)), Key(("Down",))))

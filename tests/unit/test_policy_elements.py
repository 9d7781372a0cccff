"""What the policy makes of perceived elements: frames are no fields, lines are cut, sums, capitals, shapes and echoes known."""

from __future__ import annotations

import numpy as np

from edgeagent_harness.protocol.geometry import Rect
from edgeagent_models.embedded.derived import with_derived
from edgeagent_models.embedded.fragments import echoed, with_fragments
from edgeagent_models.embedded.frames import without_frames
from edgeagent_models.embedded.shapes import with_shapes
from edgeagent_models.protocol import Element


def test_a_field_around_another_widget_is_a_frame() -> None:
    frame = Element(0, "text_field", Rect(10, 10, 300, 200), "A message")
    field = Element(1, "text_field", Rect(20, 50, 200, 80))
    assert [e.role for e in without_frames((frame, field))] == ["text", "text_field"]


def test_page_numbers_read_as_one_are_cut_up() -> None:
    row = Element(0, "link", Rect(0, 0, 60, 20), "1 2 3")
    parts = with_fragments("click the 5th result", (row,))[1:]
    assert [p.text for p in parts] == ["1", "2", "3"]
    assert [p.box.left for p in parts] == [0, 24, 48]


def test_a_quoted_word_in_a_line_is_a_place_of_its_own() -> None:
    line = Element(0, "text", Rect(0, 0, 100, 20), "read the terms")
    (part,) = with_fragments('Open "terms"', (line,))[1:]
    assert part.text == "terms"
    assert part.box.left > 50


def test_sums_and_words_by_their_place_are_derived() -> None:
    total = Element(0, "text", Rect(0, 0, 50, 20), "12 + 7 =")
    assert with_derived("Solve it", (total,))[-1].text == "19"
    prose = Element(0, "text", Rect(0, 0, 90, 20), "lorem ipsum dolor.")
    assert with_derived("Type the 3rd word", (prose,))[-1].text == "dolor"


def test_the_task_shown_on_the_screen_is_known() -> None:
    task = "Select Livy from the list and click Submit."
    shown = (
        Element(0, "text", Rect(5, 0, 300, 25), "Select Livy from the list and"),
        Element(1, "text", Rect(5, 24, 120, 48), "click Submit."),
        Element(2, "button", Rect(5, 160, 195, 220), "Submit"),
    )
    assert echoed(task, shown) == {0, 1}


def test_a_quotation_is_offered_in_the_letters_that_the_task_asks_for() -> None:
    box = Element(0, "text_field", Rect(0, 0, 90, 20))
    assert with_derived('Type "abC" in upper case', (box,))[-1].text == "ABC"
    assert with_derived('Type "abC" in lower case', (box,))[-1].text == "abc"
    assert with_derived('Type "abC"', (box,)) == (box,)


def test_a_coloured_area_is_a_shape_though_it_looks_like_a_field_or_holds_a_letter() -> None:
    picture = np.full((200, 300, 3), 255, np.uint8)
    picture[20:80, 20:80] = (0, 0, 255)
    picture[20:120, 150:250] = (255, 0, 0)
    field = Element(0, "text_field", Rect(20, 20, 80, 80))
    letter = Element(1, "text", Rect(155, 25, 170, 40), "L")
    named = [e.text for e in with_shapes((field, letter), picture)]
    assert named == ["L", "small blue colored square box", "large red colored square box"]

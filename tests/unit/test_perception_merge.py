"""Merging gives each text to the widget it lies in, names fields by the text beside or above them, and keeps reading order."""

from __future__ import annotations

from edgeagent_harness.protocol.geometry import Rect
from edgeagent_models.perception.elements import merge, reading_order
from edgeagent_models.perception.types import TextLine, Widget, Word
from edgeagent_models.protocol import Element


def line(text: str, left: int, top: int, *, links: tuple[str, ...] = (), gap_px: int = 5) -> TextLine:
    """A line of 7 px wide letters, 14 px high."""
    words: list[Word] = []
    for word in text.split():
        words.append(Word(word, Rect(left, top, left + 7 * len(word), top + 14), word in links))
        left += 7 * len(word) + gap_px
    return TextLine(text, Rect(words[0].box.left, top, words[-1].box.right, top + 14), tuple(words))


def only(elements: list[Element], role: str) -> Element:
    (found,) = [e for e in elements if e.role == role]
    return found


def test_text_inside_a_widget_becomes_its_text_and_no_element() -> None:
    elements = merge([Widget("button", Rect(10, 10, 90, 34))], [line("Log in", 20, 15)])
    assert [(e.role, e.text) for e in elements] == [("button", "Log in")]


def test_two_lines_inside_a_button_are_joined_from_top_to_bottom() -> None:
    elements = merge([Widget("button", Rect(0, 0, 80, 60))], [line("Me!", 20, 32), line("Click", 20, 10)])
    assert only(elements, "button").text == "Click Me!"


def test_a_line_glued_over_two_cells_is_cut_at_the_widgets() -> None:
    widgets = [Widget("button", Rect(0, 0, 50, 20)), Widget("button", Rect(52, 0, 110, 20))]
    elements = merge(widgets, [line("Save Close", 8, 3, gap_px=20)])
    assert [e.text for e in elements] == ["Save", "Close"]


def test_text_over_a_glyph_is_the_glyph_misread() -> None:
    elements = merge([Widget("checkbox", Rect(0, 0, 14, 14), "checked")], [line("V", 3, 0)])
    assert [(e.role, e.text) for e in elements] == [("checkbox", "")]


def test_a_field_is_named_by_the_text_before_it() -> None:
    widgets = [Widget("text_field", Rect(100, 10, 250, 32)), Widget("text_field", Rect(100, 40, 250, 62))]
    elements = merge(widgets, [line("First name", 10, 14), line("Last name", 10, 44)])
    assert [e.label for e in elements if e.role == "text_field"] == ["First name", "Last name"]


def test_a_field_is_named_by_the_text_above_it_where_none_is_before_it() -> None:
    widgets = [Widget("text_field", Rect(10, 30, 160, 52)), Widget("text_field", Rect(10, 80, 160, 102))]
    elements = merge(widgets, [line("Username", 10, 12), line("Password", 10, 62)])
    assert [e.label for e in elements if e.role == "text_field"] == ["Username", "Password"]


def test_boxes_are_named_by_the_text_after_them_even_in_one_row() -> None:
    widgets = [Widget("radio", Rect(10, 10, 23, 23)), Widget("radio", Rect(80, 10, 93, 23))]
    elements = merge(widgets, [line("alpha", 26, 10), line("beta", 97, 10)])
    assert [e.label for e in elements if e.role == "radio"] == ["alpha", "beta"]


def test_a_box_in_a_glued_line_takes_only_its_own_words() -> None:
    widgets = [Widget("checkbox", Rect(10, 10, 23, 23)), Widget("checkbox", Rect(70, 10, 83, 23))]
    glued = TextLine(
        "alpha beta", Rect(28, 10, 120, 24), (Word("alpha", Rect(28, 10, 63, 24)), Word("beta", Rect(88, 10, 116, 24)))
    )
    elements = merge(widgets, [glued])
    assert [e.label for e in elements if e.role == "checkbox"] == ["alpha", "beta"]


def test_labels_stay_on_the_screen_as_text() -> None:
    elements = merge([Widget("checkbox", Rect(10, 10, 23, 23))], [line("alpha", 28, 10)])
    assert [(e.role, e.text) for e in elements] == [("checkbox", ""), ("text", "alpha")]


def test_linked_words_of_a_line_are_links() -> None:
    elements = merge([], [line("Read the manual first", 0, 0, links=("manual",))])
    assert [(e.role, e.text) for e in elements] == [("text", "Read the"), ("link", "manual"), ("text", "first")]


def test_wide_gaps_part_texts() -> None:
    elements = merge([], [line("Name Amount", 0, 0, gap_px=60)])
    assert [e.text for e in elements] == ["Name", "Amount"]


def test_an_arrow_in_a_header_is_its_state() -> None:
    widgets = [Widget("button", Rect(0, 0, 200, 24)), Widget("icon", Rect(4, 5, 16, 17), "collapsed")]
    elements = merge(widgets, [line("Details", 24, 4)])
    assert [(e.role, e.text, e.state) for e in elements] == [("button", "Details", "collapsed")]


def test_an_arrow_of_its_own_stays_an_icon() -> None:
    elements = merge([Widget("icon", Rect(4, 5, 16, 17), "expanded")], [])
    assert [(e.role, e.state) for e in elements] == [("icon", "expanded")]


def test_elements_are_numbered_row_by_row() -> None:
    widgets = [
        Widget("button", Rect(100, 50, 150, 70)),
        Widget("button", Rect(0, 52, 50, 72)),
        Widget("button", Rect(40, 0, 90, 20)),
    ]
    elements = merge(widgets, [])
    assert [e.id for e in elements] == [0, 1, 2]
    assert [e.box.left for e in elements] == [40, 0, 100]


def test_reading_order_keeps_a_tall_thing_from_swallowing_rows() -> None:
    boxes = [Rect(200, 0, 300, 120), Rect(0, 0, 50, 14), Rect(0, 20, 50, 34), Rect(0, 40, 50, 54)]
    assert [i for i in reading_order(boxes) if i] == [1, 2, 3]


def test_the_last_line_of_a_paragraph_names_no_field() -> None:
    elements = merge(
        [Widget("text_field", Rect(10, 46, 160, 66))], [line("Enter the word that", 10, 4), line("was told.", 10, 20)]
    )
    assert only(elements, "text_field").label == ""


def test_the_arrow_of_a_select_misread_as_a_letter_is_dropped() -> None:
    select = Widget("select", Rect(0, 0, 160, 22))
    elements = merge([select], [line("Livy", 6, 4), line("V", 146, 4)])
    assert only(elements, "select").text == "Livy"


def test_a_radio_button_misread_as_a_letter_of_the_line_is_dropped() -> None:
    radio = Widget("radio", Rect(60, 78, 75, 92), "unchecked")
    line_box = Rect(62, 73, 128, 97)
    words = (Word("O", Rect(62, 73, 75, 97)), Word("Small", Rect(84, 73, 128, 97)))
    elements = merge([radio], [TextLine("O Small", line_box, words)])
    assert [(e.role, e.text, e.label) for e in elements] == [("radio", "", "Small"), ("text", "Small", "")]


def test_a_switch_at_the_far_end_of_its_row_is_named_by_the_text_at_the_other_end() -> None:
    switches = [Widget("checkbox", Rect(580, 10 + 50 * k, 626, 34 + 50 * k), "checked") for k in range(2)]
    elements = merge(switches, [line("Dark mode", 30, 14), line("Sound", 30, 64)])
    assert [e.label for e in elements if e.role == "checkbox"] == ["Dark mode", "Sound"]
    between = [*switches, Widget("button", Rect(300, 10, 360, 34))]
    elements = merge(between, [line("Dark mode", 30, 14), line("Sound", 30, 64)])
    assert [e.label for e in elements if e.role == "checkbox"] == ["", "Sound"]

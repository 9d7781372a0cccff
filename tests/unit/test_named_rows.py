"""Of buttons that look the same the embedded model presses the one whose row, or whose card, the task names."""

from __future__ import annotations

import pytest

from edgeagent_harness.protocol.geometry import Rect
from edgeagent_models.embedded.candidates import Choice
from edgeagent_models.embedded.deeds import deed_of
from edgeagent_models.embedded.instruction import parse
from edgeagent_models.embedded.memory import Done
from edgeagent_models.embedded.twins import in_named_row, next_named_row
from edgeagent_models.embedded.unpressed import press_instead_of_done
from edgeagent_models.protocol import Element, Role

ORDERS = (("1041", "Ada Byron", "€12.50"), ("1042", "Grace Hill", "€88.00"), ("1043", "Kim Lee", "€7.20"))


def screen(*placed: tuple[Role, str, int, int]) -> list[Element]:
    return [Element(i, role, Rect(x, y, x + 80, y + 20), text) for i, (role, text, x, y) in enumerate(placed)]


def table() -> list[Element]:
    cells: list[tuple[Role, str, int, int]] = [("text", "Orders", 30, 10), ("text", "3 open orders", 30, 40)]
    for row, texts in enumerate(ORDERS):
        cells.extend(("text", text, 30 + 100 * column, 100 + 30 * row) for column, text in enumerate(texts))
        cells.extend((("button", "Ship", 400, 100 + 30 * row), ("button", "Cancel", 500, 100 + 30 * row)))
    return screen(*cells)


def at(elements: list[Element], text: str, number: int) -> int:
    return [i for i, e in enumerate(elements) if e.text == text][number]


@pytest.mark.parametrize(
    ("task", "button", "row"),
    [
        ("Ship order 1042", "Ship", 1),
        ("Cancel Kim Lee's order", "Cancel", 2),
        ("Cancel the order of Grace", "Cancel", 1),
        ("Ship the order over €12.50", "Ship", 0),
        ("Ship an order", "Ship", 0),  # none is named: the network's choice
    ],
)
def test_a_row_of_a_table(task: str, button: str, row: int) -> None:
    elements = table()
    choice = in_named_row(Choice("click", at(elements, button, 0)), parse(task), elements, [])
    assert choice.element == at(elements, button, row)


def test_the_second_of_two_named_rows_after_the_first() -> None:
    elements, task = table(), parse("Ship orders 1041 and 1043")
    first = in_named_row(Choice("click", at(elements, "Ship", 1)), task, elements, [])
    assert first.element == at(elements, "Ship", 0)
    done = [Done(deed_of(first, task, elements, 0, []), ok=True)]
    second = in_named_row(Choice("click", at(elements, "Ship", 0)), task, elements, done)
    assert second.element == at(elements, "Ship", 2)
    assert next_named_row(task, elements, done) == second  # also where the network believes that all is done
    done.append(Done(deed_of(second, task, elements, 1, done), ok=True))
    assert next_named_row(task, elements, done) is None


def test_one_named_row_is_enough() -> None:
    elements = [
        *table(),
        Element(99, "text", Rect(130, 220, 200, 240), "Kim Park"),
        Element(100, "button", Rect(400, 220, 480, 240), "Ship"),
    ]
    task = parse("Ship order 1043 of Kim Lee")
    first = in_named_row(Choice("click", at(elements, "Ship", 0)), task, elements, [])
    assert first.element == at(elements, "Ship", 2)
    assert next_named_row(task, elements, [Done(deed_of(first, task, elements, 0, []), ok=True)]) is None


@pytest.mark.parametrize("task", ["Ship order 1050", "Cancel the order of Zoe", "Ship the order of 'nobody'"])
def test_a_row_that_is_not_there_is_looked_for_then_refused(task: str) -> None:
    elements, words = table(), parse(task)
    guess = Choice("click", at(elements, "Ship" if "Ship" in task else "Cancel", 0))
    look = in_named_row(guess, words, elements, [])
    assert look == Choice("page_down")
    ended = [Done(deed_of(look, words, elements, 0, []), ok=False)]
    refused = in_named_row(guess, words, elements, ended)
    assert (refused.kind, "none of them stands beside" in refused.why) == ("fail", True)


def test_a_card_with_its_buttons_below() -> None:
    elements = screen(
        ("text", "@ada", 30, 10), ("text", "Good morning", 30, 40), ("button", "Like", 30, 70),
        ("text", "@kim", 30, 110), ("text", "Good night", 30, 140), ("button", "Like", 30, 170),
    )  # fmt: skip
    assert in_named_row(Choice("click", 2), parse("Like the post by @kim"), elements, []).element == 5
    assert in_named_row(Choice("click", 2), parse("Like the post by @ada"), elements, []).element == 2


def test_cards_side_by_side() -> None:
    elements = screen(
        ("text", "Tea", 30, 10), ("text", "Coffee", 400, 10), ("button", "Buy", 30, 40), ("button", "Buy", 400, 40),
        ("text", "Milk", 130, 40), ("text", "Sugar", 500, 40),
    )  # fmt: skip
    assert in_named_row(Choice("click", 2), parse("Buy coffee"), elements, []).element == 3
    assert in_named_row(Choice("click", 2), parse("Buy sugar"), elements, []).element == 3
    assert in_named_row(Choice("click", 3), parse("Buy milk"), elements, []).element == 2


def test_counting_names_no_row() -> None:
    elements = table()
    assert in_named_row(Choice("click", at(elements, "Ship", 1)), parse("Ship the 2nd order"), elements, []).element == at(
        elements, "Ship", 1
    )


def test_one_of_a_kind_stays() -> None:
    elements = screen(("button", "Save", 30, 10), ("text", "1042", 30, 40), ("button", "Close", 200, 40))
    assert in_named_row(Choice("click", 0), parse("Save 1049"), elements, []) == Choice("click", 0)
    assert in_named_row(Choice("wait"), parse("Save 1042"), elements, []) == Choice("wait")


def test_a_part_of_the_task_whose_button_was_not_pressed_is_not_done() -> None:
    elements, task = [*table(), *screen(("checkbox", "", 30, 300))], parse("Ship order 1043 and tick the box")
    ticked = [Done(deed_of(Choice("click", len(elements) - 1), task, elements, 0, []), ok=True)]
    press = press_instead_of_done(task, elements, ticked)
    assert press is not None
    assert press.element == at(elements, "Ship", 2)
    ticked.append(Done(deed_of(press, task, elements, 1, ticked), ok=True))
    assert press_instead_of_done(task, elements, ticked) is None


@pytest.mark.parametrize("task", ["Tick the box, then the orders ship themselves", "Tick 'Ship order 1043'"])
def test_words_in_passing_press_nothing(task: str) -> None:
    elements, words = [*table(), *screen(("checkbox", "", 30, 300))], parse(task)
    ticked = [Done(deed_of(Choice("click", len(elements) - 1), words, elements, 0, []), ok=True)]
    assert press_instead_of_done(words, elements, ticked) is None

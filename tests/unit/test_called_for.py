"""The embedded model does what the task calls for: nothing grave unasked, words into their field, and no early surrender."""

from __future__ import annotations

import pytest

from edgeagent_harness.protocol.geometry import Rect
from edgeagent_models.embedded.called_for import accounted_for, in_named_field, instead_of_giving_up, uncalled_for
from edgeagent_models.embedded.candidates import Choice
from edgeagent_models.embedded.deeds import deed_of
from edgeagent_models.embedded.instruction import parse
from edgeagent_models.embedded.memory import Done
from edgeagent_models.embedded.phrases import phrase_hits
from edgeagent_models.protocol import Element, ElementState, Role


def element(number: int, role: Role, text: str = "", label: str = "", state: ElementState = "") -> Element:
    return Element(number, role, Rect(0, 40 * number, 200, 40 * number + 30), text, label, state)


PAGE = (
    element(0, "text_field", "Jo", "Full name"), element(1, "text_field", "", "Phone"), element(2, "text_field", "", "About you"),
    element(3, "checkbox", "", "Newsletter", "checked"), element(4, "button", "Update profile"),
    element(5, "button", "Delete account"), element(6, "link", "Help"),
)  # fmt: skip
FAIL, LOOK = Choice("fail"), Choice("page_down")


def typed(task: str, words: str, field: int) -> Choice:
    said = [word.text for word in parse(task).words]
    start = said.index(words.split()[0])
    return Choice("type", field, typed=(start, start + len(words.split()) - 1))


def after(task: str, *choices: Choice) -> list[Done]:
    past = list[Done]()
    for step, choice in enumerate(choices):
        past.append(Done(deed_of(choice, parse(task), PAGE, step, past), ok=True))
    return past


@pytest.mark.parametrize(
    ("task", "press", "forbidden"),
    [
        ("Update the profile", 5, True),
        ("Update the profile", 6, True),
        ("Delete my account", 5, False),
        ("Open the help", 6, False),
        ("Click the first link", 6, False),
        ("Write something about you", 4, False),
    ],
)
def test_nothing_grave_and_no_stray_link_unasked(task: str, press: int, forbidden: bool) -> None:
    assert uncalled_for(Choice("click", press), parse(task), PAGE, []) is forbidden


def test_what_was_typed_is_not_typed_again_elsewhere() -> None:
    task = "Enter the phone number 555 1000 and save"
    past = after(task, typed(task, "555 1000", 1))
    assert uncalled_for(typed(task, "555 1000", 2), parse(task), PAGE, past)
    assert uncalled_for(typed(task, "number 555 1000 and save", 1), parse(task), PAGE, past)
    assert not uncalled_for(typed(task, "555 1000", 1), parse(task), PAGE, past), "trying again is fine"


def test_what_a_named_field_did_not_take_is_typed_beside_no_text() -> None:
    task, page = "Set the phone to 5551000", (*PAGE, element(7, "text", "Saved"))
    assert not uncalled_for(typed(task, "5551000", 7), parse(task), page, [])
    assert uncalled_for(typed(task, "5551000", 7), parse(task), page, after(task, typed(task, "5551000", 1)))


def test_the_name_of_a_box_and_a_fields_own_name_are_not_typed() -> None:
    task = "Uncheck Newsletter"
    assert uncalled_for(typed(task, "Newsletter", 2), parse(task), PAGE, [])
    assert not uncalled_for(typed("Write something", "something", 2), parse("Write something"), PAGE, [])
    page = (*PAGE, element(7, "text", "Phone"), element(8, "text", "12"))
    assert uncalled_for(Choice("type", 1, copied=7), parse(task), page, [])
    assert not uncalled_for(Choice("type", 1, copied=8), parse(task), page, [])


@pytest.mark.parametrize(
    ("task", "forbidden"),
    [("Delete a.txt", True), ("Press Delete", False), ("Use the delete key", False), ("Press Return", False)],
)
def test_what_is_to_be_deleted_asks_for_no_key(task: str, forbidden: bool) -> None:
    instruction = parse(task)
    word = next(i for i, w in enumerate(instruction.words) if w.chord)
    assert uncalled_for(Choice("key_named", word=word), instruction, PAGE, []) is forbidden


def test_words_go_into_the_field_that_their_part_of_the_task_names() -> None:
    task = "Change the name to Ada Byron and update the profile"
    assert in_named_field(typed(task, "Ada Byron", 2), parse(task), PAGE, []).element == 0
    assert in_named_field(typed(task, "Ada Byron", 0), parse(task), PAGE, []).element == 0
    task = "I need Tom Silva registered with phone 12 and name of company none"
    assert in_named_field(typed(task, "Tom Silva", 2), parse(task), PAGE, []).element == 2, "names further on are for other words"
    task = "Write hello there and save"
    assert in_named_field(typed(task, "hello there", 2), parse(task), PAGE, []).element == 2, "none is named"


@pytest.mark.parametrize("choice", [FAIL, LOOK])
@pytest.mark.parametrize(
    ("task", "press"),
    [("Open the help", 6), ("Uncheck Newsletter", 3), ("Please update my profile", 4), ("Untick the Newsletter", 3)],
)
def test_what_is_named_is_pressed_before_it_is_given_up(choice: Choice, task: str, press: int) -> None:
    assert instead_of_giving_up(choice, parse(task), PAGE, []) == Choice("click", press)
    assert instead_of_giving_up(choice, parse(task), PAGE, after(task, Choice("click", press))) != Choice("click", 5)


@pytest.mark.parametrize("task", ["Print the page", "Write 'help' about you", "Tick Newsletter", "Read the newsletter"])
def test_what_is_not_named_or_only_quoted_is_not_pressed(task: str) -> None:
    assert instead_of_giving_up(FAIL, parse(task), PAGE, []) == FAIL


def test_a_task_is_accounted_for_when_each_part_had_its_deed() -> None:
    task = "Clear the phone field and write 555-1000 into it"
    assert accounted_for(parse(task), after(task, typed(task, "555-1000", 1)))
    task = "Enter the phone number 555 and save"
    assert not accounted_for(parse(task), after(task, typed(task, "555", 1)))
    assert not accounted_for(parse(task), [])


@pytest.mark.parametrize(
    ("said", "shown", "found"),
    [
        ("now update the profile", "Update profile", True),
        ("delete my account", "Delete account", True),
        ("open the New York office", "New York", True),
        ("update that other profile", "Update profile", False),
    ],
)
def test_articles_in_the_task_do_not_hide_a_button(said: str, shown: str, found: bool) -> None:
    assert any(hit.score >= 0.9 for hit in phrase_hits(said, shown)) is found

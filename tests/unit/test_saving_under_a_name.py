"""Writing a text and saving it: at the caret, by Save, under the name that the task gives; and no window is closed before."""

from __future__ import annotations

import numpy as np
import pytest
from support.screens import as_image, screen

from edgeagent_harness.protocol.geometry import Rect
from edgeagent_models.embedded.candidates import Choice
from edgeagent_models.embedded.deeds import deed_of
from edgeagent_models.embedded.file_dialogs import closes_early, name_the_file, write_first
from edgeagent_models.embedded.instruction import parse
from edgeagent_models.embedded.memory import Done
from edgeagent_models.perception.labelled import with_labelled_fields
from edgeagent_models.perception.service import Perception
from edgeagent_models.perception.types import TextLine, Widget, Word
from edgeagent_models.protocol import Element, Role

TASK = parse("Write 'hello you' and save it as note.txt")


def element(number: int, role: Role, text: str, label: str = "", x: int = 0) -> Element:
    return Element(number, role, Rect(x, 40 * number, x + 80, 40 * number + 30), text, label)


EDITOR = (element(0, "icon", "x"), element(1, "icon", ""), element(2, "button", "Save"), element(3, "text", "1 hello you"))
DIALOG = (*EDITOR, element(4, "text_field", "Untitled", "Name:"), element(5, "button", "Cancel"), element(6, "button", "Save"))
AWAY, PRESS = Choice("click", 1), Choice("click", 2)
WRITE = Choice("type_focused", typed=(1, 2))
NAME = Choice("type", 4, typed=(7, 7))


def after(*deeds: tuple[Choice, tuple[Element, ...]]) -> list[Done]:
    past = list[Done]()
    for step, (choice, elements) in enumerate(deeds):
        past.append(Done(deed_of(choice, TASK, elements, step, past), ok=True))
    return past


def test_each_step_instead_of_a_click_elsewhere() -> None:
    assert write_first(AWAY, TASK, EDITOR, []) == WRITE
    written = after((WRITE, EDITOR))
    assert name_the_file(AWAY, TASK, EDITOR, written) == PRESS
    assert name_the_file(AWAY, TASK, DIALOG, written) == NAME
    named = after((WRITE, EDITOR), (PRESS, EDITOR), (NAME, DIALOG))
    assert name_the_file(AWAY, TASK, DIALOG, named) == Choice("click", 6), "the dialog's own, not the editor's"


def test_without_a_button_by_the_keyboard_and_only_once() -> None:
    bare = EDITOR[:2]
    written = after((WRITE, bare))
    assert name_the_file(AWAY, TASK, bare, written) == Choice("ctrl+s")
    assert name_the_file(AWAY, TASK, bare, after((WRITE, bare), (Choice("ctrl+s"), bare))) == AWAY


@pytest.mark.parametrize("choice", [WRITE, Choice("type", 3, typed=(1, 2)), Choice("wait")])
def test_what_the_network_does_well_is_left_alone(choice: Choice) -> None:
    assert write_first(choice, TASK, EDITOR, []) == choice
    assert name_the_file(choice, TASK, EDITOR, after((WRITE, EDITOR))) == choice


def test_other_tasks_and_forms_are_left_alone() -> None:
    assert write_first(AWAY, parse("Press the icon"), EDITOR, []) == AWAY
    assert write_first(AWAY, TASK, DIALOG, []) == AWAY, "there is a field to write into"
    form = parse("Enter 'Kim' as the name and press Save")
    assert name_the_file(Choice("click", 6), form, DIALOG, []) == Choice("click", 6)


def test_a_window_that_is_still_needed_is_not_closed() -> None:
    cross = Choice("click", 0)
    assert closes_early(cross, TASK, EDITOR, [])
    assert not closes_early(cross, parse("Close the window"), EDITOR, [])
    assert not closes_early(cross, parse("Write 'a' into b.txt, then close it"), EDITOR, [])
    assert not closes_early(AWAY, TASK, EDITOR, [])
    assert not closes_early(cross, TASK, EDITOR, after((WRITE, EDITOR), (NAME, DIALOG)))


def test_a_focused_field_is_known_by_its_label_and_frame() -> None:
    elements = Perception().look(as_image(screen("save_dialog")))
    (field,) = (e for e in elements if e.label == "Name:")
    assert (field.role, field.text) == ("text_field", "Untitled Document 1")
    assert field.box.width > 1000


def test_a_label_without_a_frame_has_no_field() -> None:
    picture = np.full((100, 300, 3), 255, np.uint8)
    box = Rect(10, 40, 60, 60)
    assert with_labelled_fields(picture, [], [TextLine("Name:", box, (Word("Name:", box),))]) == []
    picture[30:70, [70, 280]] = picture[[30, 69], 70:281] = 0
    assert [w.role for w in with_labelled_fields(picture, [], [TextLine("Name:", box, (Word("Name:", box),))])] == ["text_field"]
    known = [Widget("select", Rect(70, 30, 281, 70))]
    assert with_labelled_fields(picture, known, [TextLine("Name:", box, (Word("Name:", box),))]) == known

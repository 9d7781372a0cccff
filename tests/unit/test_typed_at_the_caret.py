"""What may be typed: at the caret quotations and names, into a field nothing that belongs to another one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from edgeagent_harness.protocol.geometry import Rect
from edgeagent_models.embedded.candidates import Choice
from edgeagent_models.embedded.file_dialogs import name_the_file
from edgeagent_models.embedded.instruction import parse
from edgeagent_models.embedded.memory import Deed, Done
from edgeagent_models.embedded.phrases import quoted_spans
from edgeagent_models.embedded.spans import at_the_caret, snapped, spans_allowed, values_for
from edgeagent_models.protocol import Element, Role


def typed(task: str) -> set[str]:
    instruction = parse(task)
    allowed = at_the_caret(instruction, spans_allowed(instruction))
    return {instruction.span_text(int(start), int(end)) for start, end in np.argwhere(allowed)}


@pytest.mark.parametrize("name", ["note.txt", "grüße_62.txt", "list2", "ana@example.org"])
def test_quotations_and_names(name: str) -> None:
    found = typed(f"Write 'hello you' and save it as {name}")
    assert {"hello you", name} <= found
    assert not found & {"save", "save it as", "Write", f"as {name}"}


def test_without_quotations_any_words() -> None:
    assert {"hello", "save it as", "hello and save"} <= typed("Write hello and save it as note.txt")


def element(role: Role, text: str, label: str) -> Element:
    return Element(0, role, Rect(0, 0, 100, 20), text, label)


def allowed_for(task: str, field: Element, past: Sequence[Done] = ()) -> list[str]:
    instruction = parse(task)
    left = values_for(instruction, field, past, spans_allowed(instruction))
    return [instruction.span_text(int(a), int(b)) for a, b in np.argwhere(left)]


def test_a_value_does_not_run_over_the_name_of_its_field() -> None:
    values = allowed_for("Name Jo, e-mail a@b.cz, phone 555.", element("text_field", "", "Phone"))
    assert "555" in values
    assert "a@b.cz, phone 555" not in values
    assert "My Phone" in allowed_for("Set Phone to My Phone", element("text_field", "", "Phone"))


def test_a_list_is_not_asked_again_for_what_it_did_not_take_nor_for_its_own_name() -> None:
    task, ages = "Choose 30 to 49 as age group", element("select", "Choose…", "Age group")
    refused = Done(Deed("type", 0, typed=(3, 3), role="select", box=ages.box, label="Age group", value="49"), ok=False)
    values = allowed_for(task, ages, [refused])
    assert "30 to 49" in values
    assert "49" not in values
    assert not any("group" in value for value in values)


def test_a_files_name_with_blanks_goes_into_the_dialog_and_not_into_the_text() -> None:
    instruction = parse("Write 'Hi there' and save it as 'my notes (1).txt'")
    text, name = quoted_spans(instruction.source)
    written = [Done(Deed("type_focused", 0, typed=text, value="Hi there"), ok=True)]
    assert name_the_file(Choice("type_focused", typed=name), instruction, [], written) == Choice("ctrl+s")
    dialog = [element("text_field", "", "Name:"), element("button", "Cancel", ""), element("button", "Save", "")]
    saving = [*written, Done(Deed("ctrl+s", 1), ok=True)]
    assert name_the_file(Choice("click", 2), instruction, dialog, saving) == Choice("type", 0, typed=name)


@pytest.mark.parametrize(
    ("task", "first", "name"),
    [
        ("Set the name to Zoë Müller-Ångström, country Poland", 4, "Zoë Müller-Ångström"),
        ("Enter Zoë Press Save", 1, "Zoë"),
        ("Enter Zoë. Monday is free", 1, "Zoë"),
        ("Enter zoë Müller", 1, "zoë"),
    ],
)
def test_a_name_is_typed_as_a_whole(task: str, first: int, name: str) -> None:
    instruction = parse(task)
    assert instruction.span_text(*snapped(instruction, first, first)) == name

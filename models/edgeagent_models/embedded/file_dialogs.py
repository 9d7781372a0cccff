"""Writing a text and saving it under a name: a dialog that asks for one gets the file that the task names, and is confirmed.

Only where the network wants neither; toolkits draw these dialogs in more ways than it was taught.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from edgeagent_models.embedded.candidates import Choice
from edgeagent_models.embedded.instruction import Instruction
from edgeagent_models.embedded.kinds import WITH_TEXT
from edgeagent_models.embedded.memory import Done
from edgeagent_models.embedded.phrases import quoted_spans
from edgeagent_models.protocol import Element

_FILE = re.compile(r"[^\s/]+\.[a-z][a-z0-9]{1,4}", re.IGNORECASE)
_NAMED = re.compile(r"[^/\n]+\.[a-z][a-z0-9]{1,4}", re.IGNORECASE)
"""A quoted one, with blanks."""
_NAME_LABEL = re.compile(r"(file[ -]?)?name:?", re.IGNORECASE)
_WRITE = frozenset({"write", "type", "enter"})
_SAVE = re.compile(r"sav(e|ing)\b", re.IGNORECASE)
_CONFIRM = ("save", "ok")
_CLOSING = re.compile(r"clos(e|ing)|quit|exit|dismiss|cancel|discard|remove|delete|clear|x", re.IGNORECASE)
_CROSSES = frozenset({"x", "close", "×"})


def name_the_file(choice: Choice, instruction: Instruction, elements: Sequence[Element], past: Sequence[Done]) -> Choice:
    """``choice``, or what a dialog that asks for a file's name needs next."""
    field = next((j for j, e in enumerate(elements) if e.role == "text_field" and _NAME_LABEL.fullmatch(e.label)), None)
    confirm = _confirming(elements)
    typed = _typed(past)
    if choice.kind in WITH_TEXT:
        return choice if not _writes_name_into_text(choice, instruction, past) else Choice("ctrl+s")
    files = _files(instruction)
    left = [span for span in files if span[0] not in typed]
    if field is None or confirm is None:
        return _ask_for_name(choice, instruction, elements, past) if left and typed else choice
    if len(left) == 1:
        return Choice("type", field, typed=left[0])
    last = past[-1].deed if past else None
    just_named = last is not None and last.kind in WITH_TEXT and last.typed in files
    return Choice("click", confirm) if just_named else choice


def write_first(choice: Choice, instruction: Instruction, elements: Sequence[Element], past: Sequence[Done]) -> Choice:
    """``choice``, or typing at the caret, where an editor's page is not seen as a field: "Write '…' and save it as FILE"."""
    if choice.kind in (*WITH_TEXT, "wait") or past or any(e.role == "text_field" for e in elements):
        return choice
    words = instruction.words
    begin = next((i for i, word in enumerate(words) if word.quote_start), None)
    if begin is None or words[0].text.casefold() not in _WRITE or not _files(instruction):
        return choice
    end = next(i for i in range(begin, len(words)) if words[i].quote_end)
    return Choice("type_focused", typed=(begin, end))


def closes_early(choice: Choice, instruction: Instruction, elements: Sequence[Element], past: Sequence[Done]) -> bool:
    """Whether ``choice`` would close a window too early: nothing says to, and a file that the task names is not written."""
    if choice.kind != "click" or choice.element is None or elements[choice.element].text.casefold() not in _CROSSES:
        return False
    if any(_CLOSING.fullmatch(word.text) for word in instruction.words):
        return False
    typed = _typed(past)
    return any(start not in typed for start, _ in _files(instruction))


def _files(instruction: Instruction) -> list[tuple[int, int]]:
    """The words that are a file's name: one word, or a quotation with blanks in it."""
    quoted = [(a, b) for a, b in quoted_spans(instruction.source) if a < b and _NAMED.fullmatch(instruction.span_text(a, b))]
    inside = {i for a, b in quoted for i in range(a, b + 1)}
    words = enumerate(instruction.words)
    return sorted([*quoted, *((i, i) for i, word in words if i not in inside and _FILE.fullmatch(word.text))])


def _writes_name_into_text(choice: Choice, instruction: Instruction, past: Sequence[Done]) -> bool:
    """Whether ``choice`` types a file's name after the text, where the text is, before anything was done about saving it."""
    if choice.kind != "type_focused" or choice.typed not in _files(instruction):
        return False
    saves = any(_SAVE.match(word.text) for word in instruction.words)
    return saves and all(done.deed.kind in (*WITH_TEXT, "wait") for done in past) and bool(_typed(past))


def _ask_for_name(choice: Choice, instruction: Instruction, elements: Sequence[Element], past: Sequence[Done]) -> Choice:
    """Instead of a click on something that says nothing of saving: the Save button, or its keys; once."""
    asked = any(done.deed.kind == "ctrl+s" or _SAVE.match(done.deed.text) for done in past)
    if choice.kind != "click" or choice.element is None or asked or _SAVE.match(elements[choice.element].text):
        return choice
    if not any(_SAVE.match(word.text) for word in instruction.words):
        return choice
    button = next((j for j, e in enumerate(elements) if e.role == "button" and e.text.casefold() == "save"), None)
    return Choice("click", button) if button is not None else Choice("ctrl+s")


def _typed(past: Sequence[Done]) -> set[int]:
    """The words of the task that were typed."""
    return {i for done in past if done.deed.typed for i in range(done.deed.typed[0], done.deed.typed[1] + 1)}


def _confirming(elements: Sequence[Element]) -> int | None:
    """The button that ends a dialog: Save or OK, the one nearest to Cancel."""
    cancel = next((e for e in elements if e.role == "button" and e.text.casefold() == "cancel"), None)
    saves = [j for j, e in enumerate(elements) if e.role == "button" and e.text.casefold() in _CONFIRM]
    if cancel is None or not saves:
        return None
    return min(
        saves,
        key=lambda j: abs(elements[j].box.centre.y - cancel.box.centre.y) + abs(elements[j].box.centre.x - cancel.box.centre.x),
    )

"""One plain sentence about what was seen and why an action was chosen."""

from __future__ import annotations

from collections.abc import Sequence

from edgeagent_models.embedded.candidates import Choice, text_of
from edgeagent_models.embedded.instruction import Instruction
from edgeagent_models.embedded.memory import Deed
from edgeagent_models.protocol import Element

_ROLE_WORDS = {
    "text_field": "field", "select": "list", "menu_item": "menu item", "text": "text", "radio": "radio button", "checkbox": "box",
}  # fmt: skip
_GLOBAL = {
    "done": "Everything that was asked for is done.", "fail": "Nothing on the screen fits what is left to do.",
    "ask": "The task does not say how to go on from here.", "wait": "The screen is not ready yet; waiting.",
    "page_down": "What is needed is not in view; looking further down.",
    "page_up": "What is needed is not in view; looking further up.",
    "ctrl+s": "Saving with the keyboard.", "ctrl+a": "Selecting all of it.",
    "ctrl+c": "Copying the selection.", "ctrl+v": "Pasting.",
}  # fmt: skip
_VERBS = {
    "click": "Clicking", "double_click": "Double-clicking", "scroll_down": "Scrolling down in", "scroll_up": "Scrolling up in",
    "hover": "Pointing at", "ctrl_click": "Adding to the selection:", "select_text": "Selecting the text of",
}  # fmt: skip
_LONGEST = 60


def thought(choice: Choice, deed: Deed, instruction: Instruction, elements: Sequence[Element]) -> str:
    """Why ``choice``: the element, and the words of the task that it answers."""
    if choice.element is None:
        if choice.kind == "key_named":
            return f"The task names the key {instruction.words[choice.word or 0].text}."
        if choice.kind == "type_focused":
            return f"Typing {_cut(deed.value)!r} where the caret is."
        return _GLOBAL.get(choice.kind, f"Pressing {choice.kind}.")
    target = name_of(elements[choice.element])
    why = _why(deed, instruction)
    if choice.kind == "type":
        verb = "Choosing" if elements[choice.element].role == "select" else "Entering"
        return f"{verb} {_cut(text_of(choice, instruction, elements))!r} in {target}{why}."
    if choice.kind == "adjust":
        return f"Setting {target} to {_cut(text_of(choice, instruction, elements))}{why}."
    if choice.kind == "drag":
        return f"Dragging {target} to {name_of(elements[choice.drop or 0])}{why}."
    return f"{_VERBS[choice.kind]} {target}{why}."


def name_of(element: Element) -> str:
    """The element in words."""
    noun = _ROLE_WORDS.get(element.role, element.role)
    name = element.label if element.role in ("text_field", "select", "checkbox", "radio", "slider") else element.text
    return (
        f"the {noun} {_cut(name)!r}"
        if name
        else f"the unnamed {noun} at {round(element.box.centre.x)},{round(element.box.centre.y)}"
    )


def _why(deed: Deed, instruction: Instruction) -> str:
    if not deed.said:
        return ""
    start, end = deed.said[0]
    return f": the task says {_cut(instruction.span_text(start, end))!r}"


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"

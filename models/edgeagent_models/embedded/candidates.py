"""Every candidate is a valid action: which kinds fit which element, and how a choice becomes an `Action`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgeagent_harness.protocol.actions import (
    Action,
    AskUser,
    Batch,
    Click,
    Drag,
    Finish,
    Key,
    Move,
    Scroll,
    SingleAction,
    Type,
    Wait,
)
from edgeagent_harness.protocol.geometry import Point, Rect
from edgeagent_harness.protocol.messages import Expectation
from edgeagent_models.embedded.adjusting import ADJUSTABLE, adjusting, inside
from edgeagent_models.embedded.dates import is_date_mask, parse_date, typed_into_mask
from edgeagent_models.embedded.instruction import Instruction
from edgeagent_models.embedded.kinds import ELEMENT_KINDS, GLOBAL_KINDS
from edgeagent_models.protocol import Element

Bools = npt.NDArray[np.bool_]

_TYPE_INTO = frozenset({"text_field", "select", "image", "text"})
"""Into ``text`` too: a field that perception missed is found beside its name."""
_OPEN_LIST_MS = 200
"""Between opening a list box and typing the choice: the list needs a moment to take the keyboard."""
_SCROLL_LINES = 10
_PAGE_SHARE, _LINE_PX = 0.6, 53
"""A page scroll moves this share of the screen; one wheel line moves about this far in Chromium."""
_LOCAL_ROLES = frozenset({"text_field", "checkbox", "radio"})


@dataclass(frozen=True, slots=True)
class Choice:
    """One candidate. ``element`` and ``drop`` are indices; ``typed`` are words of the instruction, inclusive."""

    kind: str
    element: int | None = None
    typed: tuple[int, int] | None = None
    copied: int | None = None
    """The element whose text is typed, instead of words of the instruction."""
    drop: int | None = None
    word: int | None = None
    """The word that names the key to press."""
    again: bool = False
    """The last deed adjusted this too, so that it has the keyboard."""
    beside: tuple[int, ...] = ()
    """The words of the instruction that stand in its row, which tell it from others that look the same."""
    why: str = ""
    """Of a refusal or a question, where more is known than the general words say."""
    doubt: bool = False
    """A wait to see whether the last deed was answered."""


def element_mask(elements: Sequence[Element], words: int) -> Bools:
    """``(N, len(ELEMENT_KINDS))``: what can be done to each element."""
    mask = np.zeros((len(elements), len(ELEMENT_KINDS)), np.bool_)
    for j, element in enumerate(elements):
        for k, kind in enumerate(ELEMENT_KINDS):
            mask[j, k] = _fits(kind, element, len(elements), words)
    return mask


def _fits(kind: str, element: Element, count: int, words: int) -> bool:
    if element.box.area == 0:
        return False
    if kind == "type":
        return words > 0 and (element.role in _TYPE_INTO or is_date_mask(element.text))
    if kind == "drag":
        return count > 1
    if kind == "adjust":
        return words > 0 and element.role in ADJUSTABLE
    return True


def global_mask(instruction: Instruction) -> Bools:
    """``(len(GLOBAL_KINDS),)``: what can be done at no element in particular."""
    named = any(word.chord for word in instruction.words)
    possible = {"key_named": named, "type_focused": bool(instruction.words)}
    return np.array([possible.get(kind, True) for kind in GLOBAL_KINDS], np.bool_)


def text_of(choice: Choice, instruction: Instruction, elements: Sequence[Element]) -> str:
    """What a typing choice types."""
    if choice.copied is not None:
        return elements[choice.copied].text
    if choice.typed is None:
        return ""
    text = instruction.span_text(*choice.typed)
    shown = elements[choice.element].text if choice.element is not None else ""
    day = parse_date(text)
    if day is not None and is_date_mask(shown):
        return typed_into_mask(day, shown)
    return text


def to_action(choice: Choice, instruction: Instruction, elements: Sequence[Element], screen: Rect) -> Action:
    """The action that ``choice`` stands for, its points inside ``screen``."""
    if choice.element is not None:
        return _at_element(choice, instruction, elements, screen)
    centre = inside(screen.centre, screen)
    match choice.kind:
        case "done":
            return Finish("done", "every part of the task is done")
        case "fail":
            return Finish("failed", choice.why or refusal(instruction))
        case "ask":
            return AskUser(choice.why or f"I don't know how to go on with: {instruction.source[:300]}. What should I do next?")
        case "wait":
            return Wait(500)
        case "page_down" | "page_up":
            lines = max(2, round(screen.height * _PAGE_SHARE / _LINE_PX))
            return Scroll(centre, dy=lines if choice.kind == "page_down" else -lines)
        case "key_named":
            return Key(instruction.words[choice.word or 0].chord)
        case "type_focused":
            return Type(text_of(choice, instruction, elements))
        case chord:
            return Key(tuple(chord.split("+")))


def refusal(instruction: Instruction) -> str:
    return f"I can't do this: nothing on the screen fits what is left of {instruction.source[:200]!r}"


def _at_element(choice: Choice, instruction: Instruction, elements: Sequence[Element], screen: Rect) -> Action:
    element = elements[choice.element or 0]
    point = inside(element.box.centre, screen)
    match choice.kind:
        case "double_click":
            return Click(point, count=2)
        case "type":
            if element.role == "text" and not is_date_mask(element.text):
                point = inside(_beside(element, elements), screen)
            return _typing(element, point, text_of(choice, instruction, elements))
        case "adjust":
            return adjusting(element, elements, text_of(choice, instruction, elements), choice.again, screen)
        case "scroll_down" | "scroll_up":
            return Scroll(point, dy=_SCROLL_LINES if choice.kind == "scroll_down" else -_SCROLL_LINES)
        case "hover":
            return Move(point)
        case "ctrl_click":
            return Click(point, modifiers=("ctrl",))
        case "select_text":
            return Click(point, count=3)
        case "drag":
            target = elements[choice.drop if choice.drop is not None else 0]
            return Drag((point, inside(target.box.centre, screen)), duration_ms=300)
        case _:
            return Click(point)


def _typing(element: Element, point: Point, text: str) -> Action:
    steps: list[SingleAction] = [Click(point)]
    if element.role == "select":
        return Batch((Click(point), Wait(_OPEN_LIST_MS), Type(text), Key(("Return",))))
    if not is_date_mask(element.text):  # also where no text was read: it may be hidden or unread
        steps.append(Key(("ctrl", "a")))
    if is_date_mask(element.text):
        steps[0] = Click(_first_part(element, point))
    return Batch((*steps, Type(text)))


def _beside(name: Element, elements: Sequence[Element]) -> Point:
    """Where a field that was not seen should be, judged by where the others are: below its name, or to the right of it."""
    box = name.box
    fields = [e for e in elements if e.role in ("text_field", "select") and e.label]
    if any(_names(e, name) for e in elements if e.role == "text"):
        return box.centre  # it is what stands in the field
    pairs = [(f.box, e.box) for f in fields for e in elements if e.role == "text" and e.text == f.label]
    beside = [field for field, label in pairs if label.right <= field.left + 4]
    if beside:
        nearest = min(beside, key=lambda field: abs(field.top - box.top))
        return Point(max(nearest.left, box.right) + min(30, nearest.width / 3), box.centre.y)
    if pairs:
        return Point(box.left + 20, box.bottom + 0.9 * box.height)
    return Point(box.right + 40, box.centre.y)


def _names(label: Element, text: Element) -> bool:
    """Whether ``label`` stands right above or before ``text``, as the name of a field does."""
    gap_px, height = text.box.top - label.box.bottom, label.box.height
    above = -4 <= gap_px < height and 0 <= text.box.left - label.box.left < 2 * height
    before = label.text.endswith(":") and abs(label.box.top - text.box.top) < height / 2 and label.box.right <= text.box.left
    return label is not text and (above or before)


def _first_part(element: Element, point: Point) -> Point:
    """A date field's first part: typing begins where the click lands."""
    return Point(element.box.left + min(14.0, element.box.width / 6), point.y)


def expectation(choice: Choice, elements: Sequence[Element]) -> Expectation:
    """Where a response to ``choice`` should show."""
    if choice.kind in ("type", "type_focused", "hover", "select_text", "ctrl_click"):
        return "local"
    if choice.kind == "click" and choice.element is not None and elements[choice.element].role in _LOCAL_ROLES:
        return "local"
    return "nothing" if choice.kind == "wait" else "anywhere"

"""What the task calls for: nothing is deleted, sent or paid unasked, words go into the field that they belong to, and before
it is given up, what the task names is pressed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from edgeagent_models.embedded.candidates import Choice
from edgeagent_models.embedded.instruction import Instruction
from edgeagent_models.embedded.matching import same_thing
from edgeagent_models.embedded.memory import Done
from edgeagent_models.embedded.phrases import phrase_hits, word_hits
from edgeagent_models.embedded.text import words_of
from edgeagent_models.protocol import Element

_GRAVE_WORDS = "delete remove erase reset clear discard deactivate unsubscribe format pay buy purchase order send logout"
_GRAVE = frozenset(_GRAVE_WORDS.split())
"""First words of buttons that take something away, or spend, or speak for the user."""
_OFF = frozenset({"uncheck", "untick", "deselect", "unselect", "disable", "unmark"})
_KEYS_THAT_TAKE_AWAY = frozenset({"delete", "backspace"})
_OF_KEYS = frozenset({"press", "hit", "push", "tap", "key", "keys", "strike"})
_FIELDS = frozenset({"text_field", "select"})
_SUPPOSED = frozenset({"text", "image"})
"""Beside these a field is supposed: no place for what a field that the task names did not take."""
_PRESSED = frozenset({"button", "link", "tab", "menu_item"})
_GIVING_UP = frozenset({"fail", "page_down", "page_up"})
_LINKS = frozenset({"link", "links", "result", "results", "page", "any", "every", "each", "word", "last", "item", "entry"})
_NEAR_WORDS = 3
_SHORT = 2
_SURE = 0.9


def uncalled_for(choice: Choice, instruction: Instruction, elements: Sequence[Element], past: Sequence[Done]) -> bool:
    """Whether ``choice`` presses something grave that the task does not name, or types again what stands in another field."""
    if choice.element is None:
        return choice.kind == "key_named" and _is_no_key(instruction, choice.word or 0)
    element = elements[choice.element]
    said = bool(word_hits(instruction.source, element.text) or phrase_hits(instruction.source, element.text))
    if choice.kind == "click" and element.role in ("button", "link"):
        first = next(iter(words_of(element.text)), "").casefold()
        stray = element.role == "link" and len(first) > _SHORT and not _speaks_of_links(instruction)
        return not said and (first in _GRAVE or stray)
    if choice.kind == "type" and choice.copied is not None and elements[choice.copied].text == element.label:
        return True  # its own name
    if choice.kind == "type" and choice.typed is not None and element.role in _SUPPOSED:
        return any(_overlap(done.deed.typed, choice.typed) and done.deed.role in _FIELDS and done.deed.said for done in past)
    if choice.kind == "type" and choice.typed is not None and element.role == "text_field":
        if any(_overlap(done.deed.typed, choice.typed) and done.deed.typed != choice.typed for done in past):
            return True  # a part of what was typed, with words around it
        if word_hits(instruction.source, element.label):
            return False
        if _names_another(choice.typed, instruction, elements):
            return True
        return any(_overlap(done.deed.typed, choice.typed) and not same_thing(element, done) for done in past)
    return False


def _is_no_key(instruction: Instruction, word: int) -> bool:
    """Whether "delete" is what is to be done ("Delete a.txt") and no key to press, which would delete whatever is chosen."""
    words = instruction.words
    around = {words[i].text.casefold() for i in (word - 2, word - 1, word + 1) if 0 <= i < len(words)}
    return words[word].text.casefold() in _KEYS_THAT_TAKE_AWAY and around.isdisjoint(_OF_KEYS)


def _names_another(typed: tuple[int, int], instruction: Instruction, elements: Sequence[Element]) -> bool:
    """Whether the words are, or are a part of, the name of a box: "uncheck Show my e-mail" has nothing to type."""
    if instruction.words[typed[0]].quoted:
        return False
    names = (e.label for e in elements if e.role in ("checkbox", "radio") and e.label)
    hits = (hit for name in names for hit in phrase_hits(instruction.source, name))
    return any(hit.score >= _SURE and hit.start <= typed[0] and typed[1] <= hit.end for hit in hits)


def _speaks_of_links(instruction: Instruction) -> bool:
    """Whether the task may mean links by other words than they say: "the first result", "any link"."""
    return any(word.ordinal or word.text.casefold() in _LINKS for word in instruction.words)


def in_named_field(choice: Choice, instruction: Instruction, elements: Sequence[Element], past: Sequence[Done]) -> Choice:
    """``choice``, or the same words typed into the one field whose label the task names right before them."""
    if choice.kind != "type" or choice.element is None or choice.typed is None:
        return choice
    chosen = elements[choice.element]
    around = _right_before(instruction, choice.typed[0])
    if chosen.role != "text_field" or _names(instruction, chosen.label, around):
        return choice
    others = [
        j
        for j, e in enumerate(elements)
        if e.role == "text_field" and _names(instruction, e.label, around) and not any(same_thing(e, done) for done in past)
    ]
    return replace(choice, element=others[0]) if len(others) == 1 else choice


def instead_of_giving_up(choice: Choice, instruction: Instruction, elements: Sequence[Element], past: Sequence[Done]) -> Choice:
    """``choice``, or, where it gives up or looks elsewhere, a button or a box to untick that the task names."""
    if choice.kind not in _GIVING_UP or any(done.deed.kind in _GIVING_UP for done in past):
        return choice
    used = {i for done in past for span in (*done.deed.said, done.deed.typed) if span for i in range(span[0], span[1] + 1)}
    for j, element in enumerate(elements):
        if element.role == "checkbox" and element.state == "checked" and _is_switched_off(instruction, element.label):
            return Choice("click", j)
        if element.role in _PRESSED and element.state != "disabled" and element.text:
            hits = (hit for hit in phrase_hits(instruction.source, element.text) if hit.score >= _SURE)
            if any(not used.intersection(range(hit.start, hit.end + 1)) and not _quoted(instruction, hit.start) for hit in hits):
                return Choice("click", j)
    return choice


def accounted_for(instruction: Instruction, past: Sequence[Done]) -> bool:
    """Whether each part of the task named or gave the words of something that was done."""
    spans = [span for done in past if done.ok for span in (*done.deed.said, done.deed.typed) if span]
    clauses = {instruction.words[i].clause for start, end in spans for i in range(start, end + 1)}
    return clauses == {word.clause for word in instruction.words}


def _right_before(instruction: Instruction, start: int) -> set[int]:
    """The few words before word ``start``, in its part of the task and back to the last comma: "the name to", "phone:"."""
    words, found = instruction.words, set[int]()
    for i in range(start - 1, max(-1, start - 1 - _NEAR_WORDS), -1):
        if words[i].quoted or words[i].clause != words[start].clause or words[i].trailing not in ("", ":"):
            break
        found.add(i)
    return found


def _is_switched_off(instruction: Instruction, label: str) -> bool:
    """Whether a part of the task that begins with "uncheck" or the like names ``label``."""
    words = instruction.words
    off = {word.clause for word in words if word.text.casefold() in _OFF}
    return bool(label) and any(
        hit.score >= _SURE and words[hit.start].clause in off for hit in phrase_hits(instruction.source, label)
    )


def _names(instruction: Instruction, label: str, words: set[int]) -> bool:
    return any(i in words for i, _ in word_hits(instruction.source, label))


def _quoted(instruction: Instruction, word: int) -> bool:
    """What is quoted is mostly to be written."""
    return instruction.words[word].quoted


def _overlap(one: tuple[int, int] | None, other: tuple[int, int]) -> bool:
    return one is not None and one[0] <= other[1] and other[0] <= one[1]

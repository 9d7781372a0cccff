"""Doubts "done" where a part of the task begins with what a button says ("Ship order 7 and …") and that was never pressed."""

from __future__ import annotations

from collections.abc import Sequence

from edgeagent_models.embedded.candidates import Choice
from edgeagent_models.embedded.instruction import Instruction
from edgeagent_models.embedded.memory import Done
from edgeagent_models.embedded.phrases import phrase_hits
from edgeagent_models.embedded.twins import in_named_row
from edgeagent_models.protocol import Element

_SURE = 0.9
_BY_KEYBOARD = frozenset({"Return", "ctrl+s", "key_named"})
"""After these a button may well have been pressed for all that can be seen."""


def press_instead_of_done(instruction: Instruction, elements: Sequence[Element], past: Sequence[Done]) -> Choice | None:
    """The button to press before "done" is believed; None where every part is accounted for."""
    if not past or any(done.deed.kind in _BY_KEYBOARD for done in past):
        return None
    used = {
        i for done in past for a, b in (*done.deed.said, *([done.deed.typed] if done.deed.typed else [])) for i in range(a, b + 1)
    }
    verbs = _first_words(instruction) - used
    for j, element in enumerate(elements):
        if element.role == "button" and element.state != "disabled" and _says(instruction, element.text, verbs):
            choice = in_named_row(Choice("click", j), instruction, elements, past)
            return choice if choice.kind == "click" else None
    return None


def _first_words(instruction: Instruction) -> set[int]:
    """The word that each clause begins with."""
    words = instruction.words
    return {i for i, word in enumerate(words) if (i == 0 or words[i - 1].clause != word.clause) and not word.quoted}


def _says(instruction: Instruction, text: str, verbs: set[int]) -> bool:
    """Whether the whole of ``text`` is said where a part of the task begins."""
    return any(hit.start in verbs and hit.score >= _SURE for hit in phrase_hits(instruction.source, text))

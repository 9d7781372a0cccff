"""What a new screen tells of the deeds before it: a choice that was not taken, a refusal, a box that is ticked already."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from edgeagent_models.embedded.complaints import complaint
from edgeagent_models.embedded.instruction import Instruction
from edgeagent_models.embedded.matching import same_thing
from edgeagent_models.embedded.memory import Deed, Done, Memory
from edgeagent_models.embedded.parts import parts_of
from edgeagent_models.embedded.phrases import phrase_hits
from edgeagent_models.embedded.text import similarity, squashed
from edgeagent_models.protocol import Element

_SURE = 0.9
_GUESSED = frozenset({"text", "image"})
"""Beside these a field was only supposed."""
_VALUED = frozenset({"text_field", "select"})


def noticed(memory: Memory, instruction: Instruction, elements: Sequence[Element]) -> Memory:
    """``memory`` with what ``elements`` say of it, before the next decision."""
    deeds = memory.deeds
    if deeds and _not_taken(deeds[-1], elements):
        deeds = (*deeds[:-1], msgspec.structs.replace(deeds[-1], took=False))
    met = tuple(sorted({*memory.met, *_met(instruction, elements)}))
    return msgspec.structs.replace(memory, deeds=deeds, met=met, complaint=complaint(instruction.source, elements, memory))


def _not_taken(deed: Deed, elements: Sequence[Element]) -> bool:
    """Whether what was typed or chosen is not there: it left the words that stood there, emptied a field, or went nowhere."""
    if deed.kind != "type" or not deed.value:
        return False
    if deed.role in _GUESSED:
        return bool(squashed(deed.value)) and not any(squashed(deed.value) in squashed(e.text) for e in elements)
    if deed.role not in _VALUED or not deed.text or similarity(deed.text, deed.value) > 0:
        return False
    here = [e for e in elements if e.role == deed.role and same_thing(e, Done(deed, ok=True))]
    return any(e.text == deed.text or (not e.text and e.role == "text_field") for e in here)


def _met(instruction: Instruction, elements: Sequence[Element]) -> Iterator[int]:
    """The words of the task that name what is so already: a box in the state that is asked for, a field that holds its value."""
    for element in elements:
        if element.role in ("checkbox", "radio") and element.label:
            for hit in phrase_hits(instruction.source, element.label):
                if hit.score >= _SURE and _is_as_asked(instruction, element, hit.start):
                    yield from range(hit.start, hit.end + 1)
        elif element.role in _VALUED and element.text:
            for hit in phrase_hits(instruction.source, element.text):
                if hit.score >= _SURE:
                    yield from range(hit.start, hit.end + 1)


def _is_as_asked(instruction: Instruction, element: Element, word: int) -> bool:
    part = next((part for part in parts_of(instruction.source) if part.start <= word <= part.end), None)
    asked = True if part is None or part.switched is None else part.switched
    return (element.state == "checked") == asked

"""Boxes and switches whose state is not what the task says come before the button that ends the page."""

from __future__ import annotations

from collections.abc import Sequence

from edgeagent_models.embedded.candidates import Choice
from edgeagent_models.embedded.instruction import Instruction
from edgeagent_models.embedded.matching import same_thing
from edgeagent_models.embedded.memory import Done
from edgeagent_models.embedded.parts import parts_of
from edgeagent_models.embedded.phrases import phrase_hits
from edgeagent_models.protocol import Element

_SURE = 0.9
_ENDING = frozenset({"done", "fail", "ask"})
_TRIES = 2


def switch_first(choice: Choice, instruction: Instruction, elements: Sequence[Element], past: Sequence[Done]) -> Choice:
    """``choice``, or, where it ends the page, the box whose state is not what the task says."""
    ends = choice.kind in _ENDING or (
        choice.kind == "click" and choice.element is not None and elements[choice.element].role == "button"
    )
    if not ends:
        return choice
    for part in parts_of(instruction.source):
        for j, element in enumerate(elements):
            if part.switched is None or element.role != "checkbox" or (element.state == "checked") == part.switched:
                continue
            hits = phrase_hits(instruction.source, element.label)
            named = any(hit.score >= _SURE and part.start <= hit.start and hit.end <= part.end for hit in hits)
            if named and sum(same_thing(element, done) for done in past) < _TRIES:
                return Choice("click", j)
    return choice

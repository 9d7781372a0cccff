"""Doubts "done" where a button press went unanswered: the button and what was typed are still there, and nothing new was said.

A dialog takes a press only when it is ready for it (a file dialog's Save button is not, for a moment after a name was typed),
and a pressed look shows that the pointer arrived, not that the button did its work.
"""

from __future__ import annotations

from collections.abc import Sequence

from edgeagent_models.embedded.candidates import Choice
from edgeagent_models.embedded.kinds import WITH_TEXT
from edgeagent_models.embedded.matching import same_thing
from edgeagent_models.embedded.memory import Deed, Done, Memory, says_news
from edgeagent_models.embedded.text import similarity
from edgeagent_models.protocol import Element

_MOST_PRESSES = 3
_AS_TYPED = 0.7
"""Likeness of a value that was typed and is read again."""


def instead_of_done(elements: Sequence[Element], memory: Memory, past: Sequence[Done]) -> Choice | None:
    """What to do before "done" is believed: wait, press again, in the end give up. None where nothing speaks against it."""
    presses = _presses(past)
    if not presses or not _shows_what_was_typed(elements, past):
        return None
    button = next((j for j, e in enumerate(elements) if e.role == "button" and same_thing(e, past[presses[-1]])), None)
    later = [done.deed for done in past[presses[-1] + 1 :]]
    if button is None or _answered(later, elements, memory):
        return None
    if not later:
        return Choice("wait", doubt=True)
    if len(presses) < _MOST_PRESSES:
        return Choice("click", button)
    return Choice("fail", why=f"I pressed {elements[button].text!r} {len(presses)} times, and nothing on the screen answered")


def _presses(past: Sequence[Done]) -> list[int]:
    """Indices of the presses of the button that was pressed last, since something was typed."""
    typed = max((i for i, done in enumerate(past) if done.deed.kind in WITH_TEXT), default=-1)
    presses = [i for i, done in enumerate(past) if i > typed >= 0 and done.deed.kind == "click" and done.deed.role == "button"]
    return [i for i in presses if past[i].deed.box == past[presses[-1]].deed.box]


def _answered(later: Sequence[Deed], elements: Sequence[Element], memory: Memory) -> bool:
    """Whether something new was said right after the press, or after the wait that gave it time."""
    soon = next((i for i, deed in enumerate(later) if not deed.doubt), len(later))
    return any(deed.news for deed in later[: soon + 1]) or (soon == len(later) and says_news(memory, elements))


def _shows_what_was_typed(elements: Sequence[Element], past: Sequence[Done]) -> bool:
    values = {done.deed.value for done in past if done.deed.value}
    return any(similarity(element.text, value) > _AS_TYPED for element in elements for value in values)

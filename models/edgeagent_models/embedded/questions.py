"""Doubts "done" where the last deed brought up a question ("Do you want to replace it?"): it is answered, or handed to the user.

It is answered only where the answer is known: the task says it, or the question is about what the session itself wrote on a
desktop that is gone (a file that was saved before a resume).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from edgeagent_harness.protocol.actions import Action, Batch, Type
from edgeagent_models.embedded.candidates import Choice
from edgeagent_models.embedded.memory import Memory, fingerprint
from edgeagent_models.embedded.phrases import phrase_hits
from edgeagent_models.embedded.text import words_of
from edgeagent_models.protocol import Element, PastStep

_LEAST_LETTERS = 2
_SURE = 0.9
_ANSWERS = ("button", "text", "link")
"""Buttons without a frame are seen as text."""
_LONGEST_ANSWER = 3
"""Words."""
_YES = frozenset({("yes",), ("ok",), ("confirm",), ("continue",)})
_NO = frozenset({("no",), ("cancel",)})
_ACTION = msgspec.json.Decoder(Action)


@dataclass(frozen=True, slots=True)
class _Question:
    text: str
    yes: int
    """The button that agrees: the question names it, or it says Yes."""
    asked: str
    """The words that end with the question mark."""


def answer_instead_of_done(task: str, elements: Sequence[Element], memory: Memory, own: Sequence[str]) -> Choice | None:
    """What to do about a question that has just come up; ``own`` are texts that the session typed before its desktop was lost."""
    question = _asked(elements, memory)
    if question is None:
        return None
    agreed = any(hit.score > _SURE for hit in phrase_hits(task, elements[question.yes].text)) or _says(task, question.asked)
    if agreed or any(text in question.text for text in own if len(text) >= _LEAST_LETTERS):
        return Choice("click", question.yes)
    return Choice("ask", why=f"The screen asks: {question.text} What should I answer?")


def typed_before(memory: Memory, history: Sequence[PastStep]) -> list[str]:
    """What the steps typed that ``memory`` knows nothing of: those on an earlier desktop."""
    first = min((deed.step for deed in memory.deeds), default=len(history))
    actions = [_ACTION.decode(step.action_json) for step in history[:first] if step.effect != "refused"]
    parts = [part for action in actions for part in (action.actions if isinstance(action, Batch) else (action,))]
    return [part.text for part in parts if isinstance(part, Type)]


def _asked(elements: Sequence[Element], memory: Memory) -> _Question | None:
    seen = set(memory.seen)
    news = [j for j, e in enumerate(elements) if e.role in _ANSWERS and e.text and fingerprint(e) not in seen]
    last = next((k for k, j in enumerate(news) if elements[j].text.endswith("?")), None)
    if not seen or last is None:
        return None
    said = " ".join(elements[j].text for j in news[: last + 1])
    answers = {j: words_of(elements[j].text) for j in news[last + 1 :]}
    yes = next((j for j, answer in answers.items() if _names(said, answer)), None)
    if yes is None and any(answer in _NO for answer in answers.values()):
        yes = next((j for j, answer in answers.items() if answer in _YES), None)
    return None if yes is None else _Question(said, yes, elements[news[last]].text)


def _says(task: str, asked: str) -> bool:
    """Whether the task says each word of the question: "Delete a.txt?" of "Delete a.txt"."""
    return len(words_of(asked)) > 1 and set(words_of(asked)) <= set(words_of(task))


def _names(said: str, answer: tuple[str, ...]) -> bool:
    return 0 < len(answer) <= _LONGEST_ANSWER and set(answer) <= set(words_of(said))

"""Notes a choice down: which words of the instruction it used up, and what it was aimed at."""

from __future__ import annotations

from collections.abc import Sequence

from edgeagent_models.embedded.candidates import Choice, text_of
from edgeagent_models.embedded.instruction import Instruction
from edgeagent_models.embedded.memory import Deed, Done
from edgeagent_models.embedded.phrases import phrase_hits, word_hits
from edgeagent_models.protocol import Element

Span = tuple[int, int]


def deed_of(choice: Choice, instruction: Instruction, elements: Sequence[Element], step: int, past: Sequence[Done]) -> Deed:
    """``choice`` as it is remembered."""
    value = text_of(choice, instruction, elements)
    if choice.element is None:
        said = ((choice.word, choice.word),) if choice.word is not None else ()
        return Deed(choice.kind, step, choice.typed, said, value=value, doubt=choice.doubt)
    element = elements[choice.element]
    used = [span for done in past for span in (*done.deed.said, *([done.deed.typed] if done.deed.typed else []))]
    return Deed(
        kind=choice.kind,
        step=step,
        typed=choice.typed,
        said=(*_said(choice, instruction, element, used), *((i, i) for i in choice.beside)),
        role=element.role,
        box=element.box,
        text=element.text,
        label=element.label,
        value=value,
    )


def _said(choice: Choice, instruction: Instruction, element: Element, used: Sequence[Span]) -> tuple[Span, ...]:
    """The place(s) in the instruction that named the element: its text for a click, its label for a field."""
    names = [element.label] if choice.kind == "type" else [element.text, element.label]
    spans = [span for name in names if name for span in _mentions(instruction, name, choice.typed, used)]
    return tuple(dict.fromkeys(spans))


def _mentions(instruction: Instruction, name: str, typed: Span | None, used: Sequence[Span]) -> list[Span]:
    hits = [h for h in phrase_hits(instruction.source, name) if h.score > 0.7]
    if not hits:
        return [(i, i) for i, score in word_hits(instruction.source, name) if score > 0.75 and not _within(i, typed)]
    if typed is not None:
        best = min(hits, key=lambda h: (_overlap((h.start, h.end), typed), min(abs(h.start - typed[1]), abs(h.end - typed[0]))))
    else:
        best = min(hits, key=lambda h: (any(_overlap((h.start, h.end), u) for u in used), -h.score, h.start))
    return [(best.start, best.end)]


def _within(i: int, span: Span | None) -> bool:
    return span is not None and span[0] <= i <= span[1]


def _overlap(a: Span, b: Span) -> bool:
    return a[0] <= b[1] and b[0] <= a[1]

"""Texts that stand on no screen but follow from one and can be typed: a sum, the k-th word of a text, a quotation in capitals."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from edgeagent_models.embedded.fragments import echoed
from edgeagent_models.embedded.instruction import Word, parse
from edgeagent_models.embedded.phrases import quoted_spans
from edgeagent_models.protocol import Element

DERIVED_SCORE = 0.2
"""The score of a derived text; nothing that perception finds has less."""
_SUM = re.compile(r"(\d{1,6})\s*([+\-−–*x×÷/])\s*(\d{1,6})\s*=?\s*[?_]?")
_LAST = "last"
_UPPER = re.compile(r"\b(upper[ -]?case|capital letters|capitals|all caps)\b", re.IGNORECASE)
_LOWER = re.compile(r"\b(lower[ -]?case|small letters)\b", re.IGNORECASE)


def with_derived(task: str, elements: tuple[Element, ...]) -> tuple[Element, ...]:
    """``elements``, and behind them what follows from them."""
    found = [*_sums(elements), *_words(task, elements), *_cased(task, elements)]
    numbered = [Element(len(elements) + k, "text", e.box, e.text, score=DERIVED_SCORE) for k, e in enumerate(found)]
    return (*elements, *numbered)


def _sums(elements: Sequence[Element]) -> list[Element]:
    found: list[Element] = []
    for element in elements:
        match = _SUM.fullmatch(element.text.strip())
        result = _result(int(match[1]), match[2], int(match[3])) if match else None
        if result is not None:
            found.append(Element(0, "text", element.box, str(result)))
    return found


def _result(left: int, sign: str, right: int) -> int | None:
    if sign == "+":
        return left + right
    if sign in "-−–":
        return left - right
    if sign in "*x×":
        return left * right
    return left // right if right and left % right == 0 else None


def _words(task: str, elements: Sequence[Element]) -> list[Element]:
    """The word of the paragraph that the task asks for by its place."""
    place = _asked_place(parse(task).words)
    if place is None:
        return []
    hidden = echoed(task, elements)
    lines = [
        e for j, e in enumerate(elements) if j not in hidden and (e.role == "text" or (e.role == "text_field" and " " in e.text))
    ]
    words = [(word, line) for line in lines if len(line.text.strip()) > 1 for word in line.text.split()]
    if not words or place > len(words):
        return []
    word, line = words[place - 1]
    return [Element(0, "text", line.box, word.strip(".,;:!?\"'"))]


def _cased(task: str, elements: Sequence[Element]) -> list[Element]:
    """What the task quotes, in the letters that it asks for."""
    upper, lower = _UPPER.search(task), _LOWER.search(task)
    if not elements or bool(upper) == bool(lower):
        return []
    said = [parse(task).span_text(start, end) for start, end in quoted_spans(task)]
    wanted = dict.fromkeys(text.upper() if upper else text.lower() for text in said)
    return [Element(0, "text", elements[0].box, text) for text in wanted if text not in said]


def _asked_place(words: Sequence[Word]) -> int | None:
    """7 for "the 7th word", 0 for "the last word", None where no word is asked for by its place."""
    for before, word in pairwise(words):
        if word.text.casefold() == "word" and (before.ordinal or before.text.casefold() == _LAST):
            return before.ordinal
    return None

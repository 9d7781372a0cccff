"""Which words of the task may be typed: ranges of words, and which of them fit the field."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from edgeagent_models.embedded.dates import parse_date
from edgeagent_models.embedded.instruction import Instruction, Word
from edgeagent_models.embedded.matching import same_thing
from edgeagent_models.embedded.memory import Done
from edgeagent_models.embedded.parts import ORDERS
from edgeagent_models.embedded.phrases import phrase_hits
from edgeagent_models.protocol import Element

Bools = npt.NDArray[np.bool_]

_LONGEST_TYPED, _DATE_WORDS = 60, 5
_NAME = re.compile(r".*\w[.@]\w.*|.*\d.*")
"""A word that is more than a word of the language: a file's name, an address, a number."""
_SURE = 0.9


def spans_allowed(instruction: Instruction) -> Bools:
    """``(L, L)``: word ranges that can be meant: inside one quotation, or without any quoted word, and not too long."""
    words = instruction.words
    quote = np.cumsum([word.quote_start for word in words]) * np.array([word.quoted for word in words])
    quoted_before = np.concatenate([[0], np.cumsum([word.quoted for word in words])])
    length = len(words)
    reach = np.arange(length)[None, :] - np.arange(length)[:, None]
    inside = quoted_before[1:][None, :] - quoted_before[:-1][:, None]
    same = (quote[:, None] == quote[None, :]) & ((quote[:, None] > 0) | (inside == 0))
    return same & (reach >= 0) & (reach < _LONGEST_TYPED)


def at_the_caret(instruction: Instruction, allowed: Bools) -> Bools:
    """Of ``allowed``, what can be typed without a field: where the task quotes, quotations and names like a file's."""
    words = instruction.words
    quoted = np.array([word.quoted for word in words])
    if not quoted.any():
        return allowed
    name = np.array([_NAME.fullmatch(word.text) is not None for word in words])
    return allowed & (quoted[:, None] | (name[:, None] & np.eye(len(words), dtype=np.bool_)))


def values_for(instruction: Instruction, element: Element, past: Sequence[Done], allowed: Bools) -> Bools:
    """Of ``allowed``, what may be the value of ``element``: not what it did not take before, nor what runs over its own name."""
    left = allowed.copy()
    for done in past:
        if done.deed.typed is not None and not done.ok and same_thing(element, done):
            left[done.deed.typed] = False
    words = instruction.words
    named = [hit for hit in phrase_hits(instruction.source, element.label) if hit.score >= _SURE and not words[hit.start].quoted]
    first = min((hit.start for hit in named), default=0)
    if first > 0 and words[first - 1].trailing == ",":  # "e-mail a@b.cz, phone 555": no value of Phone begins before its name
        left[:first, first:] = False
    if element.role == "select":  # nor does a list offer its own name
        for hit in named:
            left[: hit.end + 1, hit.start :] = False
    return left if left.any() else allowed


def date_spans(instruction: Instruction) -> Bools:
    """``(L, L)``: word ranges that are a date."""
    length = len(instruction.words)
    found = np.zeros((length, length), np.bool_)
    for start in range(length):
        for end in range(start, min(start + _DATE_WORDS, length)):
            found[start, end] = parse_date(instruction.span_text(start, end)) is not None
    return found


def snapped(instruction: Instruction, start: int, end: int) -> tuple[int, int]:
    """The span, grown to whole quotes and whole names: what belongs together is typed as a whole."""
    words = instruction.words
    if words[start].quoted and words[end].quoted:
        while not words[start].quote_start and start > 0:
            start -= 1
        while not words[end].quote_end and end < len(words) - 1:
            end += 1
    elif start > 0 and _is_name(words[start]) and _is_name(words[end]):
        while end < len(words) - 1 and not words[end].trailing and _is_name(words[end + 1]):
            end += 1
    return start, end


def _is_name(word: Word) -> bool:
    """A word with a capital that gives no order: "Müller" of "Zoë Müller", and not the "Press" of "Zoë Press Save"."""
    return not word.quoted and word.text[:1].isupper() and word.text.casefold() not in ORDERS

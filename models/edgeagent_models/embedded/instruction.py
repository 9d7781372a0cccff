"""A task in words, cut into words that can be copied exactly, with quotes, clauses, ordinals and key chords marked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

MAX_WORDS = 200
"""Longer instructions are cut; the policy fails and says so, rather than to guess at the rest."""

_WORD = re.compile(r"\S+")
_OPENERS = "\"'“‘«„(["
_CLOSERS = "\"'”’»“)]"
_QUOTED = re.compile(
    r"\"([^\"\n]+)\"|“([^”\n]+)”|«\s*([^»\n]+?)\s*»|„([^“”\n]+)[“”]|(?<![\w])'([^'\n]+(?:'(?=\w)[^'\n]*)*)'(?!\w)|‘([^’\n]+)’"
)
_TRAILING = ".,;:"
_CLAUSE_WORDS = frozenset({"then", "and", "after", "afterwards", "finally", "next", "before", "once", "when", "if"})
_ORDINALS = {
    "first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8, "ninth": 9, "tenth": 10,
}  # fmt: skip
_ORDINAL = re.compile(r"#?(\d{1,2})(?:st|nd|rd|th)")
_MODIFIERS = {"ctrl": "ctrl", "control": "ctrl", "strg": "ctrl", "alt": "alt", "shift": "shift", "super": "super"}
_KEYS = {
    "return": "Return", "enter": "Return", "escape": "Escape", "esc": "Escape", "tab": "Tab",
    "backspace": "BackSpace", "delete": "Delete", "home": "Home", "end": "End", "pageup": "Prior", "pagedown": "Next",
    "space": "space",
    "up": "Up", "down": "Down", "left": "Left",
    "right": "Right",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Word:
    """One word of the instruction. ``start:end`` are the characters that are copied when it is typed."""

    text: str
    start: int
    end: int
    quoted: bool
    quote_start: bool
    quote_end: bool
    trailing: str
    """Punctuation between it and the next word."""
    clause: int
    """Which clause it is in, counted from 0."""
    ordinal: int = 0
    """3 for "third" and "3rd"; 0 if it is none."""
    chord: tuple[str, ...] = ()
    """The keys to press if it names a key."""


@dataclass(frozen=True, slots=True)
class Instruction:
    """A parsed task."""

    source: str
    words: tuple[Word, ...]
    cut: bool = False
    """It has more than `MAX_WORDS`."""

    def span_text(self, start: int, end: int) -> str:
        """The characters from word ``start`` to word ``end`` (inclusive), exactly as the user wrote them."""
        return self.source[self.words[start].start : self.words[end].end]

    @property
    def clauses(self) -> tuple[str, ...]:
        """The text of each clause, for messages."""
        found: dict[int, tuple[int, int]] = {}
        for word in self.words:
            start, _ = found.get(word.clause, (word.start, 0))
            found[word.clause] = (start, word.end)
        return tuple(self.source[start:end] for start, end in found.values())


def quoted_ranges(source: str) -> list[tuple[int, int]]:
    """Where ``source`` quotes something: character ranges without the quotation marks."""
    ranges: list[tuple[int, int]] = []
    for match in _QUOTED.finditer(source):
        group = next(i for i in range(1, 7) if match[i] is not None)
        ranges.append(match.span(group))
    return ranges


@lru_cache(maxsize=256)
def parse(source: str) -> Instruction:
    """``source`` as words. Never fails; an empty text has no words."""
    quotes = quoted_ranges(source)
    tokens = [piece for match in _WORD.finditer(source) for piece in _split_token(source, match.start(), match.end(), quotes)]
    words: list[Word] = []
    clause = 0
    for start, end in tokens[:MAX_WORDS]:
        inside = next((q for q in quotes if q[0] <= start and end <= q[1]), None)
        bare = source[start:end].casefold()
        if words and inside is None and _starts_clause(words[-1], bare):
            clause += 1
        words.append(_word(source, start, end, inside, clause))
    return Instruction(source, tuple(_with_trailing(source, words)), len(tokens) > MAX_WORDS)


def _split_token(source: str, start: int, end: int, quotes: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The copyable part(s) of the whitespace-free run ``start:end``."""
    inside = next((q for q in quotes if q[0] < end and start < q[1]), None)
    if inside is None:
        while start < end and source[start] in _OPENERS:
            start += 1
        while start < end and (source[end - 1] in _TRAILING or source[end - 1] in _CLOSERS or source[end - 1] in "!?"):
            if source[end - 1] in "!?" and not source[start : end - 1].isalpha():
                break
            end -= 1
        return [(start, end)] if start < end else []
    parts = [*_outside(source, start, min(end, inside[0])), (max(start, inside[0]), min(end, inside[1]))]
    if end > inside[1]:
        parts += _split_rest(source, inside[1], end, quotes)
    return [(a, b) for a, b in parts if a < b]


def _outside(source: str, start: int, end: int) -> list[tuple[int, int]]:
    """A word glued to an opening quotation mark, as in ``name="x"``."""
    while start < end and not source[end - 1].isalnum():
        end -= 1
    return [(start, end)] if start < end else []


def _split_rest(source: str, start: int, end: int, quotes: list[tuple[int, int]]) -> list[tuple[int, int]]:
    while start < end and not source[start].isalnum() and not any(q[0] == start for q in quotes):
        start += 1
    return _split_token(source, start, end, quotes) if start < end else []


def _starts_clause(previous: Word, bare: str) -> bool:
    return bare in _CLAUSE_WORDS


def _word(source: str, start: int, end: int, inside: tuple[int, int] | None, clause: int) -> Word:
    text = source[start:end]
    return Word(
        text=text,
        start=start,
        end=end,
        quoted=inside is not None,
        quote_start=inside is not None and start == inside[0],
        quote_end=inside is not None and end == inside[1],
        trailing="",
        clause=clause,
        ordinal=_ordinal(text),
        chord=chord_of(text) if inside is None else (),
    )


def _with_trailing(source: str, words: list[Word]) -> list[Word]:
    """The words with what stands behind each, and clauses counted on at sentence ends and list separators too."""
    result: list[Word] = []
    extra = 0
    for i, word in enumerate(words):
        following = words[i + 1].start if i + 1 < len(words) else len(source)
        between = source[word.end : following]
        trailing = next((c for c in between if c in ".,;:!?\n-"), "")
        result.append(_replace(word, trailing, word.clause + extra))
        if any(c in between for c in ".;\n!?") and i + 1 < len(words):
            extra += 1
    return result


def _replace(word: Word, trailing: str, clause: int) -> Word:
    return Word(
        word.text, word.start, word.end, word.quoted, word.quote_start, word.quote_end, trailing, clause, word.ordinal, word.chord
    )  # fmt: skip


def _ordinal(text: str) -> int:
    lowered = text.casefold()
    if lowered in _ORDINALS:
        return _ORDINALS[lowered]
    match = _ORDINAL.fullmatch(lowered)
    return int(match[1]) if match else 0


def chord_of(text: str) -> tuple[str, ...]:
    """The keys that ``text`` names (``Ctrl+S``, ``Escape``, ``F5``), or none."""
    pieces = [piece for piece in re.split(r"\s*[+]\s*|(?<=\w)-(?=\w)", text.strip().casefold()) if piece]
    if not pieces or not all(piece in _MODIFIERS for piece in pieces[:-1]):
        return ()
    last = pieces[-1]
    key = _KEYS.get(last) or (last.upper() if re.fullmatch(r"f\d{1,2}", last) else None)
    if key is None and len(pieces) > 1 and len(last) == 1:
        key = last
    return (*[_MODIFIERS[piece] for piece in pieces[:-1]], key) if key else ()

"""Where in the instruction a text of the screen is mentioned."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from edgeagent_models.embedded.instruction import Instruction, parse
from edgeagent_models.embedded.text import is_truncation, plain, similarity, squashed, words_of

_STOP_WORDS = "a an the of in on to for and or as at by with is are be it its this that from into then your you please i my all"
_STOP = frozenset(_STOP_WORDS.split())
_ARTICLES = frozenset({"the", "a", "an", "my", "your", "this"})
_WITHOUT_ARTICLES = 0.9
"""Likeness of "update the profile" to a button that says "Update profile"."""
_LONGEST_PHRASE = 24
"""Words; a longer text on the screen is prose, compared word by word only."""


@dataclass(frozen=True, slots=True)
class Hit:
    """Words ``start`` to ``end`` (inclusive) say a text of the screen with likeness ``score``."""

    start: int
    end: int
    score: float


@lru_cache(maxsize=32_768)
def phrase_hits(source: str, shown: str) -> tuple[Hit, ...]:
    """All places where the whole of ``shown`` is said in the instruction ``source``."""
    instruction = parse(source)
    target = squashed(shown)
    if not target:
        return _symbol_hits(instruction, shown)
    if len(words_of(shown)) > _LONGEST_PHRASE:
        return ()
    slack = len(target) // 5
    hits: list[Hit] = []
    for start in range(len(instruction.words)):
        hits.extend(_hits_from(instruction, start, shown, target, slack))
    return tuple(_best_only(hits))


def _symbol_hits(instruction: Instruction, shown: str) -> tuple[Hit, ...]:
    wanted = shown.strip()
    return tuple(Hit(i, i, 1.0) for i, word in enumerate(instruction.words) if wanted and word.text == wanted)


def _hits_from(instruction: Instruction, start: int, shown: str, target: str, slack: int) -> list[Hit]:
    """Windows that begin at word ``start``: grown until they are longer than the target may be."""
    hits: list[Hit] = []
    said = bare = ""
    first_is_article = instruction.words[start].text.casefold() in _ARTICLES
    for end in range(start, min(len(instruction.words), start + _LONGEST_PHRASE)):
        piece = squashed(instruction.words[end].text)
        said += piece
        article = instruction.words[end].text.casefold() in _ARTICLES
        bare += "" if article else piece
        if bare == target != said and not article and end > start and not first_is_article:
            hits.append(Hit(start, end, _WITHOUT_ARTICLES))
        if len(said) > len(target) + slack:
            break
        if not piece or len(said) < len(target) - slack:
            if said and shown.rstrip().endswith(("…", "..")) and is_truncation(shown, instruction.span_text(start, end)):
                hits.append(Hit(start, end, 0.8))
            continue
        score = _window_score(instruction, start, end, said, shown, target)
        if score > 0:
            hits.append(Hit(start, end, score))
    return hits


def _window_score(instruction: Instruction, start: int, end: int, said: str, shown: str, target: str) -> float:
    if said == target:
        text = instruction.span_text(start, end)
        if text == shown.strip():
            return 1.0
        return 0.97 if plain(text) == plain(shown) else 0.9
    if len(target) < 5 or (said[0] != target[0] and said[-1] != target[-1]):
        return 0.0
    return 0.95 * similarity(instruction.span_text(start, end), shown)


def _best_only(hits: list[Hit]) -> list[Hit]:
    """Overlapping windows of one text: the best of them."""
    kept: list[Hit] = []
    for hit in sorted(hits, key=lambda h: -h.score):
        if all(hit.end < other.start or other.end < hit.start for other in kept):
            kept.append(hit)
    return kept


@lru_cache(maxsize=32_768)
def word_hits(source: str, shown: str) -> tuple[tuple[int, float], ...]:
    """Words of the instruction that occur in ``shown``, stop words aside, with the likeness of each."""
    texts = {squashed(word) for word in words_of(shown)} - {""}
    if not texts:
        return ()
    hits: list[tuple[int, float]] = []
    for i, word in enumerate(parse(source).words):
        folded = squashed(word.text)
        if not folded or word.text.casefold() in _STOP:
            continue
        if folded in texts:
            hits.append((i, 1.0))
        elif len(folded) >= 5:
            near = max((_alike(folded, t) for t in texts if t[0] == folded[0]), default=0.0)
            if near > 0.7:
                hits.append((i, near))
    return tuple(hits)


def _alike(said: str, shown: str) -> float:
    """Likeness of two folded words: another form of a word is nearly the same ("called", "call")."""
    shorter, longer = sorted((said, shown), key=len)
    if len(shorter) >= 4 and longer.startswith(shorter) and len(longer) - len(shorter) <= 4:
        return 0.85
    shared = next((k for k, (a, b) in enumerate(zip(said, shown, strict=False)) if a != b), len(shorter))
    if shared >= 6 and len(longer) - shared <= 3:
        return 0.75
    return similarity(said, shown) if abs(len(said) - len(shown)) <= 2 else 0.0


@dataclass(frozen=True, slots=True)
class Edges:
    """How a quoted part of the instruction sits in a text: ``begins`` it, ``finishes`` it, or lies ``within``."""

    start: int
    end: int
    begins: bool
    finishes: bool
    within: bool


@lru_cache(maxsize=32_768)
def edge_hits(source: str, shown: str) -> tuple[Edges, ...]:
    """How each quoted part of the instruction sits in ``shown``; only those that do."""
    folded = squashed(shown)
    if not folded:
        return ()
    found: list[Edges] = []
    for start, end in quoted_spans(source):
        part = squashed(parse(source).span_text(start, end))
        if part and part in folded and part != folded:
            found.append(Edges(start, end, folded.startswith(part), folded.endswith(part), len(part) >= 3))
    return tuple(found)


@lru_cache(maxsize=1024)
def quoted_spans(source: str) -> tuple[tuple[int, int], ...]:
    """Word ranges of the quoted parts of the instruction."""
    spans: list[tuple[int, int]] = []
    start = -1
    for i, word in enumerate(parse(source).words):
        if word.quote_start:
            start = i
        if word.quote_end and start >= 0:
            spans.append((start, i))
            start = -1
    return tuple(spans)

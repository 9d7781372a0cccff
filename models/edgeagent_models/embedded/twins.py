"""Of things that look the same (a Delete button in each row of a list), the one whose row the task names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from edgeagent_models.embedded.candidates import Choice
from edgeagent_models.embedded.fragments import echoed
from edgeagent_models.embedded.instruction import Instruction, Word
from edgeagent_models.embedded.matching import same_thing
from edgeagent_models.embedded.memory import Deed, Done
from edgeagent_models.embedded.phrases import phrase_hits, word_hits
from edgeagent_models.protocol import Element

_POINTED_AT = frozenset({"click", "double_click", "hover", "ctrl_click"})
_PRESSED = frozenset({"button", "link"})
_IN_ROW = 0.5
"""Share of the lower one's height that two things in a row have in common."""
_WHOLE_TEXT = 0.8
"""Likeness from which the task names a text above a thing: nearness alone says less than standing in one row."""
_LEAST_LETTERS = 2
_LONGEST_SEARCH = 8
"""Pages that are turned to find a row."""


@dataclass(frozen=True, slots=True)
class _Twins:
    """Things that look the same, and for each (by id) the words of the task that stand in its row."""

    alike: tuple[Element, ...]
    words: Mapping[int, set[int]]
    own: frozenset[int]
    """The words that name what all of them say."""

    def named(self, element: Element) -> set[int]:
        """The words of the task in the row of ``element``."""
        return self.words.get(element.id, set())


def in_named_row(choice: Choice, instruction: Instruction, elements: Sequence[Element], past: Sequence[Done]) -> Choice:
    """``choice``, or the same thing in the row that the task names more words of.

    Where the task names a row that is not on the screen: the page is turned, in the end a refusal.
    """
    if choice.kind not in _POINTED_AT or choice.element is None:
        return choice
    chosen = elements[choice.element]
    twins = _twins(instruction, elements, chosen.role, chosen.text, chosen.label)
    if len(twins.alike) < 2:
        return choice
    free = _not_done(twins.alike, past)
    best = max(free, key=lambda e: len(twins.named(e)), default=chosen)
    if len(twins.named(best)) <= (len(twins.named(chosen)) if chosen in free else 0):
        best = chosen
    if not twins.words and (missing := _named_elsewhere(twins, instruction, elements, past)):
        return _search(missing, chosen, len(twins.alike), past)
    return replace(choice, element=elements.index(best), beside=tuple(sorted(twins.named(best))))


def next_named_row(instruction: Instruction, elements: Sequence[Element], past: Sequence[Done]) -> Choice | None:
    """Before "done" is believed: what was pressed, in another row that the task names ("ship 1041 and 1043")."""
    pressed = [done.deed for done in reversed(past) if done.ok and done.deed.kind in _POINTED_AT and done.deed.box]
    for deed in pressed:
        twins = _twins(instruction, elements, deed.role, deed.text, deed.label)
        used = {i for other in pressed if (other.role, other.text) == (deed.role, deed.text) for i in _words_of(other)}
        for element in _not_done(twins.alike, past):
            left = {i for i in twins.named(element) - used if _is_name(instruction.words[i])}
            if left:
                return Choice(deed.kind, elements.index(element), beside=tuple(sorted(twins.named(element))))
    return None


def _twins(instruction: Instruction, elements: Sequence[Element], role: str, text: str, label: str) -> _Twins:
    look = (role, text.casefold(), label.casefold())
    alike = tuple(e for e in elements if (e.role, e.text.casefold(), e.label.casefold()) == look)
    own = frozenset(_named(instruction, text) | _named(instruction, label))
    if len(alike) < 2:
        return _Twins(alike, {}, own)
    task = echoed(instruction.source, elements)
    others = [e for j, e in enumerate(elements) if e not in alike and j not in task]
    words = _by_row(instruction, others, alike, own) or (_by_text_above(instruction, others, alike, own) if own else {})
    return _Twins(alike, words, own)


def _not_done(alike: Sequence[Element], past: Sequence[Done]) -> list[Element]:
    return [e for e in alike if not any(done.ok and same_thing(e, done) for done in past)]


def _named(instruction: Instruction, text: str) -> set[int]:
    """The words of the task that ``text`` holds."""
    whole = {i for hit in phrase_hits(instruction.source, text) for i in range(hit.start, hit.end + 1)}
    return whole | {i for i, _ in word_hits(instruction.source, text)}


def _by_row(
    instruction: Instruction, others: Sequence[Element], alike: Sequence[Element], own: frozenset[int]
) -> dict[int, set[int]]:
    """The words of the task in the row of each of ``alike``, nearer to it than to the others; by id."""
    words: dict[int, set[int]] = {}
    for element in others:
        beside = [twin for twin in alike if _in_row(twin, element)]
        if beside and (found := _named(instruction, element.text) - own):
            nearest = min(beside, key=lambda twin: abs(twin.box.centre.x - element.box.centre.x))
            words.setdefault(nearest.id, set()).update(found)
    return words


def _by_text_above(
    instruction: Instruction, others: Sequence[Element], alike: Sequence[Element], own: frozenset[int]
) -> dict[int, set[int]]:
    """The same for whole texts above, between a thing and the next one like it, as on cards with their buttons below."""
    words: dict[int, set[int]] = {}
    for element in others:
        below = [twin for twin in alike if twin.box.top >= element.box.bottom]
        hits = (hit for hit in phrase_hits(instruction.source, element.text) if hit.score > _WHOLE_TEXT)
        found = {i for hit in hits for i in range(hit.start, hit.end + 1)} - own
        if below and found:
            nearest = min(below, key=lambda twin: _distance(element, twin))
            words.setdefault(nearest.id, set()).update(found)
    return words


def _distance(above: Element, twin: Element) -> float:
    return (twin.box.top - above.box.bottom) + abs(twin.box.left - above.box.left) / 2


def _in_row(one: Element, other: Element) -> bool:
    shared = min(one.box.bottom, other.box.bottom) - max(one.box.top, other.box.top)
    return shared > _IN_ROW * min(one.box.height, other.box.height)


# -- a row that is not there ----------------------------------------------------------------------------------------------


def _named_elsewhere(twins: _Twins, instruction: Instruction, elements: Sequence[Element], past: Sequence[Done]) -> str:
    """The first name or number beside the twins' own words in the task that is nowhere on the screen; empty: none."""
    text = twins.alike[0].text
    if twins.alike[0].role not in _PRESSED or sum(c.isalpha() for c in text) < _LEAST_LETTERS:
        return ""
    clauses = {instruction.words[i].clause for i in twins.own}
    used = {i for done in past for i in _words_of(done.deed)}
    shown = {i for element in elements for i in _named(instruction, f"{element.text} {element.label}")}
    missing = (
        word.text
        for i, word in enumerate(instruction.words)
        if word.clause in clauses and i not in twins.own | used | shown and _is_name(word)
    )
    return next(missing, "")


def _search(missing: str, chosen: Element, count: int, past: Sequence[Done]) -> Choice:
    turned = [done for done in past if done.deed.kind == "page_down"]
    if len(turned) < _LONGEST_SEARCH and (not turned or turned[-1].ok):
        return Choice("page_down")
    return Choice("fail", why=f"there are {count} {chosen.text!r} here, and none of them stands beside {missing!r}")


def _is_name(word: Word) -> bool:
    """Whether ``word`` tells one row from others: a number, a quotation, a name. "7th" counts rows, it is in none."""
    if word.ordinal:
        return False
    return word.quoted or any(c.isdigit() for c in word.text) or (word.text[:1].isupper() and word.start > 0)


def _words_of(deed: Deed) -> Iterator[int]:
    for start, end in (*deed.said, *([deed.typed] if deed.typed else [])):
        yield from range(start, end + 1)

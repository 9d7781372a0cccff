"""The network's inputs for one decision."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgeagent_models.embedded import matching, vocabulary
from edgeagent_models.embedded.adjusting import number_in
from edgeagent_models.embedded.dates import is_date_mask, parse_date
from edgeagent_models.embedded.derived import DERIVED_SCORE
from edgeagent_models.embedded.fragments import echoed
from edgeagent_models.embedded.instruction import Instruction
from edgeagent_models.embedded.kinds import ALL_KINDS
from edgeagent_models.embedded.memory import Done, Memory, fingerprint
from edgeagent_models.embedded.text import similarity
from edgeagent_models.protocol import Element

Floats = npt.NDArray[np.float32]
Ids = npt.NDArray[np.int64]

TEXT_WORDS = 5
"""Words of an element's text, and as many of its label, that the network sees by id."""
_ROLES = (
    "button",
    "text_field",
    "checkbox",
    "radio",
    "select",
    "option",
    "slider",
    "tab",
    "link",
    "icon",
    "text",
    "image",
    "menu_item",
)
_STATES = ("checked", "unchecked", "selected", "focused", "disabled", "expanded", "collapsed")
_MONEY = re.compile(r"[$€£]\s?(\d[\d,]{0,9}(?:\.\d{1,2})?)")
_CROSSES = frozenset({"x", "X", "×", "✕", "✖", "✗", "╳"})
_BULLETS = frozenset("•●*·∙◦.")


@dataclass(frozen=True, slots=True)
class Inputs:
    """Arrays of one decision; ``L`` words, ``N`` elements."""

    word_ids: Ids
    """``(L,)``"""
    words: Floats
    """``(L, WORD_WIDTH)``"""
    element_ids: Ids
    """``(N, 2 * TEXT_WORDS)``: of the text, then of the label."""
    elements: Floats
    """``(N, ELEMENT_WIDTH)``"""
    scene: Floats
    """``(SCENE_WIDTH,)``"""
    match: Floats
    """``(C, L, N)``"""
    near: Floats
    """``(G, N, N)``"""


def build(instruction: Instruction, elements: Sequence[Element], memory: Memory, past: Sequence[Done]) -> Inputs:
    """The inputs for choosing the next action."""
    match = matching.word_channels(instruction, elements, past)
    return Inputs(
        word_ids=np.array([vocabulary.word_id(w.text) for w in instruction.words], np.int64),
        words=_words(instruction, past, match),
        element_ids=_element_ids(elements),
        elements=_elements(instruction, elements, memory, past, match),
        scene=_scene(elements, memory, past),
        match=match,
        near=matching.near_channels(elements),
    )


def _element_ids(elements: Sequence[Element]) -> Ids:
    rows = [vocabulary.text_ids(e.text, TEXT_WORDS) + vocabulary.text_ids(e.label, TEXT_WORDS) for e in elements]
    return np.array(rows, np.int64).reshape(len(elements), 2 * TEXT_WORDS)


# -- words --------------------------------------------------------------------------------------------------------------


def _words(instruction: Instruction, past: Sequence[Done], match: Floats) -> Floats:
    count = len(instruction.words)
    typed, said, recent = _consumed(count, past)
    frontier = max((i for i in range(count) if typed[i] or said[i]), default=-1)
    clause_now = instruction.words[frontier].clause if frontier >= 0 else -1
    best_text = match[0].max(axis=1, initial=0.0)
    best_label = match[1].max(axis=1, initial=0.0)
    partial = match[2:4].max(axis=(0, 2), initial=0.0)
    rows: list[list[float]] = []
    for i, word in enumerate(instruction.words):
        rows.append(
            [
                float(word.quoted), float(word.quote_start), float(word.quote_end),
                float(word.trailing in (".", "!", "?", "\n")), float(word.trailing == ","), float(word.trailing == ":"),
                float(word.trailing == ";"), float(word.ordinal > 0), float(bool(word.chord)), float(len(word.chord) > 1),
                float(word.text[:1].isupper()), float(word.text.isdigit()), float(parse_date(word.text) is not None),
                i / 40, (count - 1 - i) / 40, float(i == 0), float(i == count - 1),
                float(i > 0 and instruction.words[i - 1].clause != word.clause),
                min(1.0, typed[i] / 2), float(typed[i] > 0), min(1.0, said[i] / 2), float(said[i] > 0), recent[i],
                float(i <= frontier), np.clip((i - frontier) / 10, -1, 1), float(word.clause == clause_now),
                float(word.clause == clause_now + 1),
                best_text[i], best_label[i], partial[i], min(1.0, float((match[0, i] > 0).sum()) / 4),
            ]
        )  # fmt: skip
    return np.array(rows, np.float32).reshape(count, WORD_WIDTH)


def _consumed(count: int, past: Sequence[Done]) -> tuple[list[int], list[int], list[float]]:
    """For each word: how often it was typed, how often it named a target, and whether the last deed used it."""
    typed, said, recent = [0] * count, [0] * count, [0.0] * count
    for k, done in enumerate(past):
        used: list[tuple[int, int]] = []
        if done.deed.typed is not None:
            used.append(done.deed.typed)
            _count(typed, done.deed.typed)
        for span in done.deed.said:
            used.append(span)
            _count(said, span)
        if k == len(past) - 1:
            for start, end in used:
                recent[start : end + 1] = [1.0] * (min(end + 1, count) - start)
    return typed, said, recent


def _count(counts: list[int], span: tuple[int, int]) -> None:
    for i in range(span[0], min(span[1] + 1, len(counts))):
        counts[i] += 1


# -- elements -----------------------------------------------------------------------------------------------------------


def _elements(
    instruction: Instruction, elements: Sequence[Element], memory: Memory, past: Sequence[Done], match: Floats
) -> Floats:
    count = len(elements)
    seen = set(memory.seen)
    typed_values = {d.deed.value for d in past if d.deed.value}
    numbers = {number for w in instruction.words if (number := number_in(w.text)) is not None}
    text_hit, label_hit = match[0].max(axis=0, initial=0.0), match[1].max(axis=0, initial=0.0)
    hit_words = (match[0] > 0).sum(axis=0) if len(instruction.words) else np.zeros(count)
    edges = match[4:7].max(axis=1, initial=0.0)
    hidden = echoed(instruction.source, elements)
    beaten = ((match[0] > 0) & (match[0] < match[0].max(axis=1, keepdims=True, initial=0.0) - 0.01)).any(axis=0)
    lowest, highest = _extremes(elements, past)
    totals = {role: sum(e.role == role for e in elements) for role in _ROLES}
    places: dict[str, int] = {}
    rows: list[list[float]] = []
    for j, e in enumerate(elements):
        places[e.role] = places.get(e.role, 0) + 1
        rows.append(
            [
                *(float(e.role == role) for role in _ROLES), *(float(e.state == state) for state in _STATES),
                *_geometry(e, j, count), *_writing(e, typed_values),
                text_hit[j], label_hit[j], min(1.0, hit_words[j] / 5), *edges[:, j],
                float(((match[0] > 0).sum(axis=1)[match[0, :, j] > 0] == 1).any()) if len(instruction.words) else 0.0,
                float(j in hidden), float(e.score), float(fingerprint(e) not in seen and bool(seen)),
                min(1.0, places[e.role] / 8), float(places[e.role] == 1), float(places[e.role] == totals[e.role]),
                min(1.0, totals[e.role] / 8), *_deeds_at(e, past),
                float(beaten[j]), float(j == lowest), float(j == highest), float(e.score == DERIVED_SCORE),
                float(number_in(e.text) in numbers),
            ]
        )  # fmt: skip
    return np.array(rows, np.float32).reshape(count, ELEMENT_WIDTH)


def _extremes(elements: Sequence[Element], past: Sequence[Done]) -> tuple[int, int]:
    """Which elements show the smallest and the largest number, or price, of those not yet acted on; -1 where none does."""
    free = [(j, e) for j, e in enumerate(elements) if not any(matching.same_thing(e, d) for d in past)]
    numbers = [(float(e.text), j) for j, e in free if e.text.isascii() and e.text.isdigit() and len(e.text) < 10]
    if len(numbers) < 2:
        numbers = [(amount, j) for j, e in free if (amount := _amount(e.text)) is not None]
    return (min(numbers)[1], max(numbers)[1]) if numbers else (-1, -1)


def _amount(text: str) -> float | None:
    """The sum of money that ``text`` names, if it names just one."""
    found = _MONEY.findall(text)
    return float(found[0].replace(",", "")) if len(found) == 1 else None


def _geometry(e: Element, j: int, count: int) -> list[float]:
    box = e.box
    middle = box.centre
    return [
        middle.x / 1280, middle.y / 800, j / max(1, count - 1), min(2.0, box.width / 200), min(2.0, box.height / 40),
        float(box.height > 60), float(box.width > 400), float(box.width < 30),
    ]  # fmt: skip


def _writing(e: Element, typed_values: set[str]) -> list[float]:
    text = e.text.strip()
    return [
        float(not text), float(not e.label), min(1.0, len(text.split()) / 8), float(text.isdigit()), float(0 < len(text) <= 2),
        float(text in _CROSSES), float(len(text) > 1 and set(text.replace(" ", "")) <= _BULLETS), float(is_date_mask(text)),
        float(text.endswith((":", "*"))), float(any(similarity(text, value) > 0.7 for value in typed_values)),
    ]  # fmt: skip


def _deeds_at(e: Element, past: Sequence[Done]) -> list[float]:
    """What was done to this element before, and whether the last deed was, and how it went."""
    at = [d for d in past if matching.same_thing(e, d)]
    clicks = sum(d.deed.kind in ("click", "double_click") for d in at)
    last = bool(past) and bool(at) and at[-1] is past[-1]
    return [
        min(1.0, clicks / 3), float(clicks > 0), float(any(d.deed.kind == "type" for d in at)),
        float(any(not d.ok for d in at)), float(last), float(last and not past[-1].ok),
        float(any(d.deed.kind in ("hover", "drag", "ctrl_click", "select_text") for d in at)),
    ]  # fmt: skip


# -- the scene as a whole -----------------------------------------------------------------------------------------------


def _scene(elements: Sequence[Element], memory: Memory, past: Sequence[Done]) -> Floats:
    seen = set(memory.seen)
    now = {fingerprint(e) for e in elements}
    idle = 0
    for done in reversed(past):
        if done.ok:
            break
        idle += 1
    scrolls = sum(d.deed.kind in ("page_down", "scroll_down") for d in past)
    stuck = any(d.deed.kind in ("page_down", "scroll_down") and not d.ok for d in past)
    last = past[-1].deed.kind if past else ""
    row = [
        min(1.0, len(past) / 20), float(not past), min(1.0, idle / 4), float(idle > 0), min(1.0, len(elements) / 60),
        len(now - seen) / max(1, len(now)) if seen else 0.0, len(seen - now) / max(1, len(seen)) if seen else 0.0,
        min(1.0, scrolls / 5), float(stuck), float(any(e.role == "text_field" for e in elements)),
        *(float(last == kind) for kind in ALL_KINDS),
    ]  # fmt: skip
    return np.array(row, np.float32)


WORD_WIDTH = 31
ELEMENT_WIDTH = len(_ROLES) + len(_STATES) + 8 + 10 + 6 + 8 + 7 + 5
SCENE_WIDTH = 10 + len(ALL_KINDS)

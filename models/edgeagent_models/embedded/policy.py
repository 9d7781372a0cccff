"""Runs the network and picks the best valid candidate."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime as ort

from edgeagent_models.embedded import candidates, features
from edgeagent_models.embedded.adjusting import number_in
from edgeagent_models.embedded.called_for import accounted_for, in_named_field, instead_of_giving_up, uncalled_for
from edgeagent_models.embedded.candidates import Choice
from edgeagent_models.embedded.dates import is_date_mask
from edgeagent_models.embedded.file_dialogs import closes_early, name_the_file, write_first
from edgeagent_models.embedded.instruction import MAX_WORDS, Instruction
from edgeagent_models.embedded.kinds import ELEMENT_KINDS, FINAL_KINDS, GLOBAL_KINDS, WITH_TEXT
from edgeagent_models.embedded.matching import same_thing
from edgeagent_models.embedded.memory import Done, Memory
from edgeagent_models.embedded.phrases import phrase_hits
from edgeagent_models.embedded.presses import press_in_turn
from edgeagent_models.embedded.questions import answer_instead_of_done
from edgeagent_models.embedded.spans import at_the_caret, date_spans, snapped, spans_allowed, values_for
from edgeagent_models.embedded.switches import switch_first
from edgeagent_models.embedded.twins import in_named_row, next_named_row
from edgeagent_models.embedded.unanswered import instead_of_done
from edgeagent_models.embedded.unpressed import press_instead_of_done
from edgeagent_models.embedded.unproven import refuse_instead_of_done, with_complaint
from edgeagent_models.errors import EngineProblem
from edgeagent_models.protocol import Element

Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]

WEIGHTS = Path(__file__).parent.parent / "weights" / "policy.onnx"
MAX_ELEMENTS = 250
_LONGEST_WAIT = 3
"""Steps; a screen that still has not changed will not."""
_VALUE = re.compile(r"\S+@\S+|[\w\-]+\.[a-z]{2,4}|\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}", re.IGNORECASE)
_COPYING = re.compile(r"\b(cop(y|ies|ied)|paste|same|shown?|displayed|above|below|appears?)\b", re.IGNORECASE)
"""Without such a word a task does not ask for what stands on the screen to be typed."""
_BEGINNING = re.compile(r"(start|begin)(s|ning|ing)?", re.IGNORECASE)
_TYPED_ELSEWHERE = 2.5
"""Taken off the score of words that were already typed into another field."""
_LOOKING = frozenset({"page_down", "page_up", "wait"})
_LONGEST_LOOK = 8
"""After so many looks around in a row there is nothing to be found."""
_TRIED = 3
"""Candidates that are looked at before it is given up."""
_MIN_CONFIDENCE = 0.25
"""Below this the best candidate is a guess, and guessing is refused,"""
_EQUALS, _EQUALS_SHARE = 12, 0.75
"""unless this many candidates together have this chance."""


@dataclass(frozen=True, slots=True)
class Scores:
    """What the network says; ``N`` elements, ``L`` words."""

    element: Floats
    """``(N, len(ELEMENT_KINDS))``"""
    everywhere: Floats
    """``(len(GLOBAL_KINDS),)``"""
    start: Floats
    """``(N + 1, L + N)``: where the text to type begins, for each element and for the caret; an element is copied whole."""
    end: Floats
    """``(N + 1, L)``"""
    drop: Floats
    """``(N, N)``: where to drop what is dragged."""


@dataclass(frozen=True, slots=True)
class Decision:
    """The chosen candidate with the probability that the network gives it among the valid ones."""

    choice: Choice
    score: float
    runner_up: float


class Policy:
    """The network on onnxruntime."""

    def __init__(self, weights: Path = WEIGHTS, threads: int = 1) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        options.enable_cpu_mem_arena = False
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        if not weights.is_file():
            raise EngineProblem("model", f"the policy's weights {weights} are missing; install the packages again")
        content = weights.read_bytes()
        self.fingerprint = hashlib.blake2b(content, digest_size=16).hexdigest()
        """Hash of the weights."""
        self._session = ort.InferenceSession(content, options, providers=["CPUExecutionProvider"])

    def score(self, inputs: features.Inputs) -> Scores:
        """The scores of all candidates."""
        feeds = {
            "word_ids": inputs.word_ids, "words": inputs.words, "element_ids": inputs.element_ids, "elements": inputs.elements,
            "scene": inputs.scene, "match": inputs.match, "near": inputs.near,
            "word_mask": np.ones(len(inputs.word_ids), np.float32), "element_mask": np.ones(len(inputs.elements), np.float32),
        }  # fmt: skip
        outputs = self._session.run(None, {name: array[None] for name, array in feeds.items()})
        return Scores(*(np.asarray(output)[0] for output in outputs))

    def decide(
        self, instruction: Instruction, elements: Sequence[Element], memory: Memory, past: Sequence[Done], own: Sequence[str] = ()
    ) -> Decision:
        """The next action for ``instruction`` on a screen with ``elements``; ``own`` as `answer_instead_of_done` has it."""
        if not instruction.words:
            return Decision(Choice("ask"), 1.0, 0.0)
        if instruction.cut:
            return Decision(Choice("fail", why=f"the task has more than {MAX_WORDS} words, and I read no further"), 1.0, 0.0)
        if not elements:
            return Decision(Choice("wait" if sum(d.deed.kind == "wait" for d in past[-3:]) < 3 else "fail"), 1.0, 0.0)
        if in_turn := press_in_turn(instruction, elements, past):
            return Decision(in_turn, 1.0, 0.0)
        known = [done for done in past if not done.deed.doubt]
        decision = pick(self.score(features.build(instruction, elements, memory, known)), instruction, elements, known)
        choice = instead_of_giving_up(decision.choice, instruction, elements, known)
        if choice is not decision.choice:
            choice = in_named_row(choice, instruction, elements, known)
        if choice.kind == "fail" and not choice.why and accounted_for(instruction, known):
            choice = Choice("done")
        choice = switch_first(choice, instruction, elements, past)
        if choice.kind != "done":
            choice = write_first(with_complaint(choice, memory), instruction, elements, known)
            return replace(decision, choice=name_the_file(choice, instruction, elements, known))
        asked = answer_instead_of_done(instruction.source, elements, memory, own)
        more = next_named_row(instruction, elements, past) or press_instead_of_done(instruction, elements, past)
        doubt = instead_of_done(elements, memory, past) or refuse_instead_of_done(instruction, elements, memory, past)
        return replace(decision, choice=asked or more or doubt or choice)


def pick(scores: Scores, instruction: Instruction, elements: Sequence[Element], past: Sequence[Done]) -> Decision:
    """The best valid candidate of ``scores``; a guess, or what was tried in vain before, becomes a refusal."""
    chances = probabilities(scores, instruction, elements)
    for flat in np.argsort(-chances)[:_TRIED]:
        best = _as_written(choice_at(int(flat), scores, instruction, elements, past), instruction, elements)
        best = in_named_row(best, instruction, elements, past)
        best = in_named_field(best, instruction, elements, past)
        if not any(bad(best, instruction, elements, past) for bad in (_tried_in_vain, closes_early, uncalled_for)):
            break
    else:
        return Decision(Choice("fail"), float(chances.max()), 0.0)
    if best.kind == "done" and _values_left(instruction, past) and not _waited(past):
        best = Choice("wait")
    if best.kind == "click" and _proposals_due(instruction, elements, past):
        best = Choice("wait")
    score, runner_up = float(chances[flat]), float(np.partition(chances, -2)[-2]) if chances.size > 1 else 0.0
    if score < _MIN_CONFIDENCE and best.kind not in FINAL_KINDS and not _several_will_do(chances):
        return Decision(Choice("fail"), 1.0 - score, score)
    return Decision(best, score, runner_up)


def _values_left(instruction: Instruction, past: Sequence[Done]) -> bool:
    """Whether the task holds a quotation, a file, a date or an address that no deed used: a dialog may still be on its way."""
    used = {i for d in past for a, b in (*d.deed.said, *([d.deed.typed] if d.deed.typed else [])) for i in range(a, b + 1)}
    return any(i not in used and (word.quoted or _VALUE.fullmatch(word.text)) for i, word in enumerate(instruction.words))


def _proposals_due(instruction: Instruction, elements: Sequence[Element], past: Sequence[Done]) -> bool:
    """Whether the last deed typed the beginning of something, and nothing that begins so is proposed yet."""
    typed = past[-1].deed.typed if past else None
    if typed is None or not any(_BEGINNING.fullmatch(w.text) for w in instruction.words[max(0, typed[0] - 3) : typed[0]]):
        return False
    begun = past[-1].deed.value.casefold()
    return not any(e.role != "text_field" and e.text.casefold().startswith(begun) and len(e.text) > len(begun) for e in elements)


def _waited(past: Sequence[Done]) -> bool:
    """Whether waiting was tried just now."""
    return not past or past[-1].deed.kind == "wait"


def _as_written(choice: Choice, instruction: Instruction, elements: Sequence[Element]) -> Choice:
    """``choice``, or its twin whose text differs in case only and stands in the task exactly so ("Ok" beside "ok")."""
    if choice.kind != "click" or choice.element is None:
        return choice
    text, said = elements[choice.element].text, _exact_texts(instruction, elements)
    if not text or text in said:
        return choice
    twins = (j for j, e in enumerate(elements) if e.text in said and e.text.casefold() == text.casefold())
    return replace(choice, element=next(twins, choice.element))


def _exact_texts(instruction: Instruction, elements: Sequence[Element]) -> set[str]:
    """Texts of elements that the task holds letter by letter."""
    return {e.text for e in elements if e.text and any(hit.score == 1.0 for hit in phrase_hits(instruction.source, e.text))}


def _several_will_do(chances: Floats) -> bool:
    """Whether the chance is shared by a few equals (ten boxes to tick, in any order) instead of being spread thin."""
    return bool(np.sort(chances)[-_EQUALS:].sum() >= _EQUALS_SHARE)


def probabilities(scores: Scores, instruction: Instruction, elements: Sequence[Element]) -> Floats:
    """``(N * len(ELEMENT_KINDS) + len(GLOBAL_KINDS),)``: the chance of each candidate, 0 for the invalid."""
    allowed = np.concatenate(
        [candidates.element_mask(elements, len(instruction.words)).ravel(), candidates.global_mask(instruction)]
    )
    logits = np.where(allowed, np.concatenate([scores.element.ravel(), scores.everywhere]), -np.inf)
    weights = np.exp(logits - logits.max())
    return weights / weights.sum()


def choice_at(
    flat: int, scores: Scores, instruction: Instruction, elements: Sequence[Element], past: Sequence[Done] = ()
) -> Choice:
    """The candidate at ``flat``, with the best text or drop target for it."""
    count = len(elements)
    element: int | None = None
    if flat < count * len(ELEMENT_KINDS):
        element, kind = flat // len(ELEMENT_KINDS), ELEMENT_KINDS[flat % len(ELEMENT_KINDS)]
    else:
        kind = GLOBAL_KINDS[flat - count * len(ELEMENT_KINDS)]
    row = element if element is not None else count
    if kind in WITH_TEXT:
        typed, copied = _source(scores, row, instruction, elements, past)
        if kind == "adjust":
            return Choice(kind, element, typed=_number(scores, row, instruction), again=_adjusted(elements[row], past))
        return Choice(kind, element, typed=typed, copied=copied)
    if kind == "drag" and element is not None:
        drop = np.where(np.arange(count) == element, -np.inf, scores.drop[element])
        return Choice(kind, element, drop=int(drop.argmax()))
    if kind == "key_named":
        keys = np.array([bool(word.chord) for word in instruction.words])
        return Choice(kind, word=int(np.where(keys, scores.start[count, : len(keys)], -np.inf).argmax()))
    return Choice(kind, element)


def _source(
    scores: Scores, row: int, instruction: Instruction, elements: Sequence[Element], past: Sequence[Done]
) -> tuple[tuple[int, int] | None, int | None]:
    """What to type: words of the instruction, or the text of an element."""
    length = len(instruction.words)
    starts, ends = scores.start[row].copy(), scores.end[row]
    for done in past:
        if done.deed.typed and not (row < len(elements) and same_thing(elements[row], done)):
            starts[done.deed.typed[0]] -= _TYPED_ELSEWHERE
    holds_text = np.array([bool(element.text) for element in elements])
    copied = np.where(holds_text, starts[length:], -np.inf)
    if copied.size and _COPYING.search(instruction.source) and copied.max() > starts[:length].max():
        return None, int(copied.argmax())
    allowed = spans_allowed(instruction)
    if row < len(elements) and is_date_mask(elements[row].text):
        dates = date_spans(instruction) & allowed
        allowed = dates if dates.any() else allowed
    if row < len(elements) and elements[row].role == "select":  # lists hold names, not dates or addresses
        plain = np.array([_VALUE.fullmatch(word.text) is None for word in instruction.words])
        allowed = allowed & plain[:, None] & plain[None, :] if plain.any() else allowed
    if row == len(elements):
        allowed = at_the_caret(instruction, allowed)
    else:
        allowed = values_for(instruction, elements[row], past, allowed)
    sums = np.where(allowed, starts[:length, None] + ends[None, :], -np.inf)
    start, end = divmod(int(sums.argmax()), length)
    return snapped(instruction, start, end), None


def _number(scores: Scores, row: int, instruction: Instruction) -> tuple[int, int]:
    """The word that says what to set ``row`` to: the likeliest number, else the likeliest word."""
    numbers = np.array([number_in(word.text) is not None for word in instruction.words])
    starts = scores.start[row][: len(numbers)]
    at = int(np.where(numbers, starts, -np.inf).argmax() if numbers.any() else starts.argmax())
    return at, at


def _adjusted(element: Element, past: Sequence[Done]) -> bool:
    """Whether the last deed adjusted what is at the height of ``element``."""
    box = past[-1].deed.box if past and past[-1].deed.kind == "adjust" else None
    return box is not None and box.top < element.box.bottom and element.box.top < box.bottom


def _tried_in_vain(choice: Choice, instruction: Instruction, elements: Sequence[Element], past: Sequence[Done]) -> bool:
    """Whether the last two steps were this very choice and nothing came of it."""
    if choice.kind in FINAL_KINDS:
        return False
    if choice.kind == "wait":
        return len(past) >= _LONGEST_WAIT and all(d.deed.kind == "wait" for d in past[-_LONGEST_WAIT:])
    if choice.kind in _LOOKING:
        return len(past) >= _LONGEST_LOOK and all(d.deed.kind in _LOOKING for d in past[-_LONGEST_LOOK:])
    value = candidates.text_of(choice, instruction, elements)
    box = elements[choice.element].box if choice.element is not None else None
    same = [d for d in past[-2:] if not d.ok and d.deed.kind == choice.kind and d.deed.value == value and d.deed.box == box]
    # One radio button of a group stays chosen however often it is clicked.
    chosen = (
        choice.element is not None and elements[choice.element].role == "radio" and elements[choice.element].state == "checked"
    )
    return len(same) >= (1 if chosen else 2)

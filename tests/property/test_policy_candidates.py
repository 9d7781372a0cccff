"""Whatever is on the screen and whatever the task says: each candidate of the policy is a valid action inside the screen."""

from __future__ import annotations

import msgspec
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeagent_harness.protocol.actions import Action, Batch, Click, Drag, Move, Scroll
from edgeagent_harness.protocol.geometry import Point, Rect
from edgeagent_models.embedded import candidates, features
from edgeagent_models.embedded.deeds import deed_of
from edgeagent_models.embedded.instruction import parse
from edgeagent_models.embedded.kinds import ELEMENT_KINDS, GLOBAL_KINDS
from edgeagent_models.embedded.memory import Memory, decode, encode, executed, remember
from edgeagent_models.embedded.policy import Scores, pick
from edgeagent_models.protocol import Element, ElementState, PastStep

SCREEN = Rect(0, 0, 1280, 800)
ROLES = (
    "button", "text_field", "checkbox", "radio", "select", "option", "slider", "tab", "link", "icon", "text", "image", "menu_item"
)  # fmt: skip
TEXTS = st.sampled_from(["", "Submit", "mm/dd/yyyy", "•••", "×", "bob", "Choose…", "l0gin", "née", "x" * 300]) | st.text(
    max_size=20
)


@st.composite
def elements(draw: st.DrawFn) -> Element:
    left, top = draw(st.integers(-50, 1300)), draw(st.integers(-50, 820))
    box = Rect(left, top, left + draw(st.integers(0, 700)), top + draw(st.integers(0, 700)))
    states: list[ElementState] = ["", "checked", "unchecked", "disabled"]
    state = draw(st.sampled_from(states))
    return Element(0, draw(st.sampled_from(ROLES)), box, draw(TEXTS), draw(TEXTS), state)


TASKS = st.sampled_from(
    ['Enter "bob" and press Ctrl+S.', "Set the date to 5 March 2026", "", "...", '""', "Click the 2nd button, then wait"]
) | st.text(max_size=80)


def points(action: Action) -> list[Point]:
    match action:
        case Click(point=point) | Move(point=point) | Scroll(point=point):
            return [point]
        case Drag(path=path):
            return list(path)
        case Batch(actions=parts):
            return [point for part in parts for point in points(part)]
        case _:
            return []


@settings(max_examples=150, deadline=None)
@given(st.lists(elements(), min_size=1, max_size=8), TASKS, st.integers(0, 2**31))
def test_every_choice_is_a_valid_action_on_the_screen(found: list[Element], task: str, seed: int) -> None:
    instruction = parse(task)
    if not instruction.words:
        return
    count, length = len(found), len(instruction.words)
    inputs = features.build(instruction, found, Memory(), [])
    assert all(np.isfinite(getattr(inputs, name)).all() for name in ("words", "elements", "scene", "match", "near"))
    rng = np.random.default_rng(seed)
    kinds, everywhere = (count, len(ELEMENT_KINDS)), (len(GLOBAL_KINDS),)
    shapes = (kinds, everywhere, (count + 1, length + count), (count + 1, length), (count, count))
    scores = Scores(*((5 * rng.standard_normal(shape)).astype(np.float32) for shape in shapes))
    choice = pick(scores, instruction, found, []).choice
    action = candidates.to_action(choice, instruction, found, SCREEN)
    assert msgspec.json.decode(msgspec.json.encode(action), type=Action) == action
    assert all(SCREEN.contains(point.x, point.y) for point in points(action))
    memory = remember(Memory(), deed_of(choice, instruction, found, 0, []), found)
    assert decode(encode(memory)) == memory
    assert len(executed(memory, [PastStep("{}", "confirmed")])) == 1
    assert executed(memory, [PastStep("{}", "refused")]) == []


@given(st.text(max_size=200))
def test_any_memory_can_be_read(text: str) -> None:
    assert decode(text).deeds == () or text


@given(st.text(max_size=300))
def test_words_lie_in_order_inside_the_instruction(source: str) -> None:
    at = 0
    for word in parse(source).words:
        assert at <= word.start < word.end <= len(source)
        assert source[word.start : word.end] == word.text
        at = word.end

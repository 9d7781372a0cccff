"""A task that lists keys is done key by key, in order, to the last; one that names a key which is not there is refused."""

from __future__ import annotations

import pytest

from edgeagent_harness.protocol.geometry import Rect
from edgeagent_models.embedded.candidates import Choice
from edgeagent_models.embedded.deeds import deed_of
from edgeagent_models.embedded.instruction import parse
from edgeagent_models.embedded.memory import Done
from edgeagent_models.embedded.presses import press_in_turn
from edgeagent_models.protocol import Element


def keypad(keys: str) -> list[Element]:
    return [Element(i, "button", Rect(50 * i, 0, 50 * i + 40, 40), key) for i, key in enumerate(keys)]


def pressed(task: str, elements: list[Element], most: int = 12) -> str:
    """What is pressed until it is done, or the refusal."""
    words, past, keys = parse(task), list[Done](), ""
    for step in range(most):
        choice = press_in_turn(words, elements, past)
        if choice is None or choice.kind != "click" or choice.element is None:
            return keys if choice == Choice("done") else choice.why if choice else "none"
        keys += elements[choice.element].text
        past.append(Done(deed_of(choice, words, elements, step, past), ok=True))
    return "endless"


@pytest.mark.parametrize(
    ("task", "keys"),
    [
        ("Press 7, then +, then 5, then =", "7+5="),
        ("Press 4, 2 and 9", "429"),
        ("Click 5, 5 and 2", "552"),
        ("Tap the keys '1' and '+' and then the key '1'", "1+1"),
        ("Calculate 12 + 30", "12+30="),
        ("calculate 12×3=", "12*3="),
        ("Compute 2-1.", "2-1="),
    ],
)
def test_in_order_to_the_last(task: str, keys: str) -> None:
    assert pressed(task, keypad("0123456789+-*=")) == keys


def test_a_key_that_is_not_there() -> None:
    assert pressed("Calculate 12 / 3", keypad("0123456789+-*=")) == "I see no key '/' to press"


@pytest.mark.parametrize(
    "task", ["Press Save", "Press Save and Close", "Enter 7 and press +", "Press a then nothing at all", "Calculate the tax"]
)
def test_other_tasks_are_left_to_the_network(task: str) -> None:
    assert pressed(task, keypad("0123456789+-*=")) == "none"


def test_a_key_that_does_nothing_is_pressed_twice_and_given_up() -> None:
    elements, words, past = keypad("12"), parse("Press 1 and 2"), list[Done]()
    for step in range(2):
        choice = press_in_turn(words, elements, past)
        assert choice is not None
        assert choice == Choice("click", 0)
        past.append(Done(deed_of(choice, words, elements, step, past), ok=False))
    assert press_in_turn(words, elements, past) == Choice("fail", why="I pressed '1', and nothing happened")

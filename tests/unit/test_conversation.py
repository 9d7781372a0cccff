"""The conversation is append-only between evictions, shows at most the family's number of screenshots, and tells the rest."""

from __future__ import annotations

from typing import Any

from edgeagent.engine.conversation import DROPPED_LINES, MAX_LINES, Speaker, first_line
from edgeagent.history import History, Step
from edgeagent.ports import Prompt
from edgeagent.screen import Screen
from edgeagent_harness.protocol.actions import Click, Wait
from edgeagent_harness.protocol.effects import Effect
from edgeagent_harness.protocol.frames import FrameInfo
from edgeagent_harness.protocol.geometry import Point
from edgeagent_models.families import generic
from edgeagent_models.families.registry import by_name
from edgeagent_models.protocol import ChatMessage, ImagePart, Part, TextPart

MAX_TURNS = generic.GENERIC.history.turns


def converse(*about: Any) -> tuple[ChatMessage, ...]:
    return Speaker(generic.GENERIC).converse(*about)


def screen(number: int) -> Screen:
    return Screen(FrameInfo(number, 2, 1, 0), bytes([number] * 8))


def steps(count: int) -> tuple[Step, ...]:
    return tuple(Step(number, Wait(number), Effect("confirmed"), f"thought {number}") for number in range(1, count + 1))


def conversation(executed: int) -> tuple[ChatMessage, ...]:
    """What is asked after ``executed`` steps, with everything remembered."""
    history = History("do it", steps(executed))
    screens = {number: screen(number) for number in range(1, executed + 1)}
    replies = {number: f"reply {number}" for number in screens}
    return converse(Prompt("do it", screen(executed + 1), history), screens, replies)


def parts(messages: tuple[ChatMessage, ...]) -> list[tuple[str, Part]]:
    return [(message.role, part) for message in messages for part in message.parts]


def pictures(messages: tuple[ChatMessage, ...]) -> list[int]:
    """The screenshots shown, by step."""
    return [part.image.pixels[0] for _, part in parts(messages) if isinstance(part, ImagePart)]


def test_grows_at_the_end_until_a_batch_is_evicted() -> None:
    asked = "\nWhat is the next action?"
    for executed in range(1, 3 * MAX_TURNS):
        before = [part for part in parts(conversation(executed - 1)) if part[1] != TextPart(asked)]
        now = parts(conversation(executed))
        evicts = executed % generic.MAX_SCREENSHOTS == 0
        assert (now[: len(before)] == before) != evicts


def test_shows_the_latest_screenshots_up_to_the_limit() -> None:
    assert [pictures(conversation(executed)) for executed in range(7)] == [[1], [1, 2], [1, 2, 3], [4], [4, 5], [4, 5, 6], [7]]


def test_old_turns_become_lines_of_the_first_message() -> None:
    messages = conversation(MAX_TURNS + 1)
    opening = messages[1].parts[0]
    assert isinstance(opening, TextPart)
    assert "thought 1" in opening.text
    assert "confirmed" in opening.text
    assert [message.role for message in messages] == ["system", "user", "assistant", "user"]


def test_after_a_resume_earlier_steps_are_told_in_words() -> None:
    click = Step(1, Click(Point(1279, 0)), Effect("suspected_noop", message="nothing moved"), "press it")
    wide = Screen(FrameInfo(9, 1280, 800, 0), b"")
    history = History("do it", (click,), feedback="there is no such key", memory="a fact")
    messages = converse(Prompt("do it", wide, history), {}, {})
    text = "".join(part.text for _, part in parts(messages) if isinstance(part, TextPart))
    assert generic.EVICTED in text
    assert '"x":1000,"y":0' in text
    for told in ("press it", "suspected_noop nothing moved", "there is no such key", "a fact"):
        assert told in text


def test_holo_is_never_told_its_own_words_and_keeps_the_wrapper_of_an_evicted_picture() -> None:
    """Three pictures stand at once: asked for the fourth step it sees the newest alone."""
    history = History("do it", steps(3))
    screens = {number: screen(number) for number in range(1, 4)}
    replies = {number: f"reply {number}" for number in screens}
    for family, told in (("holo", False), ("generic", True)):
        messages = Speaker(by_name(family)).converse(Prompt("do it", screen(4), history), screens, replies)
        assert ("reply 1" in [part.text for _, part in parts(messages) if isinstance(part, TextPart)]) == told
        assert pictures(messages) == [4]
        if not told:
            evicted = [
                part for _, part in parts(messages) if part == TextPart("<observation>\n[screenshot evicted]\n</observation>")
            ]
            assert len(evicted) == 3


def test_lines_are_dropped_in_batches() -> None:
    """Never more than `MAX_LINES`, and the first one stays for at least `DROPPED_LINES` steps: the prompt's beginning lasts."""
    firsts = [first_line(first_turn) for first_turn in range(1, 400)]
    assert all(first_turn - first <= MAX_LINES for first_turn, first in enumerate(firsts, start=1))
    assert firsts[:41] == [1] * 41
    assert firsts[41] == DROPPED_LINES + 1
    assert set(firsts) == set(range(1, firsts[-1] + 1, DROPPED_LINES))

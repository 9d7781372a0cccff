"""The llama model's port: replies become canonical, nonsense is answered in words, screens that do not fit are left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

import msgspec
import pytest

from edgeagent.action import parse
from edgeagent.engine.conversation import UNCHANGED, Speaker
from edgeagent.engine.llama_model import LlamaModel
from edgeagent.engine.watchdog import Engine
from edgeagent.errors import ContextFull, ReplyMalformed
from edgeagent.history import History, Step
from edgeagent.ports import Prompt
from edgeagent.screen import Screen
from edgeagent_harness.protocol.actions import Click, Finish, Wait
from edgeagent_harness.protocol.effects import Effect
from edgeagent_harness.protocol.frames import FrameInfo
from edgeagent_harness.protocol.geometry import Point
from edgeagent_harness.protocol.no_change import without_change
from edgeagent_models.families.registry import by_name
from edgeagent_models.protocol import ChatMessage, Complete, Completed, ImagePart, TextPart, Usage

CLICK = '{"thought":"press","action":{"kind":"click","point":{"x":500,"y":1000},"button":"left","count":1}}'
INFO = FrameInfo(0, 101, 51, 0)


class Room:
    """An engine with room for so many pictures, that always says the same."""

    def __init__(self, pictures: int, text: str) -> None:
        self._pictures = pictures
        self._text = text
        self.shown: list[int] = []
        self.asked = ""
        self.messages: tuple[ChatMessage, ...] = ()

    async def request(self, request: Complete) -> Completed:
        self.messages = request.messages
        self.asked = "".join(part.text for message in request.messages for part in message.parts if isinstance(part, TextPart))
        shown = sum(isinstance(part, ImagePart) for message in request.messages for part in message.parts)
        self.shown.append(shown)
        if shown > self._pictures:
            raise ContextFull("no room")
        return Completed(1, self._text, "grammar", Usage(), {})


class Guesses:
    """What was told to be primed, call by call."""

    def __init__(self) -> None:
        self.told: list[tuple[tuple[ChatMessage, ...], ...]] = []

    def __call__(self, *beginnings: tuple[ChatMessage, ...]) -> None:
        self.told.append(beginnings)


def model(room: Room, family: str = "generic") -> LlamaModel:
    return LlamaModel(cast("Engine", room), "session", seed=1, speaker=Speaker(by_name(family)))


def prompt(executed: int) -> Prompt:
    steps = tuple(Step(number, Wait(), Effect("confirmed")) for number in range(1, executed + 1))
    return Prompt("do it", Screen(INFO, bytes(INFO.size_bytes)), History("do it", steps=steps))


async def test_a_reply_becomes_physical_pixels() -> None:
    reply = await model(Room(1, CLICK)).complete(prompt(0))
    assert parse(reply, INFO).action == Click(Point(50, 50))
    assert msgspec.json.decode(reply.text)["action"]["point"] == {"x": 50.0, "y": 50.0, "frame": "physical", "display": 0}


async def test_nonsense_is_for_the_loop_to_refuse() -> None:
    reply = await model(Room(1, "I would rather not")).complete(prompt(0))
    with pytest.raises(ReplyMalformed):
        parse(reply, INFO)


async def test_the_family_says_what_is_wrong_and_the_model_is_told() -> None:
    room = Room(1, '{"note":null,"thought":"t","tool_call":{"tool_name":"fly"}}')
    reply = await model(room, "holo").complete(prompt(0))
    with pytest.raises(ReplyMalformed, match="there is no action 'fly'; there are click") as refused:
        parse(reply, INFO)
    told = replace(prompt(0), history=replace(prompt(0).history, feedback=str(refused.value)))
    await model(room, "holo").complete(told)
    assert "Your last reply was not carried out: there is no action 'fly'" in room.asked


async def test_what_a_model_notes_it_is_told_again() -> None:
    room = Room(1, '{"note":"Total: 12","thought":"t","tool_call":{"tool_name":"wait","seconds":1}}')
    reply = await model(room, "holo").complete(prompt(0))
    assert reply.memory == "Total: 12"
    later = replace(prompt(1), history=replace(prompt(1).history, memory=reply.memory, facts=("kept",)))
    await model(room, "holo").complete(later)
    assert "Remembered: Total: 12; kept" in room.asked


async def test_a_grounder_points_once() -> None:
    pointing = model(Room(1, "(10,20)"), "gta1")
    assert isinstance(parse(await pointing.complete(prompt(0)), INFO).action, Click)
    assert parse(await pointing.complete(prompt(1)), INFO).action == Finish()


async def test_screens_that_do_not_fit_are_left_out() -> None:
    room = Room(1, CLICK)
    asked = model(room)
    for executed in range(3):
        await asked.complete(prompt(executed))
    assert room.shown == [1, 2, 1, 2, 1]


async def test_a_screen_that_cannot_fit_at_all_is_an_error() -> None:
    with pytest.raises(ContextFull):
        await model(Room(0, CLICK)).complete(prompt(0))


def looking(at: Sequence[int], unchanged: bool = True, family: str = "holo") -> tuple[LlamaModel, list[Prompt]]:
    """A model that skips unchanged screens, and a session whose steps see screens of these tones."""
    room = Room(9, '{"note":null,"thought":"t","tool_call":{"tool_name":"wait","seconds":1}}')
    asked = LlamaModel(cast("Engine", room), "session", 1, Speaker(by_name(family), skip_unchanged=unchanged))
    prompts = [replace(prompt(step), screen=Screen(INFO, bytes([tone]) * INFO.size_bytes)) for step, tone in enumerate(at)]
    return asked, prompts


@pytest.mark.parametrize(
    ("tones", "unchanged", "pictures"),
    [
        ([1, 1, 1, 2, 2, 3, 4], True, [1, 1, 1, 2, 2, 3, 1]),
        ([1, 1, 1, 2, 2, 3, 4], False, [1, 2, 3, 1, 2, 3, 1]),
        ([1, 2, 1, 1], True, [1, 2, 3, 3]),
        # With the turn that showed it a screen is shown again, though it has not changed.
        ([1] * 14, True, [1] * 14),
    ],
)
async def test_a_screen_that_stays_is_not_shown_again(tones: list[int], unchanged: bool, pictures: list[int]) -> None:
    asked, prompts = looking(tones, unchanged)
    for one in prompts:
        await asked.complete(one)
    room = cast("Room", asked.engine)
    assert room.shown == pictures


async def test_a_screen_that_stays_is_said_to() -> None:
    asked, prompts = looking([1, 1])
    for one in prompts:
        await asked.complete(one)
    room = cast("Room", asked.engine)
    assert room.asked.count(UNCHANGED) == 1
    assert room.asked.index(UNCHANGED) > room.asked.index("<tool_output")


@pytest.mark.parametrize("family", ["holo", "generic", "qwen3-vl"])
async def test_the_next_prompt_is_guessed_but_for_what_it_sees(family: str) -> None:
    """If what was said is done, the next prompt begins with exactly what was primed: at evictions too."""
    waits = {
        "holo": '{"note":null,"thought":"t","tool_call":{"tool_name":"wait","seconds":1}}',
        "generic": '{"thought":"t","action":{"kind":"wait","duration_ms":1000}}',
        "qwen3-vl": '<tool_call>\n{"name":"computer_use","arguments":{"action":"wait","time":1}}\n</tool_call>',
    }
    room, guesses = Room(9, waits[family]), Guesses()
    speaker = Speaker(by_name(family))
    asked = LlamaModel(cast("Engine", room), "session", 1, speaker, guesses)
    for step in range(1, 8):
        thought = "t" if family != "qwen3-vl" else ""
        steps = tuple(Step(number, Wait(1000), Effect("confirmed"), thought) for number in range(1, step))
        screen = Screen(INFO, bytes([step]) * INFO.size_bytes)
        await asked.complete(Prompt("do it", screen, History("do it", steps=steps)))
        if step > 1:
            # One before the last: each question is announced.
            assert guesses.told[-3:-1] == [(room.messages[:-1],), ()]
    assert len(guesses.told) == 14


async def test_a_screen_that_stays_is_guessed_to_the_end() -> None:
    """If nothing changes the next prompt is exactly the second guess, and it begins with the first."""
    room, guesses = Room(9, '{"note":null,"thought":"t","tool_call":{"tool_name":"wait","seconds":1}}'), Guesses()
    asked = LlamaModel(cast("Engine", room), "session", 1, Speaker(by_name("holo"), skip_unchanged=True), guesses)
    effect = without_change(Wait(1000))
    for step in range(1, 14):
        steps = tuple(Step(number, Wait(1000), effect, "t") for number in range(1, step))
        await asked.complete(Prompt("do it", Screen(INFO, bytes(INFO.size_bytes)), History("do it", steps=steps)))
        if step > 1:
            sure, all_of_it = guesses.told[-3]
            assert room.messages == all_of_it
            assert room.messages[:-1] == sure


async def test_nothing_is_guessed_after_nonsense() -> None:
    guesses = Guesses()
    asked = LlamaModel(cast("Engine", Room(9, "no")), "session", 1, Speaker(by_name("holo")), guesses)
    await asked.complete(prompt(0))
    assert guesses.told == [()]

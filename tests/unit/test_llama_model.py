"""The llama model's port: replies become canonical, nonsense is passed on, and screens that do not fit are left out."""

from __future__ import annotations

from typing import cast

import msgspec
import pytest

from edgeagent.action import parse
from edgeagent.engine.llama_model import LlamaModel
from edgeagent.engine.watchdog import Engine
from edgeagent.errors import ContextFull, ReplyMalformed
from edgeagent.history import History, Step
from edgeagent.ports import Prompt
from edgeagent.screen import Screen
from edgeagent_harness.protocol.actions import Click, Wait
from edgeagent_harness.protocol.effects import Effect
from edgeagent_harness.protocol.frames import FrameInfo
from edgeagent_harness.protocol.geometry import Point
from edgeagent_models.protocol import Complete, Completed, ImagePart, Usage

CLICK = '{"thought":"press","action":{"kind":"click","point":{"x":500,"y":1000},"button":"left","count":1}}'
INFO = FrameInfo(0, 101, 51, 0)


class Room:
    """An engine with room for so many pictures, that always says the same."""

    def __init__(self, pictures: int, text: str) -> None:
        self._pictures = pictures
        self._text = text
        self.shown: list[int] = []

    async def request(self, request: Complete) -> Completed:
        shown = sum(isinstance(part, ImagePart) for message in request.messages for part in message.parts)
        self.shown.append(shown)
        if shown > self._pictures:
            raise ContextFull("no room")
        return Completed(1, self._text, "grammar", Usage(), {})


def model(room: Room) -> LlamaModel:
    return LlamaModel(cast("Engine", room), "session", seed=1)


def prompt(executed: int) -> Prompt:
    steps = tuple(Step(number, Wait(), Effect("confirmed")) for number in range(1, executed + 1))
    return Prompt("do it", Screen(INFO, bytes(INFO.size_bytes)), History("do it", steps))


async def test_a_reply_becomes_physical_pixels() -> None:
    reply = await model(Room(1, CLICK)).complete(prompt(0))
    assert parse(reply, INFO).action == Click(Point(50, 50))
    assert msgspec.json.decode(reply.text)["action"]["point"] == {"x": 50.0, "y": 50.0, "frame": "physical", "display": 0}


async def test_nonsense_is_for_the_loop_to_refuse() -> None:
    reply = await model(Room(1, "I would rather not")).complete(prompt(0))
    with pytest.raises(ReplyMalformed):
        parse(reply, INFO)


async def test_screens_that_do_not_fit_are_left_out() -> None:
    room = Room(1, CLICK)
    asked = model(room)
    for executed in range(3):
        await asked.complete(prompt(executed))
    assert room.shown == [1, 2, 1, 2, 1]


async def test_a_screen_that_cannot_fit_at_all_is_an_error() -> None:
    with pytest.raises(ContextFull):
        await model(Room(0, CLICK)).complete(prompt(0))

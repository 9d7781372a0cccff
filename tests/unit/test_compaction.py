"""Whatever of the past a chat model is not told any more is said by an event, exactly when it happens, and no more than that."""

from __future__ import annotations

import re
from typing import cast

import pytest

from edgeagent.engine.conversation import Speaker
from edgeagent.engine.llama_model import LlamaModel
from edgeagent.engine.watchdog import Engine
from edgeagent.errors import ContextFull
from edgeagent.events import Compacted, Replied
from edgeagent.history import History, Step
from edgeagent.ports import Prompt
from edgeagent.screen import Screen
from edgeagent_harness.protocol.actions import Type
from edgeagent_harness.protocol.effects import Effect
from edgeagent_harness.protocol.frames import FrameInfo
from edgeagent_models.families.registry import by_name
from edgeagent_models.protocol import Complete, Completed, ImagePart, TextPart, Usage

INFO = FrameInfo(0, 101, 51, 0)
CLICK = '{"thought":"press","action":{"kind":"click","point":{"x":500,"y":1000},"button":"left","count":1}}'


class Told:
    """Says the same whatever it is asked, and keeps what it was shown."""

    def __init__(self) -> None:
        self.pictures = 0
        self.room = 99
        self.text = ""

    async def request(self, request: Complete) -> Completed:
        parts = [part for message in request.messages for part in message.parts]
        self.pictures = sum(isinstance(part, ImagePart) for part in parts)
        self.text = "".join(part.text for part in parts if isinstance(part, TextPart))
        if self.pictures > self.room:
            raise ContextFull("no room")
        return Completed(1, CLICK, "grammar", Usage(), {})


def prompt(step: int) -> Prompt:
    """What is asked for ``step``, with a word for each earlier one that stands nowhere else."""
    steps = tuple(Step(number, Type(f"word{number}."), Effect("confirmed")) for number in range(1, step))
    return Prompt("do it", Screen(INFO, bytes(INFO.size_bytes)), History("do it", steps=steps))


@pytest.mark.parametrize("family", ["generic", "holo", "qwen3-vl"])
async def test_the_events_say_what_the_prompt_holds(family: str) -> None:
    engine, gone = Told(), {"screens": 0, "turns": 0, "steps": 0}
    model = LlamaModel(cast("Engine", engine), "s", 1, Speaker(by_name(family)))
    for step in range(1, 131):
        for fact in (await model.complete(prompt(step))).compacted:
            assert fact.first_step == gone[fact.what] + 1, "no step is passed over"
            assert fact.first_step <= fact.last_step < step
            assert fact.why
            gone[fact.what] = fact.last_step
        assert engine.pictures == step - gone["screens"]
        told = {int(number) for number in re.findall(r"word(\d+)\.", engine.text)}
        in_full = gone["turns"] + 1 if by_name(family).history.own_words else step  # those are told as the model said them
        assert told == set(range(gone["steps"] + 1, in_full))
    assert all(gone.values())


async def test_what_does_not_fit_is_said_too() -> None:
    engine = Told()
    engine.room = 2
    model = LlamaModel(cast("Engine", engine), "s", 1, Speaker(by_name("holo")))
    facts = [(await model.complete(prompt(step))).facts for step in range(1, 5)]
    assert [type(fact) for fact in facts[1]] == [Replied]
    assert facts[2][1:] == (Compacted("screens", 1, 2, "the conversation did not fit into the model's context"),)
    assert engine.pictures == 1

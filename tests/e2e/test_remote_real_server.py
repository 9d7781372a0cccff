"""The same families drive llama.cpp's own server over HTTP: a real one, with random weights."""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.request import urlopen

import numpy as np
import pytest
from support.real_server import llama_server
from support.tiny_models import TinyModels

from edgeagent.engine import LlamaModel, open_model
from edgeagent.engine.conversation import Speaker
from edgeagent.engine.remote import open_remote
from edgeagent.engine.tagging import Tags
from edgeagent.errors import ContextFull
from edgeagent.history import History, Step
from edgeagent.ports import Prompt
from edgeagent.remote_names import remote_name
from edgeagent.screen import Screen
from edgeagent_harness.protocol.actions import Click
from edgeagent_harness.protocol.audit import Connection
from edgeagent_harness.protocol.effects import Effect
from edgeagent_harness.protocol.frames import FrameInfo
from edgeagent_harness.protocol.geometry import Point
from edgeagent_models.families.registry import by_name

pytest.importorskip("xllamacpp", reason="llama.cpp's server comes with the extra bench")
pytestmark = pytest.mark.llama
SIZE = (320, 224)


@pytest.fixture(scope="module")
def address(tiny_models: TinyModels) -> Iterator[str]:
    with llama_server(tiny_models.dense, tiny_models.mmproj) as running:
        yield running


def prompt(steps: int) -> Prompt:
    pixels = np.random.default_rng(steps).integers(0, 256, (SIZE[1], SIZE[0], 4), dtype=np.uint8)
    done = tuple(Step(number, Click(Point(10, 10)), Effect("confirmed"), "go on") for number in range(1, steps + 1))
    return Prompt("save the form", Screen(FrameInfo(steps + 1, *SIZE, 0), pixels.tobytes()), History("save the form", done))


@pytest.mark.parametrize("family", ["generic", "ui-tars-1.5"])
async def test_a_real_server_takes_the_conversation_of_every_form(address: str, family: str) -> None:
    entries: list[Connection] = []
    async with open_model(f"openai:{address}#tiny", "", 1, lambda _: None, family, audited=entries.append) as model:
        assert isinstance(model, LlamaModel)
        model._sampling = type(model._sampling)(max_tokens=12)  # random words: a few are enough
        for steps in (0, 1):
            reply = await model.complete(prompt(steps))
            assert reply.problem or json.loads(reply.text)
            assert 0 < reply.usage.output_tokens <= 12
            assert reply.usage.prompt_tokens > 70  # a picture of 320x224 is that many tokens
    assert {entry.decision for entry in entries} == {"allowed"}


async def test_a_real_server_takes_hints_and_finds_the_second_step_cached(address: str) -> None:
    remote = remote_name(f"openai:{address}#tiny")
    spoken = by_name("generic")
    async with open_remote(remote, lambda _: None, Tags.of("acme", "one")) as engine:
        model = LlamaModel(engine, "session", 1, Speaker(spoken, spoken.resize.factor))
        model._sampling = type(model._sampling)(max_tokens=12)
        first, second = [(await model.complete(prompt(steps))).usage for steps in (0, 1)]
        assert engine.hints_are_sent, "it did not refuse them"
    assert second.cached_tokens > 70
    assert second.prompt_tokens > first.prompt_tokens


async def test_a_prompt_that_the_server_has_no_room_for(address: str) -> None:
    """Holo's instructions alone fill the small context: one token is one byte for these weights."""
    async with open_model(f"openai:{address}#tiny", "", 1, lambda _: None, "holo") as model:
        with pytest.raises(ContextFull, match="exceeds the available context size"):
            await model.complete(prompt(0))


def test_the_control_reaches_it(address: str) -> None:
    with urlopen(f"{address}/models", timeout=10) as answer:
        assert json.load(answer)["data"]

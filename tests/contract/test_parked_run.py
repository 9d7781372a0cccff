"""A session that ended for its user goes on in a new engine process without computing again what its model had been told."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from support.engines import until_gone
from support.tiny_models import TinyModels

from edgeagent import events
from edgeagent.engine import LlamaModel, open_model
from edgeagent.engine.host import HostedSeat
from edgeagent.engine.parking import Parking
from edgeagent.folders import HOME_VARIABLE, forget_parked, parked_folder
from edgeagent.history import History, Step
from edgeagent.ports import Prompt, Reply
from edgeagent.screen import Screen
from edgeagent_harness.protocol.actions import Wait
from edgeagent_harness.protocol.effects import Effect
from edgeagent_harness.protocol.frames import FrameInfo
from edgeagent_models.protocol import Park, Parked

pytestmark = pytest.mark.llama
INFO = FrameInfo(0, 320, 200, 0)
PAUSED = events.RunEnded("needs_user", "may I?")


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))


def prompt(step: int, tone: int = 0) -> Prompt:
    steps = tuple(Step(number, Wait(1000), Effect("confirmed")) for number in range(1, step))
    return Prompt("do it", Screen(INFO, bytes([tone or step]) * INFO.size_bytes), History("do it", steps=steps))


class Turn:
    """One process's turn at the session ``s-1``."""

    def __init__(self, models: TinyModels, name: str = "s-1") -> None:
        self._opened = open_model(str(models.hybrid), str(models.mmproj), 0, print, "holo", session=name)

    async def __aenter__(self) -> LlamaModel:
        model = await self._opened.__aenter__()
        assert isinstance(model, LlamaModel)
        self.seat = model.engine
        assert isinstance(self.seat, HostedSeat)
        self.pid = self.seat.pid
        return model

    async def __aexit__(self, *raised: object) -> None:
        await self._opened.__aexit__(None, None, None)
        until_gone(self.pid)


async def first_turn(models: TinyModels, steps: int = 2) -> Reply:
    async with Turn(models) as model:
        replies = [await model.complete(prompt(step)) for step in range(1, steps + 1)]
        await model.leave(replace(prompt(steps).history, ended=PAUSED))
    return replies[-1]


def computed(reply: Reply) -> int:
    return reply.usage.prompt_tokens - reply.usage.cached_tokens


async def test_it_goes_on_where_it_stopped(tiny_models: TinyModels) -> None:
    before = await first_turn(tiny_models)
    async with Turn(tiny_models) as model:
        model.recall(prompt(2).history)
        again = await model.complete(prompt(2))
        # The question's own end at most: what was guessed of the next one took its place.
        assert computed(again) < before.usage.prompt_tokens / 10
        assert again.text == before.text
    async with Turn(tiny_models) as model:
        # As a resumed run sees it: the desktop was started anew, so its screen is another one.
        model.recall(prompt(2).history)
        other = await model.complete(prompt(2, tone=77))
        assert computed(other) < before.usage.image_tokens / 2 + 300


async def test_a_run_that_is_stopped_in_mid_question_is_kept_too(tiny_models: TinyModels) -> None:
    async with Turn(tiny_models) as model:
        await model.complete(prompt(1))
        asking = asyncio.create_task(model.complete(prompt(2)))
        await asyncio.sleep(0.05)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        await model.leave(replace(prompt(2).history, ended=events.RunEnded("interrupted")))
    assert (parked_folder() / "s-1.state").exists()


async def test_without_what_the_model_was_told_it_is_computed_anew(tiny_models: TinyModels) -> None:
    before = await first_turn(tiny_models)
    (parked_folder() / "s-1.memo").unlink()
    async with Turn(tiny_models) as model:
        model.recall(prompt(2).history)
        again = await model.complete(prompt(2))
        # The system prompt stands; what follows the first dropped screenshot does not.
        assert 1 < computed(again) < before.usage.prompt_tokens


async def test_another_history_is_told_nothing_of_it(tiny_models: TinyModels) -> None:
    await first_turn(tiny_models)
    async with Turn(tiny_models) as model:
        assert model.parking
        assert model.parking.recalled(prompt(2).history.steps)[0]
        other = replace(prompt(2).history.steps[0], thought="something else")
        assert model.parking.recalled((other, *prompt(2).history.steps[1:])) == ({}, {})
        assert model.parking.recalled(prompt(1).history.steps) == ({}, {})
        assert Parking(model.parking._seat, "s-1", "another model").recalled(prompt(2).history.steps) == ({}, {})


async def test_what_is_done_leaves_nothing_and_nobody_else_can_read_what_is_left(tiny_models: TinyModels) -> None:
    await first_turn(tiny_models, 1)
    names = {path.name: path.stat().st_mode & 0o077 for path in parked_folder().iterdir()}
    assert {"s-1.state", "s-1.memo"} < set(names)
    assert set(names.values()) == {0}
    async with Turn(tiny_models) as model:
        await model.complete(prompt(1))
        await model.leave(replace(prompt(1).history, ended=events.RunEnded("done")))
    assert [path.name[:6] for path in parked_folder().iterdir()] == ["system"]
    await first_turn(tiny_models, 1)
    forget_parked("s-1")
    assert [path.name[:6] for path in parked_folder().iterdir()] == ["system"]


async def test_while_its_user_is_asked_it_makes_room_and_comes_back(tiny_models: TinyModels) -> None:
    async with Turn(tiny_models) as model:
        seat, parking = model.engine, model.parking
        assert parking
        assert isinstance(seat, HostedSeat)
        await model.complete(prompt(1))
        parking.wait()
        told = await seat.request(Park(0, "s-1"))
        assert isinstance(told, Parked)
        assert told.where == "live", "nobody wants its place"
        parking.go_on()
        assert computed(await model.complete(prompt(1))) == 1

"""The model of a run is let go before the next is opened, comes back if that cannot be had, and is refused where it is known."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from edgeagent import events
from edgeagent.errors import EdgeAgentError, EnvironmentProblem, ModelUnusable, UsageError
from edgeagent.ports import Model
from edgeagent.runner import ModelChoice
from edgeagent.runner.deciding import Deciding, ModelSwitch, refuse_unusable
from edgeagent.testing import ScriptedModel
from edgeagent_harness.protocol.actions import Finish


class Shelf:
    """Opens models; ``open`` has those that are open, ``done`` what was done, in order."""

    def __init__(self, *unusable: str) -> None:
        self.unusable = unusable
        self.done: list[str] = []
        self.open: list[str] = []

    @asynccontextmanager
    async def opening(self, choice: ModelChoice) -> AsyncGenerator[Model]:
        await asyncio.sleep(0)
        if choice.model in self.unusable:
            raise ModelUnusable(f"{choice.model} is broken")
        self.done.append(f"+{choice.model}")
        self.open.append(choice.model)
        try:
            yield ScriptedModel(lambda _: Finish())
        finally:
            self.open.remove(choice.model)
            self.done.append(f"-{choice.model}")


def switch_to(path: Path) -> tuple[ModelSwitch, list[str]]:
    """A switch that wants the file ``path``, and what it is told."""
    told: list[str] = []
    switch = ModelSwitch(
        ModelChoice(str(path)),
        loading=lambda choice: told.append(f"loading {choice.model}"),
        kept=lambda choice, why: told.append(f"kept: {why}"),
    )
    return switch, told


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "other.gguf"
    path.write_bytes(b"x")
    return path


async def test_the_one_before_is_let_go_first(file: Path) -> None:
    shelf = Shelf()
    switch, told = switch_to(file)
    async with Deciding(shelf.opening, ModelChoice(skip_unchanged=True)) as deciding:
        changed = await deciding.follow(switch)
        assert shelf.done == ["+embedded", "-embedded", f"+{file}"]
        assert deciding.choice == ModelChoice(str(file), skip_unchanged=True), "what else the session was begun with stays"
        assert await deciding.follow(switch) is None, "asked for once, done once"
    assert changed == events.ModelChanged(str(file), before=events.NamedModel("embedded"))
    assert told == [f"loading {file}"]
    assert not shelf.open


async def test_the_one_before_comes_back(file: Path) -> None:
    shelf = Shelf(str(file))
    switch, told = switch_to(file)
    async with Deciding(shelf.opening, ModelChoice()) as deciding:
        assert await deciding.follow(switch) is None
        assert shelf.open == ["embedded"]
        assert deciding.choice == ModelChoice()
    assert told == [f"loading {file}", f"kept: {file} is broken"]


async def test_what_the_policy_refuses_is_closed_again(file: Path) -> None:
    shelf, used = Shelf(), 0

    def use(_: Model) -> None:
        nonlocal used
        used += 1
        if used == 2:
            raise UsageError("this engine reads no text")

    switch, told = switch_to(file)
    async with Deciding(shelf.opening, ModelChoice(), use) as deciding:
        assert await deciding.follow(switch) is None
        assert shelf.open == ["embedded"]
    assert told[-1] == "kept: this engine reads no text"
    assert used == 3, "who looks at the screens reads by the model that came back"


async def test_neither_is_to_be_had(file: Path) -> None:
    shelf = Shelf(str(file))
    switch, _ = switch_to(file)
    async with Deciding(shelf.opening, ModelChoice()) as deciding:
        shelf.unusable = (str(file), "embedded")
        with pytest.raises(ModelUnusable, match="embedded is broken"):
            await deciding.follow(switch)
    assert not shelf.open


async def test_stopped_while_it_loads(file: Path) -> None:
    shelf = Shelf()
    loading = asyncio.Event()

    @asynccontextmanager
    async def opening(choice: ModelChoice) -> AsyncGenerator[Model]:
        if choice.model == str(file):
            loading.set()
            await asyncio.sleep(60)
        async with shelf.opening(choice) as model:
            yield model

    switch, _ = switch_to(file)
    async with Deciding(opening, ModelChoice()) as deciding:
        following = asyncio.create_task(deciding.follow(switch))
        await loading.wait()
        following.cancel()
        with pytest.raises(asyncio.CancelledError):
            await following
    assert not shelf.open


def test_what_does_not_fit_or_is_not_there_is_refused_beforehand(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse_unusable(ModelChoice(), 0.0)
    refuse_unusable(ModelChoice(str(file), str(file)), 0.000_002)
    with pytest.raises(EnvironmentProblem, match=r"other\.gguf needs .* GB, of which .* GB are free"):
        refuse_unusable(ModelChoice(str(file), str(file)), 0.000_001)
    with pytest.raises(UsageError, match="is not a file"):
        refuse_unusable(ModelChoice(f"{file}.gone"), 1e6)
    remote = ModelChoice("openai:http://127.0.0.1:1/v1#x")
    refuse_unusable(remote, 0.0)
    monkeypatch.setattr("edgeagent.offline.restarting.is_offline", lambda: True)
    with pytest.raises(EdgeAgentError, match="offline"):
        refuse_unusable(remote, 0.0)

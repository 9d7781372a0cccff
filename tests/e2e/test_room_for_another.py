"""Whether another model fits is judged with the model before it gone, on real engines; what cannot be loaded brings it back."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from support.tiny_models import TinyModels, generate

from edgeagent.engine import open_model
from edgeagent.errors import EdgeAgentError
from edgeagent.machine import private_mb
from edgeagent.ports import Model
from edgeagent.runner import ModelChoice
from edgeagent.runner.deciding import Deciding, ModelSwitch

pytestmark = pytest.mark.sandbox


@dataclass
class Machine:
    """One with little memory, of which this test's engines take as much as they really take."""

    total_mb: float
    pids: set[int] = field(default_factory=set[int])
    told: list[str] = field(default_factory=list[str])

    def opening(self, choice: ModelChoice) -> AbstractAsyncContextManager[Model]:
        return open_model(choice.model, choice.mmproj, 0, lambda _: None)

    def use(self, model: Model) -> None:
        self.pids.add(model.engine.pid)  # pyright: ignore[reportAttributeAccessIssue, reportUnknownArgumentType, reportUnknownMemberType]

    def available_mb(self) -> float:
        return self.total_mb - sum(map(private_mb, self.pids))

    def switch(self, path: Path, mmproj: Path) -> ModelSwitch:
        def kept(choice: ModelChoice, why: EdgeAgentError) -> None:
            self.told.append(f"kept: {why}")

        return ModelSwitch(ModelChoice(str(path), str(mmproj)), lambda choice: self.told.append("loading"), kept)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = Machine(1e6)
    monkeypatch.setattr("edgeagent.runner.deciding.available_mb", machine.available_mb)
    return machine


async def test_what_fits_once_the_other_has_gone_is_loaded(tiny_models: TinyModels, tmp_path: Path, machine: Machine) -> None:
    other = tmp_path / "other.gguf"
    generate("dense", other, "--seed", "7")
    mmproj = tiny_models.mmproj
    size_mb = (other.stat().st_size + mmproj.stat().st_size) / 1e6
    async with Deciding(machine.opening, ModelChoice(str(tiny_models.dense), str(mmproj)), machine.use) as deciding:
        held_mb = deciding.frees_mb()
        assert held_mb > size_mb, "an engine of its own"
        machine.total_mb = held_mb + size_mb / 2
        assert machine.available_mb() < size_mb, "not beside the one before"
        switch = machine.switch(other, mmproj)
        changed = await deciding.follow(switch)
        assert changed is not None, machine.told
        assert switch.room_mb() == pytest.approx(machine.total_mb, rel=0.05), "the new one would give back what it holds"
    assert machine.told == ["loading"]


async def test_what_does_not_fit_at_all_is_refused_without_a_change(tiny_models: TinyModels, machine: Machine) -> None:
    mmproj = tiny_models.mmproj
    async with Deciding(machine.opening, ModelChoice(str(tiny_models.dense), str(mmproj)), machine.use) as deciding:
        machine.total_mb = deciding.frees_mb() + 0.01
        huge = tiny_models.hybrid.with_name("huge.gguf")
        with huge.open("wb") as file:
            file.truncate(int(machine.total_mb * 2e6))
        before = deciding.model
        assert await deciding.follow(machine.switch(huge, mmproj)) is None
        assert deciding.model is before, "it was not even let go"
        huge.unlink()
    (said,) = machine.told
    assert said.startswith("kept: huge.gguf needs ")


async def test_what_was_expected_to_come_back_and_did_not(tiny_models: TinyModels, machine: Machine) -> None:
    """Another program took it meanwhile: told as such, and the one before decides on."""
    mmproj = tiny_models.mmproj
    async with Deciding(machine.opening, ModelChoice(str(tiny_models.dense), str(mmproj)), machine.use) as deciding:
        before = set(machine.pids)

        def taken(_choice: ModelChoice) -> None:
            machine.told.append("loading")
            machine.total_mb = 0.0

        switch = machine.switch(tiny_models.hybrid, mmproj)
        switch.loading = taken
        assert await deciding.follow(switch) is None
        assert machine.pids > before, "the engine of the one before was started again"
        assert deciding.choice.model == str(tiny_models.dense)
    assert machine.told[0] == "loading"
    assert machine.told[1].startswith("kept: hybrid.gguf needs ")

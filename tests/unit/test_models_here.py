"""The model picker says what fits in the memory that is free here, and the step time that was predicted here."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from edgeagent.bench.step.fitting import Rates, keep
from edgeagent.bench.step.synthetic import named
from edgeagent.hub.shelf import Kept, Shelved
from edgeagent.machine import machine_line
from edgeagent.tui import models_here
from edgeagent.tui.models_here import model_choices

RATES = Rates(1.0, 1.0, 10.0, 500, 48, 4000.0, 3000.0, 150, 900.0, 8000.0, machine_line(), 0.1)
HOLO = "holo3.1-0.8b"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("EDGEAGENT_HOME", str(tmp_path / "data"))


def note(name: str) -> str:
    return next(choice.note for choice in model_choices(8_000.0) if choice.title == name)


def predicted(quantization: str, rates: Rates = RATES) -> None:
    directory = named(f"{HOLO}:{quantization}").directory
    directory.mkdir(parents=True, exist_ok=True)
    keep(rates, directory, 0)


def test_what_does_not_fit_is_not_offered_and_how_to_predict_is_said() -> None:
    assert f"step time: edgeagent models fit {HOLO}:Q8_0" in note(HOLO)
    assert "of 8.0 GB" in note(HOLO)
    assert "holo3.1-9b" in [choice.title for choice in model_choices(8_000.0)], "its smaller quantization fits"
    assert [choice.title for choice in model_choices(300.0)] == ["embedded", "another one …"]


@pytest.mark.parametrize("quantization", ["Q8_0", "Q4_0"])
def test_the_predicted_step_time_is_said_for_whichever_quantization_was_asked(quantization: str) -> None:
    predicted(quantization)
    assert f"a step takes about 3.1 s here ({quantization})" in note(HOLO)


def test_a_prediction_from_a_busy_hour_is_told_with_how_to_take_it_again() -> None:
    predicted("Q8_0")
    assert "predict it again" not in note(HOLO)
    predicted("Q8_0", msgspec.structs.replace(RATES, load_average=99.0))
    assert note(HOLO).endswith(f"here (Q8_0); predict it again: edgeagent models fit {HOLO}:Q8_0")


def test_a_model_that_is_here_is_told_with_both(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = Kept("Holo-3.1-0.8B-Q8_0.gguf", 1_100_000_000)
    monkeypatch.setattr(models_here, "shelved", lambda: [Shelved("holo", file)])
    predicted("Q4_0")
    assert note("holo") == "on this machine, 1.1 GB: fits in 8.0 GB; step time: edgeagent models fit holo3.1-0.8b:Q8_0"
    predicted("Q8_0")
    assert note("holo") == "on this machine, 1.1 GB: fits in 8.0 GB; a step takes about 3.1 s here (Q8_0)"
    monkeypatch.setattr(models_here, "shelved", lambda: [Shelved("holo", msgspec.structs.replace(file, size_bytes=9 << 30))])
    assert "DOES NOT FIT in 8.0 GB" in note("holo")

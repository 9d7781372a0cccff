"""`models list`: what is here, what is published, what of it fits; nothing is invented."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner
from support.tiny_models import TinyModels

from edgeagent.cli.models import models
from edgeagent.hub.shelf import import_files
from edgeagent_models.families.registry import by_name
from edgeagent_models.published import needs, published
from edgeagent_models.synthetic.shapes import load_shapes


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EDGEAGENT_HOME", str(tmp_path / "home"))
    return tmp_path


def listed(*arguments: str) -> str:
    done = CliRunner().invoke(models, ["list", *arguments])
    assert done.exit_code == 0, done.output
    return done.output


def test_published_models_have_families_and_sources() -> None:
    names = [model.name for model in published()]
    assert len(set(names)) == len(names)
    for model in published():
        assert by_name(model.family).name == model.family
        assert model.source
        assert not model.shape or model.shape in load_shapes()


def test_memory_follows_from_the_shape_or_is_what_was_published() -> None:
    by_names = {model.name: model for model in published()}
    exact = {need.quantization: need for need in needs(by_names["holo3.1-0.8b"])}
    assert exact["Q4_0"].exact
    assert 0.5 < exact["Q4_0"].memory_gb < exact["Q8_0"].memory_gb < 1.5
    eight = [(need.quantization, need.exact) for need in needs(by_names["qwen3-vl-8b"])]
    assert eight == [("Q4_0", True), ("Q8_0", True), ("F16", False)]
    assert needs(by_names["qwen3-vl-8b"])[-1].memory_gb == 16
    assert needs(by_names["fara-7b"]) == []


def test_what_was_not_seen_stays_empty() -> None:
    told = json.loads(listed("--output", "json"))
    (fara,) = [model for model in told["published"] if model["name"] == "fara1.5-4b"]
    assert (fara["licence"], fara["repository"], fara["needs"]) == ("", "", [])
    assert told["available_gb"] > 0


def test_what_fits_is_said_by_this_machines_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    from edgeagent import machine

    monkeypatch.setattr(machine, "available_mb", lambda: 2000.0)
    told = listed()
    assert "Q4_0 0.9 GB fits" in told
    assert "Q4_0 7.0 GB does not fit" in told
    assert "2.0 GB of memory" in told
    monkeypatch.setattr(machine, "available_mb", lambda: 22_000.0)
    assert "Q4_K_M > 21.3 GB may fit" in listed()


def test_models_on_this_machine_are_listed_and_run_by_name(tiny_models: TinyModels) -> None:
    from edgeagent.cli.run import chosen

    kept = import_files(tiny_models.dense, tiny_models.mmproj, "mine")
    assert "mine" in listed()
    assert CliRunner().invoke(models, ["info", "mine"]).output.startswith("path ")
    choice = chosen("mine", "", "gta1")
    assert (choice.model, choice.mmproj, choice.family) == (str(kept.model_path), str(kept.mmproj_path), "gta1")


def test_a_name_cannot_leave_the_shelf(tiny_models: TinyModels, home: Path) -> None:
    from edgeagent.hub.shelf import find

    import_files(tiny_models.dense, None, "mine")
    outside = home / "home" / "outside"
    shutil.copytree(home / "home" / "models" / "mine", outside)
    assert find("../outside") is None
    assert find("mine") is not None

"""`edgeagent bench step` and `models fit` refuse what makes no sense, with exit code 2 (3 for the machine) and a way on."""

import shutil
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import pytest
from click.testing import CliRunner
from support.tiny_models import TinyModels

from edgeagent.bench.step import synthetic
from edgeagent.cli.bench_step import step
from edgeagent.cli.models_fit import fit
from edgeagent.errors import EdgeAgentError, EnvironmentProblem

Usage = namedtuple("Usage", ["total", "used", "free"])
DOOR = Path(__file__).parents[2] / "scripts" / "step_benchmark.py"


def refusal(*arguments: str) -> EdgeAgentError:
    result = CliRunner().invoke(step, list(arguments))
    assert isinstance(result.exception, EdgeAgentError), result.output
    return result.exception


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--compare", "naive,fast"], "the embedded one has no prompt"),
        (["--compare", "quick,fast", "--model", "x"], "no such variant"),
        (["--compare", "naive", "--model", "x"], "needs fast and at least one more"),
        (["--compare", "fast", "--model", "x"], "needs fast and at least one more"),
        (["--compare", "naive,fast", "--model", "x", "--repeats", "2"], "too few to compare"),
        (["--live", "--session", "x"], "--live drives a desktop of its own"),
        (["--mmproj", "x"], "goes with a GGUF file"),
        (["--skip-unchanged"], "--skip-unchanged is for GGUF files"),
        (["--model", "nowhere.gguf"], "neither 'embedded' nor a file"),
        (["--session", "nothing-like-it"], "no session"),
        (["--synthetic", "gpt-9"], "no shape is known of 'gpt-9'"),
        (["--synthetic", "holo3.1-0.8b:q3"], "no random weights are made in 'Q3'"),
        (["--synthetic", "holo3.1-0.8b", "--model", "x"], "makes a model of its own"),
        (["--json", "/nowhere/at/all.json"], "is no directory"),
    ],
)
def test_nonsense(arguments: list[str], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEAGENT_HOME", str(tmp_path))
    error = refusal(*arguments)
    assert words in str(error)
    assert error.exit_code == 2
    assert error.hint


def test_a_model_without_eyes(tiny_models: TinyModels) -> None:
    error = refusal("--model", str(tiny_models.dense))
    assert "cannot see" in str(error)
    assert error.exit_code == 2


def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEAGENT_HOME", str(tmp_path))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10 << 30, 9 << 30, 1 << 30))
    error = refusal("--synthetic", "holo3.1-0.8b")
    assert isinstance(error, EnvironmentProblem)
    assert "1.1 GB free" in str(error)
    assert not list(synthetic.named("holo3.1-0.8b").directory.iterdir())


def test_fit_of_nothing_known() -> None:
    result = CliRunner().invoke(fit, ["gpt-9"])
    assert isinstance(result.exception, EdgeAgentError)
    assert "holo3.1-0.8b" in result.exception.hint


def test_the_script_is_the_same_command() -> None:
    done = subprocess.run(
        [sys.executable, DOOR, "--compare", "fast"], capture_output=True, text=True, timeout=30, check=False
    )  # fmt: skip
    assert done.returncode == 2
    assert "needs fast and at least one more" in done.stderr

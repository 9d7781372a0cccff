"""`edgeagent bench step` and `models fit` refuse what makes no sense, with exit code 2 (3 for the machine) and a way on."""

import shutil
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import pytest
from click.testing import CliRunner
from support.recorded import record
from support.tiny_models import TinyModels

from edgeagent.bench.step import synthetic
from edgeagent.bench.step.prompts import recorded
from edgeagent.cli.bench_step import step
from edgeagent.cli.models_fit import fit
from edgeagent.errors import EdgeAgentError, EnvironmentProblem, RecordingDamaged
from edgeagent.recording.frame_index import PACK_NAME
from edgeagent.recording.reader import SessionReader

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
        (["--json", "/proc/report.json"], "/proc/report.json cannot be written"),
        (["--plot", "/proc/report.svg"], "/proc/report.svg cannot be written"),
        (["--json", ""], "cannot be written"),
        (["--json", "r", "--plot", "./r"], "both name r"),
        (["--session", ""], "one is empty"),
        (["--synthetic", ""], "one is empty"),
    ],
)
def test_nonsense(arguments: list[str], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEAGENT_HOME", str(tmp_path))
    error = refusal(*arguments)
    assert words in str(error)
    assert error.exit_code == 2
    assert error.hint


@pytest.mark.parametrize(
    "arguments",
    [["--steps", "0"], ["--steps", "1001"], ["--repeats", "0"], ["--image-tokens", "-1"], ["--image-tokens", "4097"]],
)
def test_numbers_out_of_range(arguments: list[str]) -> None:
    result = CliRunner().invoke(step, arguments)
    assert result.exit_code == 2
    assert "is not in the range" in result.output


def test_asking_whether_a_report_can_be_written_changes_no_file(tmp_path: Path) -> None:
    before, absent = tmp_path / "before.json", tmp_path / "absent.svg"
    before.write_text("kept")
    refusal("--json", str(before), "--plot", str(absent), "--session", "nothing-like-it")
    assert before.read_text() == "kept"
    assert not absent.exists()


@pytest.mark.llama
@pytest.mark.parametrize("part", ["--model", "--mmproj"])
def test_a_torn_file(tiny_models: TinyModels, tmp_path: Path, part: str) -> None:
    whole = {"--model": tiny_models.dense, "--mmproj": tiny_models.mmproj}
    torn = tmp_path / "torn.gguf"
    torn.write_bytes(whole[part].read_bytes()[:300_000])
    files = {**whole, part: torn}
    error = refusal(*(str(word) for pair in files.items() for word in pair), "--steps", "1")
    assert f"{torn} cannot be loaded: it has 300000 bytes" in str(error)
    assert error.exit_code == 2


async def test_a_session_without_its_screens(tmp_path: Path) -> None:
    directory = await record(tmp_path / "sessions" / "bare")
    (directory / PACK_NAME).unlink()
    with SessionReader.open(directory) as reader, pytest.raises(RecordingDamaged, match="is not there") as refused:
        recorded(reader, 0)
    assert refused.value.exit_code == 3


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


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--compare", "fast"], "needs fast and at least one more"),
        (["--nonsense"], "Usage: edgeagent bench step [OPTIONS]"),
    ],
)
def test_the_script_is_the_same_command(arguments: list[str], words: str) -> None:
    done = subprocess.run([sys.executable, DOOR, *arguments], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 2
    assert words in done.stderr

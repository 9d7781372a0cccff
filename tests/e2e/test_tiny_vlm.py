"""A tiny trained model really sees, on the way that any model takes; calibration knows it, also when it is spoiled."""

from __future__ import annotations

import json
import math
import statistics
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))

from click.testing import CliRunner
from examine_tiny_vlm import at_any_size, at_trained_sizes, clicks
from support.real_server import llama_server
from vlm_training.papers import NEAR, Paper, distance

from edgeagent.calibration.measuring import Measured, measure
from edgeagent.calibration.verdict import judged
from edgeagent.cli.models import models
from edgeagent.engine import LlamaModel, open_model
from edgeagent.engine.conversation import Speaker
from edgeagent.engine.watchdog import Engine
from edgeagent_models.families.family import Family
from edgeagent_models.families.grid import GridKind
from edgeagent_models.families.tiny import TINY
from edgeagent_models.protocol import Load

pytestmark = pytest.mark.llama
FILES = Path(__file__).parents[2] / "models" / "tiny-vlm"
MODEL, MMPROJ = FILES / "model.gguf", FILES / "mmproj.gguf"
TRAINED_SIZES, ANY_SIZE = 0.92, 0.85
"""Least shares of the few screens here; the model card has the figures over 300 each."""
SCREEN = (640, 448)
TARGETS = 12


@asynccontextmanager
async def speaking(family: Family, model: Path = MODEL) -> AsyncGenerator[LlamaModel]:
    """The model, spoken to as ``family``."""
    engine = Engine("llama", Load(0, str(model), str(MMPROJ), context_tokens=1024, max_sequences=1), lambda _: None)
    await engine.start()
    try:
        await engine.open_sequence("s")
        yield LlamaModel(engine, "s", 0, Speaker(family, 32))
    finally:
        await engine.close()


async def share_right(papers: list[Paper]) -> float:
    async with open_model(str(MODEL), str(MMPROJ), 0, lambda _: None) as model:
        assert isinstance(model, LlamaModel)
        found = await clicks(model, papers)
    near = [distance(point, paper[1], paper[0].pixels.shape[1::-1]) <= NEAR for point, paper in zip(found, papers, strict=True)]
    return sum(near) / len(near)


async def test_it_clicks_what_it_never_saw() -> None:
    assert await share_right(at_trained_sizes(40)) >= TRAINED_SIZES


async def test_it_does_when_the_runtime_resizes() -> None:
    assert await share_right(at_any_size(25)) >= ANY_SIZE


async def calibrated(family: Family, model: Path = MODEL) -> Measured:
    async with speaking(family, model) as opened:
        return await measure(opened, SCREEN, 1.0, TARGETS, lambda _: None)


async def test_calibration_finds_how_it_counts() -> None:
    measured = await calibrated(TINY)
    assert measured.convention == "thousandths"
    assert judged(measured.errors_px, measured.radius_px, TINY, measured.convention)[0] in ("good", "usable", "poor")


@pytest.mark.parametrize("grid", ["sent", "unit"])
async def test_a_family_that_reads_otherwise_is_refused(grid: GridKind) -> None:
    family = replace(TINY, grid=grid)
    measured = await calibrated(family)
    said, reason = judged(measured.errors_px, measured.radius_px, family, measured.convention)
    assert said == "wrong_convention"
    assert "it answers in thousandths" in reason


async def test_a_model_that_counts_from_the_other_corner_cannot_point(tmp_path: Path) -> None:
    """Its digits exchanged, 0 for 9, 1 for 8 and so on: it mirrors every point."""
    mirrored = tmp_path / "mirrored.gguf"
    mirrored.write_bytes(with_digits(MODEL.read_bytes(), "9876543210"))
    measured = await calibrated(TINY, mirrored)
    assert measured.convention is None
    assert judged(measured.errors_px, measured.radius_px, TINY, None)[0] == "cannot_point"


def with_digits(gguf: bytes, digits: str) -> bytes:
    """``gguf`` with other texts for the tokens ``0`` to ``9``, which stand in a row in its vocabulary."""
    plain, other = (
        b"".join(len(digit).to_bytes(8, "little") + digit.encode() for digit in row) for row in ("0123456789", digits)
    )
    assert gguf.count(plain) == 1
    return gguf.replace(plain, other)


def test_calibrate_on_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEAGENT_HOME", str(tmp_path))
    arguments = ["calibrate", str(MODEL), "--mmproj", str(MMPROJ), "--screen", "640x448", "--targets", "6", "--output", "json"]
    done = CliRunner().invoke(models, arguments)
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert (found["convention"], found["quantization"], found["targets"]) == ("thousandths", "Q8_0", 6)
    assert "calibrated: edgeagent-tiny-vlm Q8_0 as edgeagent-tiny on 640x448" in CliRunner().invoke(models, ["list"]).output


async def test_llama_cpps_own_server_sees_the_same() -> None:
    """The same weights behind HTTP, without a grammar. It puts a line break before the question, so a digit may differ."""
    pytest.importorskip("xllamacpp", reason="llama.cpp's server comes with the extra bench")
    papers = at_trained_sizes(10)
    async with open_model(str(MODEL), str(MMPROJ), 0, lambda _: None) as here:
        assert isinstance(here, LlamaModel)
        ours = await clicks(here, papers)
    with llama_server(MODEL, MMPROJ) as address:
        async with open_model(f"openai:{address}#edgeagent-tiny-vlm", "", 0, lambda _: None) as elsewhere:
            assert isinstance(elsewhere, LlamaModel)
            theirs = await clicks(elsewhere, papers)
    apart = [_apart(a, b, paper) for a, b, paper in zip(ours, theirs, papers, strict=True)]
    crossed = [_apart(a, b, paper) for a, b, paper in zip(ours, theirs[2:] + theirs[:2], papers, strict=True)]
    assert statistics.median(apart) < 0.1 < statistics.median(crossed)


def _apart(ours: tuple[float, float] | None, theirs: tuple[float, float] | None, paper: Paper) -> float:
    """Two clicks' distance as shares of the screen's sides."""
    assert ours is not None
    assert theirs is not None
    height, width = paper[0].pixels.shape[:2]
    return math.dist((ours[0] / width, ours[1] / height), (theirs[0] / width, theirs[1] / height))

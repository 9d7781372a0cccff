"""The step benchmark asks what was asked: prompts of a recorded session, conversations by variant, energy with wrap-around."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest
from support.recorded import DEFAULT_ACTIONS, record

from edgeagent.bench.step.prompts import recorded
from edgeagent.bench.step.resources import EnergyMeter, memory_mb
from edgeagent.bench.step.variants import VariantName, fitted, scaled, speaker
from edgeagent.errors import UsageError
from edgeagent.history import History, Step
from edgeagent.machine import available_mb
from edgeagent.ports import Prompt
from edgeagent.recording.reader import SessionReader
from edgeagent.screen import Screen
from edgeagent_harness.protocol.actions import Click
from edgeagent_harness.protocol.effects import Effect
from edgeagent_harness.protocol.frames import FrameInfo
from edgeagent_harness.protocol.geometry import Point
from edgeagent_models.families.family import HistoryRule
from edgeagent_models.families.generic import GENERIC
from edgeagent_models.protocol import Image, ImagePart, TextPart

FAMILY = replace(GENERIC, history=HistoryRule(screenshots=2, turns=3, own_words=False, evicted="[gone]"))


async def test_the_prompts_of_a_session(tmp_path: Path) -> None:
    with SessionReader.open(await record(tmp_path / "s")) as reader:
        found = recorded(reader, 0)
        assert [len(prompt.history.steps) for prompt in found.prompts] == [0, 1, 2]
        assert {prompt.task for prompt in found.prompts} == {"save my name"}
        for prompt, step in zip(found.prompts, reader.steps(), strict=True):
            assert prompt.screen.pixels == reader.frame(step.frame_before).pixels
        assert len(found.timings) == len(DEFAULT_ACTIONS)
        assert len(recorded(reader, 2).prompts) == 2
        with pytest.raises(UsageError, match="asked its model 3 times, not 4"):
            recorded(reader, 4)


async def test_a_session_without_steps_is_refused(tmp_path: Path) -> None:
    with SessionReader.open(await record(tmp_path / "s", actions=())) as reader, pytest.raises(UsageError, match="no step"):
        recorded(reader, 0)


def picture(tone: int, width: int = 64, height: int = 32) -> Image:
    return Image(width, height, "bgrx", bytes([tone]) * (width * height * 4))


def shown(variant: VariantName, step: int) -> list[int | str]:
    """Of each of the user's turns when ``step`` is asked: the tone of its picture, or that it is gone."""
    screens = {number: screen(number) for number in range(1, step)}
    steps = tuple(Step(number, Click(Point(1, 1)), Effect("confirmed")) for number in screens)
    prompt = Prompt("t", screen(step), History("t", steps))
    messages = speaker(variant, FAMILY, 0).converse(prompt, screens, {})
    found: list[int | str] = []
    for message in messages:
        pictures = [part.image.pixels[0] for part in message.parts if isinstance(part, ImagePart)]
        gone = ["[gone]" for part in message.parts if isinstance(part, TextPart) and "[gone]" in part.text]
        found += [*pictures, *gone] if message.role == "user" else []
    return found


def screen(tone: int) -> Screen:
    return Screen(FrameInfo(tone, 64, 32, 0), picture(tone).pixels)


def test_naive_shows_the_whole_history() -> None:
    assert shown("naive", 5) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("variant", ["official", "server"])
def test_others_drop_screenshots_in_place(variant: VariantName) -> None:
    assert shown(variant, 3) == ["[gone]", 2, 3]


def test_fast_drops_them_in_batches() -> None:
    assert shown("fast", 2) == [1, 2]
    assert shown("fast", 3) == ["[gone]", "[gone]", 3]


@pytest.mark.parametrize(("tokens", "size"), [(0, (1280, 800)), (1000, (1280, 800)), (500, (864, 576))])
def test_pictures_scaled_to_a_number_of_tokens(tokens: int, size: tuple[int, int]) -> None:
    assert fitted(1280, 800, tokens) == size
    image = scaled(picture(7, 1280, 800), tokens)
    assert (image.width, image.height) == size
    assert set(image.pixels) == {7}
    assert not tokens or image.width * image.height <= tokens * 32 * 32


def test_a_picture_for_others_has_the_size_that_it_is_sent_at() -> None:
    image = scaled(Image(64, 32, "bgrx", picture(7).pixels, 32, 32), 0)
    assert (image.width, image.height, image.sent_width) == (32, 32, 0)


def rapl(root: Path, energy_uj: int) -> Path:
    zone = root / "intel-rapl:0"
    zone.mkdir(exist_ok=True)
    (zone / "max_energy_range_uj").write_text("1000000\n")
    (zone / "energy_uj").write_text(f"{energy_uj}\n")
    return root


def test_energy_counts_through_the_counters_end(tmp_path: Path) -> None:
    meter = EnergyMeter(rapl(tmp_path, 900_000))
    assert meter.why_not == ""
    rapl(tmp_path, 950_000)
    assert meter.lap_j() == pytest.approx(0.05)
    rapl(tmp_path, 150_000)
    assert meter.lap_j() == pytest.approx(0.2)


def test_energy_that_cannot_be_read_is_said_so(tmp_path: Path) -> None:
    meter = EnergyMeter(tmp_path)
    assert "no RAPL counters" in meter.why_not
    assert meter.lap_j() is None
    (rapl(tmp_path, 1) / "intel-rapl:0" / "energy_uj").write_text("not a number")
    assert "cannot be read" in EnergyMeter(tmp_path).why_not


def test_memory() -> None:
    now, peak = memory_mb()
    assert 5 < now <= peak < available_mb() + peak
    assert memory_mb(0 if sys.platform == "linux" else -1) == (0, 0)

"""The step benchmark asks what was asked: prompts of a recorded session, conversations by variant, energy with wrap-around."""

import sys
from pathlib import Path

import numpy as np
import pytest
from support.recorded import DEFAULT_ACTIONS, record

from edgeagent.bench.step.prompts import recorded
from edgeagent.bench.step.resources import EnergyMeter, available_mb, memory_mb
from edgeagent.bench.step.variants import Transcript, fitted, marked, scaled
from edgeagent.errors import UsageError
from edgeagent.recording.reader import SessionReader
from edgeagent_models.protocol import ChatMessage, Image, ImagePart, TextPart

EVICTED = "[gone]"
SYSTEM = ChatMessage("system", (TextPart("rules"),))


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


def shown(messages: tuple[ChatMessage, ...]) -> list[int | str]:
    """Of each part: the tone of a picture, or the text."""
    parts = [part for message in messages for part in message.parts]
    return [part.text if isinstance(part, TextPart) else part.image.pixels[0] for part in parts]


def asked(transcript: Transcript, count: int) -> tuple[ChatMessage, ...]:
    messages: tuple[ChatMessage, ...] = ()
    for tone in range(1, count + 1):
        newest = ChatMessage("user", (ImagePart(picture(tone)),))
        messages = transcript.ask((SYSTEM, ChatMessage("user", (TextPart("what the family kept"),)), newest))
        transcript.answered(f"reply {tone}")
    return messages


def test_naive_sends_the_whole_history() -> None:
    assert shown(asked(Transcript(0, EVICTED), 4)) == ["rules", 1, "reply 1", 2, "reply 2", 3, "reply 3", 4]


def test_official_evicts_in_place() -> None:
    assert shown(asked(Transcript(2, EVICTED), 4)) == ["rules", EVICTED, "reply 1", EVICTED, "reply 2", 3, "reply 3", 4]


@pytest.mark.parametrize(("tokens", "size"), [(0, (1280, 800)), (1000, (1280, 800)), (500, (864, 576))])
def test_pictures_scaled_to_a_number_of_tokens(tokens: int, size: tuple[int, int]) -> None:
    assert fitted(1280, 800, tokens) == size
    image = scaled(picture(7, 1280, 800), tokens)
    assert (image.width, image.height) == size
    assert set(image.pixels) == {7}
    assert not tokens or image.width * image.height <= tokens * 32 * 32


def test_a_marked_picture_is_another_picture() -> None:
    one, two = marked(picture(7), 1), marked(picture(7), 2)
    assert len({one.pixels, two.pixels, picture(7).pixels}) == 3
    changed = np.frombuffer(one.pixels, np.uint8) != np.frombuffer(two.pixels, np.uint8)
    assert 0 < changed.mean() < 0.15


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

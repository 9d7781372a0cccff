"""Calibration: drawn targets, what a model's answers to them say of how it counts, the verdict, and that it is remembered."""

from __future__ import annotations

import hashlib
import json
import random
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest

from edgeagent.calibration.conventions import WORDS, Convention, numbers_in
from edgeagent.calibration.measuring import measure, summed
from edgeagent.calibration.remembered import calibrations_path, identity, known, of_model, refuse_wrong_convention, remember
from edgeagent.calibration.targets import COLOURS, draw
from edgeagent.calibration.verdict import Calibration, spread
from edgeagent.engine.conversation import Speaker
from edgeagent.engine.llama_model import LlamaModel
from edgeagent.errors import ModelUnusable
from edgeagent.runner import ModelChoice, attending
from edgeagent_models.families.family import Family
from edgeagent_models.families.grid import View
from edgeagent_models.families.registry import FAMILIES, by_name
from edgeagent_models.families.resize import SizeRule
from edgeagent_models.protocol import Complete, Completed, ImagePart, Usage

SIZE = (1280, 800)
TARGETS = 12
CLICKS = {
    "holo": '{{"note": null, "thought": "t", "tool_call": {{"tool_name": "click", "element": "it", "x": {0}, "y": {1}}}}}',
    "ui-tars-1.5": "Thought: t\nAction: click(start_box='({0},{1})')",
    "smolvlm2-agentic": "<think>t</think><code>click(x={0}, y={1})</code>",
    "gta1": "({0},{1})",
}


class Eye:
    """Answers as a model that sees every target, and counts as ``convention`` says; ``noise_px`` of error."""

    def __init__(self, family: Family, convention: Convention | None, noise_px: float = 0) -> None:
        self.family, self.convention, self.noise_px = family, convention, noise_px
        self.rng = random.Random(5)
        self.targets = {_digest(screen.pixels): target for screen, target in draw(*SIZE, TARGETS)}
        self.grammars: list[str] = []

    async def request(self, request: Complete) -> Completed:
        self.grammars.append(request.grammar)
        (image,) = [part.image for message in request.messages for part in message.parts if isinstance(part, ImagePart)]
        target = self.targets[_digest(image.pixels)]
        spread_px = (self.rng.uniform(-1, 1) * self.noise_px for _ in range(2))
        x, y = (place + error for place, error in zip((target.x, target.y), spread_px, strict=True))
        numbers = self._numbers(x, y, self.family.view(*SIZE, 32))
        return Completed(0, CLICKS[self.family.name].format(*numbers), "eos", Usage(), {})

    def _numbers(self, x: float, y: float, view: View) -> tuple[float, float]:
        match self.convention:
            case "thousandths":
                return round(x * 1000 / view.width), round(y * 1000 / view.height)
            case "unit":
                return round(x / view.width, 4), round(y / view.height, 4)
            case "sent":
                return round(x * view.sent_width / view.width), round(y * view.sent_height / view.height)
            case "screen":
                return round(x), round(y)
            case _:
                return self.rng.randint(0, 999), self.rng.randint(0, 999)


def _digest(pixels: bytes) -> str:
    return hashlib.sha256(pixels).hexdigest()


def spoken_as(family: str) -> Family:
    """``family`` with pictures so small that their pixels are not the screen's."""
    return replace(by_name(family), resize=SizeRule(32, 320 * 224, 640 * 448))


async def calibrated(family: str, convention: Convention | None, noise_px: float = 0) -> Calibration:
    spoken = spoken_as(family)
    told: list[str] = []
    measured = await measure(
        LlamaModel(Eye(spoken, convention, noise_px), "s", 0, Speaker(spoken, 32)), SIZE, 1.0, TARGETS, told.append
    )
    assert len(told) == TARGETS
    return summed(measured, spoken, ("name", "Q4_0"), SIZE, 1.0)


@pytest.mark.parametrize("family", CLICKS)
async def test_a_model_that_counts_as_its_family_reads_is_good(family: str) -> None:
    found = await calibrated(family, by_name(family).grid)
    assert (found.verdict, found.hits, found.unread) == ("good", TARGETS, 0)
    assert found.median_px is not None
    assert found.median_px <= 2


@pytest.mark.parametrize(
    ("family", "convention"),
    [(family, convention) for family in CLICKS for convention in WORDS if by_name(family).grid != convention],
)
async def test_every_other_convention_is_found_and_refused(family: str, convention: Convention) -> None:
    found = await calibrated(family, convention)
    assert (found.verdict, found.convention) == ("wrong_convention", convention)
    assert WORDS[convention] in found.reason
    fitting = {other.name for other in FAMILIES if other.grid == convention}
    assert all(name in found.reason for name in fitting)


@pytest.mark.parametrize(("noise_px", "verdict"), [(20, "good"), (28, "usable"), (70, "poor")])
async def test_what_misses_is_worth_less(noise_px: float, verdict: str) -> None:
    assert (await calibrated("holo", "thousandths", noise_px)).verdict == verdict


async def test_a_blind_model_is_told_so() -> None:
    found = await calibrated("holo", None)
    assert (found.verdict, found.convention) == ("cannot_point", None)


async def test_how_it_counts_is_asked_without_its_grammar() -> None:
    holo = by_name("holo")
    eye = Eye(holo, "thousandths")
    await measure(LlamaModel(eye, "s", 0, Speaker(holo, 32)), SIZE, 1.0, TARGETS, lambda _: None)
    assert [bool(grammar) for grammar in eye.grammars] == [False] * 6 + [True] * TARGETS


@pytest.mark.parametrize(
    ("reply", "numbers"),
    [
        ('{"thought":"3 of 4","action":{"kind":"click","point":{"x":500,"y":250},"button":"left","count":1}}', (500, 250)),
        ("<parameter=x>\n932\n</parameter>\n<parameter=y>\n880\n</parameter>", (932, 880)),
        ('{"action": "left_click", "coordinate": [512, 64]}', (512, 64)),
        ("<point>12 30</point>", (12, 30)),
        ("click(x=0.52, y=0.31)", (0.52, 0.31)),
        ("512,064", (512, 64)),
        ("I see nothing", None),
    ],
)
def test_numbers_are_found_in_every_form(reply: str, numbers: tuple[float, float] | None) -> None:
    assert numbers_in(reply) == numbers


@pytest.mark.parametrize(("size", "scale"), [((320, 224), 1.0), ((1280, 800), 1.0), ((3840, 2160), 2.0), ((480, 900), 1.5)])
def test_targets_are_on_the_screen_and_in_their_colour(size: tuple[int, int], scale: float) -> None:
    for screen, target in draw(*size, 9, scale):
        pixels = np.frombuffer(screen.pixels, np.uint8).reshape(size[1], size[0], 4)
        red, green, blue = COLOURS[target.name.split()[0]]
        assert pixels[round(target.y), round(target.x), :3].tolist() == [blue, green, red]
        assert target.radius < target.x < size[0] - target.radius
        assert target.radius < target.y < size[1] - target.radius


def test_targets_cover_the_screen() -> None:
    places = [(target.x > 640, target.y > 400) for _, target in draw(*SIZE, TARGETS)]
    assert len(set(places)) == 4


def test_spread_counts_answers_that_were_no_point() -> None:
    assert spread([1.0, 2.0, 3.0, None]) == (3.0, None)
    assert spread([None, None, 3.0]) == (None, None)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EDGEAGENT_HOME", str(tmp_path / "home"))
    return tmp_path


async def test_a_verdict_is_remembered_and_refuses_later_runs(home: Path) -> None:
    model, other = home / "model.gguf", home / "other.gguf"
    model.write_bytes(b"GGUF one")
    other.write_bytes(b"GGUF other")
    wrong = await calibrated("holo", "sent")
    remember(identity(str(model), ""), wrong)
    assert of_model(identity(str(model), "")) == [wrong]
    with pytest.raises(ModelUnusable, match="pixels of the picture as it was sent, but family holo reads thousandths"):
        refuse_wrong_convention(str(model), "", "holo")
    with pytest.raises(ModelUnusable, match="pixels of the picture"):
        attending.real_model(ModelChoice(str(model), "", "holo"), 0, lambda _: None, lambda _: None, "")
    refuse_wrong_convention(str(model), "", "ui-tars-1.5")
    refuse_wrong_convention(str(other), "", "holo")
    refuse_wrong_convention("embedded", "", "")
    remember(identity(str(model), ""), await calibrated("holo", "thousandths"))
    refuse_wrong_convention(str(model), "", "holo")


async def test_each_screen_is_remembered_for_itself(home: Path) -> None:
    found = await calibrated("holo", "thousandths")
    larger = msgspec.structs.replace(found, screen=(1920, 1080))
    for one in (found, larger, found):
        remember("id", one)
    assert of_model("id") == [found, larger]
    assert json.loads(calibrations_path().read_text())


def test_a_damaged_file_is_forgotten(home: Path) -> None:
    calibrations_path().parent.mkdir(parents=True)
    calibrations_path().write_text("{broken")
    assert known() == {}

"""A GGUF that is named like a published model is spoken to as its family, from its header to the action in the log."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from support.engines import SEQUENCES, llama
from support.fake_run import record
from support.tiny_models import TinyModels, named_copy

from edgeagent import events
from edgeagent.cli.main import cli
from edgeagent.engine import open_model
from edgeagent.errors import EngineError, ModelUnusable
from edgeagent.folders import HOME_VARIABLE
from edgeagent.history import History
from edgeagent.ports import Prompt
from edgeagent.runner import ModelChoice
from edgeagent.screen import Screen
from edgeagent_harness.protocol.frames import FrameInfo
from edgeagent_models.families.registry import by_name
from edgeagent_models.protocol import ChatMessage, Complete, Image, ImagePart, Sampling, TextPart

pytestmark = pytest.mark.llama
INFO = FrameInfo(0, 640, 400, 0)


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "home"))


@pytest.mark.parametrize(
    ("base", "name", "family"),
    [
        ("dense", "Qwen3 VL 2B Instruct", "qwen3-vl"),
        ("hybrid", "Holo3.1 0.8B", "holo"),
        ("dense", "UI-TARS 1.5 7B", "ui-tars-1.5"),
    ],
)
async def test_one_step_as_its_family(tiny_models: TinyModels, tmp_path: Path, base: str, name: str, family: str) -> None:
    """Random weights: where the family's form is held by a grammar they say an action, else the family says what is wrong."""
    model = named_copy(tiny_models.named(base), name, tmp_path)
    shown = CliRunner().invoke(cli, ["models", "info", str(model)])
    assert f"family           {family}\n" in shown.output
    facts = await record(tmp_path / "sessions", ModelChoice(str(model), str(tiny_models.mmproj)))
    said = [fact for fact in facts if isinstance(fact, events.Replied)]
    refused = [fact.error for fact in facts if isinstance(fact, events.Malformed)]
    if by_name(family).dialect.grammar(by_name(family).view(INFO.width, INFO.height)):
        assert '"action":{"kind":' in said[0].text
        view = by_name(family).view(320, 200, 32)
        # The encoder got the picture at the family's size: one token for each square of its factor.
        assert said[0].usage.image_tokens == view.sent_width * view.sent_height // 32**2
    else:
        assert refused[0].startswith("the reply has no action: write Action:")


async def test_the_override_wins(tiny_models: TinyModels) -> None:
    """The tiny model's own name says generic; asked as Holo it answers in Holo's form, which becomes the same canonical one."""
    async with open_model(str(tiny_models.dense), str(tiny_models.mmproj), 5, lambda _why: None, "holo") as model:
        reply = await model.complete(Prompt("press Go", Screen(INFO, bytes(INFO.size_bytes)), History("press Go")))
    assert reply.problem == ""
    assert reply.text.startswith('{"thought":')


async def test_pixels_of_the_picture_need_an_encoder_that_does_not_resize(tiny_models: TinyModels, tmp_path: Path) -> None:
    other = tmp_path / "other.gguf"
    other.write_bytes(tiny_models.mmproj.read_bytes().replace(b"qwen3vl_merger", b"someoneelse_mg"))
    with pytest.raises(ModelUnusable, match="counts in pixels of the picture"):
        async with open_model(str(tiny_models.dense), str(other), 1, lambda _why: None, "ui-tars-1.5"):
            pass


async def test_a_size_that_the_encoder_would_change_is_refused(tiny_models: TinyModels) -> None:
    async with llama(tiny_models.dense, tiny_models.mmproj) as engine:
        picture = ImagePart(Image(64, 64, "rgb", bytes(64 * 64 * 3), 100, 100))
        message = ChatMessage("user", (picture, TextPart("what is it?")))
        with pytest.raises(EngineError, match="to be sent at 100x100, the vision encoder takes 96x96"):
            await engine.request(Complete(0, SEQUENCES[0], (message,), Sampling(max_tokens=1)))


def test_an_unknown_family_is_refused_with_the_nearest(tiny_models: TinyModels) -> None:
    model, mmproj = str(tiny_models.dense), str(tiny_models.mmproj)
    result = CliRunner().invoke(cli, ["run", "x", "--model", model, "--mmproj", mmproj, "--family", "qwen3vl"])
    assert "the nearest is 'qwen3-vl'" in str(result.exception)
    result = CliRunner().invoke(cli, ["run", "x", "--family", "holo"])
    assert "--family is for GGUF files" in str(result.exception)

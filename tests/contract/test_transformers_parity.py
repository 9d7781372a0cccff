"""Our engine's logits are those of transformers: pictures, positions and both shapes of text models.

Needs a Python with torch and transformers, named by EDGEAGENT_REFERENCE_PYTHON; figures of a run stand in docs/engines.md.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pictures
from support.inprocess import Asked, loaded

from edgeagent_models.families.tiny import TINY
from edgeagent_models.llama.vision import VisionEncoder
from edgeagent_models.protocol import ChatMessage, Image, ImagePart, TextPart

REFERENCE = os.environ.get("EDGEAGENT_REFERENCE_PYTHON", "")
pytestmark = [
    pytest.mark.llama,
    pytest.mark.slow,
    pytest.mark.skipif(not REFERENCE, reason="EDGEAGENT_REFERENCE_PYTHON names no Python with torch and transformers"),
]
SCRIPT = Path(__file__).parents[2] / "scripts" / "parity_reference.py"
KINDS = ("dense", "hybrid")
TOKENS = 4
CASES: dict[str, tuple[tuple[int, int], ...]] = {
    "320x224": ((320, 224),),
    "640x448": ((640, 448),),
    "224x320, upright": ((224, 320),),
    "1280x800, resized by the runtime": ((1280, 800),),
    "two pictures": ((320, 224), (448, 320)),
}
"""Sizes of the pictures in a conversation, in physical pixels."""


def screen(seed: int, width: int, height: int) -> Image:
    """Shapes and noise, so that neighbouring pixels belong together as on a screen."""
    rng = np.random.default_rng(seed)
    pixels = np.full((height, width, 3), 230, np.uint8)
    for _ in range(12):
        x, y, w, h = rng.integers((0, 0, 10, 10), (width, height, width // 2, height // 2))
        pixels[y : y + h, x : x + w] = rng.integers(0, 256, 3)
    pixels[: height // 4] += rng.integers(0, 20, (height // 4, width, 3), dtype=np.uint8)
    view = TINY.view(width, height, 32)
    return Image(width, height, "rgb", pixels.tobytes(), view.sent_width, view.sent_height)


def conversation(sizes: tuple[tuple[int, int], ...]) -> list[ChatMessage]:
    messages: list[ChatMessage] = []
    for number, size in enumerate(sizes, start=1):
        question = TextPart(f"click the red circle {number}")
        messages.append(ChatMessage("user", (ImagePart(screen(number, *size)), question)))
        messages.append(ChatMessage("assistant", (TextPart("123,456"),)))
    return messages[:-1]


def as_text(messages: list[ChatMessage]) -> str:
    turns = (
        f"<|im_start|>{message.role}\n"
        + "".join(
            part.text if isinstance(part, TextPart) else "<|vision_start|><|image_pad|><|vision_end|>" for part in message.parts
        )
        + "<|im_end|>\n"
        for message in messages
    )
    return "".join(turns) + "<|im_start|>assistant\n"


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The random models, as GGUF files."""
    made = tmp_path_factory.mktemp("parity")
    subprocess.run([REFERENCE, SCRIPT, "models", made], check=True, capture_output=True, timeout=300)
    return made


@pytest.fixture(params=KINDS)
def engine(request: pytest.FixtureRequest, directory: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Asked]:
    kind = request.param
    with loaded(monkeypatch, directory / f"{kind}-f32.gguf", directory / f"mmproj-{kind}-f32.gguf") as asked:
        yield asked


@pytest.fixture
def reference(directory: Path, engine: Asked, monkeypatch: pytest.MonkeyPatch) -> dict[str, np.ndarray]:
    """Logits by transformers for what the engine shows its encoder; computed once."""
    found = directory / "reference.npz"
    if found.is_file():
        return dict(np.load(found))
    shown: dict[tuple[int, ...], np.ndarray] = {}
    fitted = VisionEncoder.fitted

    def noted(encoder: VisionEncoder, image: Image) -> np.ndarray:
        return shown.setdefault((image.width, image.height), fitted(encoder, image))

    monkeypatch.setattr(VisionEncoder, "fitted", noted)
    cases: dict[str, object] = {}
    for name, sizes in CASES.items():
        engine.fresh("a")
        shown.clear()
        engine.ask("a", *conversation(sizes))
        paths = [directory / f"{name} {number}.png" for number in range(len(sizes))]
        for path, size in zip(paths, sizes, strict=True):
            Pictures.fromarray(shown[size]).save(path)
        cases[name] = {"text": as_text(conversation(sizes)), "pictures": [str(path) for path in paths], "tokens": TOKENS}
    monkeypatch.setattr(VisionEncoder, "fitted", fitted)
    (directory / "cases.json").write_text(json.dumps(cases))
    subprocess.run([REFERENCE, SCRIPT, "logits", directory], check=True, capture_output=True, timeout=300)
    return dict(np.load(found))


def test_logits_are_those_of_transformers(
    engine: Asked, reference: dict[str, np.ndarray], request: pytest.FixtureRequest
) -> None:
    kind = request.node.callspec.params["engine"]
    for name, sizes in CASES.items():
        theirs = reference[f"{kind} {name}"]
        engine.fresh("a")
        _, ours = engine.ask("a", *conversation(sizes), max_tokens=TOKENS)
        cosines = [float(a @ b / np.linalg.norm(a) / np.linalg.norm(b)) for a, b in zip(ours, theirs, strict=False)]
        largest = float(np.abs(ours - theirs[: len(ours)]).max())
        print(f"{kind}, {name}: cosine >= {min(cosines):.7f}, largest difference {largest:.1e} of a spread of {theirs.std():.2f}")
        assert [int(row.argmax()) for row in ours] == [int(row.argmax()) for row in theirs[: len(ours)]], name
        assert min(cosines) >= 0.999, name


def test_a_picture_too_many_pixels_off_would_be_seen(
    engine: Asked, reference: dict[str, np.ndarray], request: pytest.FixtureRequest
) -> None:
    """The measure can fail: the same conversation with another picture is not that close."""
    kind = request.node.callspec.params["engine"]
    other = [ChatMessage("user", (ImagePart(screen(99, 320, 224)), TextPart("click the red circle 1")))]
    _, ours = engine.ask("a", *other)
    theirs = reference[f"{kind} 320x224"][0]
    assert float(ours[0] @ theirs / np.linalg.norm(ours[0]) / np.linalg.norm(theirs)) < 0.999

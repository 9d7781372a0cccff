"""The recogniser's memory is bounded and spares work, pictures are checked, and missing weights are named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.screens import as_image, screen

from edgeagent_models.errors import EngineProblem
from edgeagent_models.perception.detector import WidgetDetector
from edgeagent_models.perception.ocr import Ocr
from edgeagent_models.perception.service import Perception, picture_of
from edgeagent_models.perception.text_recognition import TextRecogniser
from edgeagent_models.protocol import Image


def test_the_memory_of_crops_is_bounded() -> None:
    recogniser = TextRecogniser(threads=1, memory_lines=3)
    for shade in range(6):
        recogniser.read([np.full((12, 24, 3), 40 * shade, np.uint8)])
    assert len(recogniser) == 3


def test_more_crops_than_the_memory_holds_are_all_read() -> None:
    recogniser = TextRecogniser(threads=1, memory_lines=2)
    crops = [np.full((12, 24 + i, 3), 200, np.uint8) for i in range(5)]
    assert len(recogniser.read(crops)) == 5


def test_lines_have_their_words_with_boxes_in_order() -> None:
    lines = Ocr(threads=1).read(screen("login")).lines
    words = [word for line in lines for word in line.words]
    assert "Password" in [word.text for word in words]
    for line in lines:
        assert line.text == " ".join(word.text for word in line.words)
        lefts = [word.box.left for word in line.words]
        assert lefts == sorted(lefts)
        assert all(a.box.right <= b.box.left for a, b in zip(line.words, line.words[1:], strict=False))


def test_a_picture_of_the_wrong_size_is_refused() -> None:
    with pytest.raises(EngineProblem, match="announced"):
        picture_of(Image(10, 10, "rgb", b"\0" * 299))


def test_bgrx_and_rgb_are_the_same_picture() -> None:
    rgb = picture_of(Image(2, 1, "rgb", bytes([1, 2, 3, 4, 5, 6])))
    bgrx = picture_of(Image(2, 1, "bgrx", bytes([3, 2, 1, 0, 6, 5, 4, 0])))
    assert np.array_equal(rgb, bgrx)


def test_missing_weights_are_named() -> None:
    with pytest.raises(EngineProblem, match=r"nowhere\.onnx"):
        WidgetDetector(weights=Path("/nonexistent/nowhere.onnx"))


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 700), (700, 1), (37, 41)])
def test_odd_pictures_are_looked_at_without_harm(height: int, width: int) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (height, width, 3), dtype=np.uint8)
    perception = Perception()
    for picture in (np.zeros_like(noise), noise):
        for element in perception.look(as_image(picture)):
            assert element.box.right <= width
            assert element.box.bottom <= height


def test_a_screen_that_changed_its_size_is_read_anew() -> None:
    perception = Perception()
    first = perception.look(as_image(screen("login")))
    perception.look(as_image(screen("small")))
    assert perception.look(as_image(screen("login"))) == first

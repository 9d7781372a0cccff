"""The exam's second questions ask for what is on the screen, and the part that is sent beside the whole has it in it."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))

from vlm_training.second_looks import CROP_PX, pairs, part_around

MARK = 1, 254, 3


@pytest.mark.parametrize("size", [(320, 224), (1280, 800)])
def test_pairs(size: tuple[int, int]) -> None:
    found = list(pairs(5, [size], 6))
    assert len(found) == 6
    for scene, first, second, wanted in found:
        assert wanted in scene.things
        assert first != second
        marked = replace(scene, pixels=scene.pixels.copy())
        marked.pixels[round(wanted.y), round(wanted.x)] = MARK
        part = part_around(marked, wanted)
        assert part.shape == (CROP_PX[1], CROP_PX[0], 3)
        assert (part == MARK).all(axis=2).sum() == 1

"""The screens that the tiny VLM is trained and examined on: what is held out stays out, things are where they should be."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))

from vlm_training.papers import NEAR, distance, exam, read_point
from vlm_training.scenes import Painter, Thing, shrunk
from vlm_training.wording import COLOURS, HELD_OUT_LABELS, HELD_OUT_PAIRS, LABELS

SIZE = (448, 320)


def things(held_out: bool) -> list[Thing]:
    rng = random.Random(4)
    return [thing for _ in range(60) for thing in Painter(rng, *SIZE, held_out=held_out).scene().things]


def test_training_never_sees_what_is_held_out() -> None:
    assert not set(LABELS) & set(HELD_OUT_LABELS)
    seen = things(held_out=False)
    assert not any(thing.held_out for thing in seen)
    assert not {thing.names for thing in seen} & {*HELD_OUT_PAIRS, *((label,) for label in HELD_OUT_LABELS)}
    assert {thing.kind for thing in seen} == {"shape", "letter", "button"}


def test_the_exam_asks_for_it() -> None:
    asked = [thing for _, thing, _ in exam(1, SIZE, 60)]
    assert {thing.kind for thing in asked if thing.held_out} == {"shape", "button"}
    assert sum(thing.held_out for thing in asked) < len(asked) / 2
    assert exam(1, SIZE, 3)[2][2] == exam(1, SIZE, 3)[2][2]


def test_shapes_are_where_they_are_said_to_be() -> None:
    rng = random.Random(9)
    for _ in range(20):
        scene = Painter(rng, *SIZE).scene()
        for thing in (thing for thing in scene.things if thing.kind == "shape"):
            pixel = scene.pixels[round(thing.y), round(thing.x)].astype(int)
            assert abs(pixel - np.array(COLOURS[thing.names[0]])).max() <= 15
        names = [thing.names for thing in scene.things]
        assert len(set(names)) == len(names)


def test_a_screen_that_is_made_smaller_keeps_its_places() -> None:
    scene = Painter(random.Random(2), 960, 640, 2.0).scene()
    small = shrunk(scene, 480, 320)
    assert small.pixels.shape == (320, 480, 3)
    for before, after in zip(scene.things, small.things, strict=True):
        assert (after.x, after.y) == pytest.approx((before.x / 2, before.y / 2))
        if after.kind == "shape":
            pixel = small.pixels[round(after.y), round(after.x)].astype(int)
            assert abs(pixel - np.array(COLOURS[after.names[0]])).max() <= 20


def test_a_click_counts_within_three_hundredths_of_the_diagonal() -> None:
    thing = Thing("shape", ("red", "circle"), 224, 160)
    point = read_point("500,500", SIZE)
    assert point == (224, 160)
    assert distance(point, thing, SIZE) == 0
    assert distance((224 + 17, 160), thing, SIZE) > NEAR > distance((224 + 16, 160), thing, SIZE)
    assert distance(read_point("nothing", SIZE), thing, SIZE) == 9

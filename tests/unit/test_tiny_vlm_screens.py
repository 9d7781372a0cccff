"""The screens that the tiny VLM is trained and examined on: what is held out stays out, things are where they should be."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))

from vlm_training import labels
from vlm_training.papers import NEAR, distance, exam, forms, group, read_point
from vlm_training.scenes import Painter, Thing, shrunk
from vlm_training.wording import COLOURS, HELD_OUT_LABELS, HELD_OUT_PAIRS, LABELS

SIZE = (448, 320)


def trained_on() -> list[Thing]:
    rng = random.Random(4)
    scenes = [scene for _ in range(60) for scene in (Painter(rng, *SIZE).scene(), Painter(rng, *SIZE).form())]
    return [thing for scene in scenes for thing in scene.things]


def test_training_never_sees_what_is_held_out() -> None:
    assert not set(LABELS) & set(HELD_OUT_LABELS)
    seen = trained_on()
    assert not any(thing.held_out for thing in seen)
    assert not {thing.names for thing in seen} & {*HELD_OUT_PAIRS, *((label,) for label in HELD_OUT_LABELS)}
    assert {thing.kind for thing in seen} == {"shape", "letter", "button"}


def test_made_up_labels_are_never_held_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(labels, "LABELS", ("Yos", "Dune", "Quot"))  # a letter away
    rng = random.Random(8)
    drawn = {label.lower() for _ in range(2000) for label in labels.labels(rng, 5)}
    assert not drawn & {label.lower() for label in HELD_OUT_LABELS}


def test_labels_are_real_and_made_up() -> None:
    rng = random.Random(8)
    screens = [labels.labels(rng, 5) for _ in range(4000)]
    drawn = [label for screen in screens for label in screen]
    assert set(LABELS) <= set(drawn)
    assert 0.3 < sum(label in LABELS for label in drawn) / len(drawn) < 0.7
    assert {letter for label in drawn for letter in label.lower()} == set("abcdefghijklmnopqrstuvwxyz")
    assert all(label.isalpha() and 2 <= len(label) <= 8 for label in drawn)
    assert all(len({label.lower() for label in screen}) == len(screen) for screen in screens)


def test_a_form_is_mostly_buttons() -> None:
    rng = random.Random(5)
    kinds = [thing.kind for _ in range(30) for thing in Painter(rng, *SIZE).form().things]
    assert kinds.count("button") > 0.6 * len(kinds)


def test_an_exam_shows_real_words_alone() -> None:
    shown = {thing.names[0] for scene, _, _ in exam(3, SIZE, 60) for thing in scene.things if thing.kind == "button"}
    assert shown <= {*LABELS, *HELD_OUT_LABELS}


def test_a_form_asks_for_one_of_several_buttons_some_made_up() -> None:
    papers = forms(3, SIZE, 40)
    assert all(sum(thing.kind == "button" for thing in scene.things) >= 3 for scene, _, _ in papers)
    assert all(asked in scene.things for scene, asked, _ in papers)
    assert {group(asked) for _, asked, _ in papers} == {"button", "button, made up"}


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

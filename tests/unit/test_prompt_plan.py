"""Checkpoints are asked for where prompts are cut: at seams, behind pictures, before the end, and not too near to each other."""

from edgeagent_models.llama.plan import MIN_APART_UNITS, marks, seam_units
from edgeagent_models.llama.units import ImageUnit, Unit

PICTURE = ImageUnit("a", 400, 20)


def prompt(*lengths: int) -> list[Unit]:
    """Texts of so many tokens with pictures between them."""
    units: list[Unit] = []
    for place, length in enumerate(lengths):
        units += [PICTURE] * bool(place) + [7] * length
    return units


def test_behind_pictures_at_seams_and_before_the_end() -> None:
    # 200 tokens of system prompt, 50 of a task, a picture, 10 behind it.
    assert marks(prompt(250, 10), [199, 249]) == {199, 249, 251, 260}


def test_a_seam_near_another_mark_is_left_out() -> None:
    assert marks(prompt(250, 100), [199, 199 + MIN_APART_UNITS - 1, 251 + 5, 251 + MIN_APART_UNITS]) == {199, 251, 275, 350}


def test_nothing_at_the_very_beginning() -> None:
    assert marks([7], [0]) == frozenset()
    assert marks(prompt(40), [0]) == {39}


def test_a_seam_counts_tokens_that_surely_stand_before_it() -> None:
    # "ab" "c" "def" in bytes; the token that ends at the seam, or reaches over it, is not counted.
    length = {1: 2, 2: 1, 3: 3}.__getitem__
    assert seam_units([1, 2, 3], length, [0, 2, 3, 4, 6]) == [0, 0, 1, 1, 2]

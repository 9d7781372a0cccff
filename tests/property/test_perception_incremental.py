"""After any change of part of the screen, a look that starts from the last one reads the lines that a look at all of it reads.

On a small screen, which is mapped whole, and on a large one, which is mapped through windows.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from support.screens import screen

from edgeagent_harness.protocol.geometry import Rect
from edgeagent_models.perception.ocr import Ocr
from edgeagent_models.perception.regions import changed_tiles, regions_of
from edgeagent_models.perception.text_detection import windows

LOGIN = screen("login")
SIZES = {"one window": (400, 300), "many windows": (420, 460)}


def blank_below(name: str) -> NDArray[np.uint8]:
    """The screen ``login`` at the top left of a larger one."""
    picture = np.full((*SIZES[name], 3), 255, np.uint8)
    picture[: LOGIN.shape[0], : LOGIN.shape[1]] = LOGIN
    return picture


@st.composite
def patches(draw: st.DrawFn, height: int, width: int) -> tuple[Rect, int, int]:
    """A part of ``LOGIN``, and where it is copied to: over anything, cutting texts in two."""
    part_width, part_height = draw(st.integers(8, 140)), draw(st.integers(8, 60))
    left, top = draw(st.integers(0, LOGIN.shape[1] - part_width)), draw(st.integers(0, LOGIN.shape[0] - part_height))
    to = draw(st.integers(0, width - part_width)), draw(st.integers(0, height - part_height))
    return Rect(left, top, left + part_width, top + part_height), *to


@cache
def reader() -> Ocr:
    return Ocr(threads=1)


@pytest.mark.parametrize("name", SIZES)
@settings(max_examples=5, deadline=None)
@given(data=st.data())
def test_incremental_reading_equals_reading_anew(name: str, data: st.DataObject) -> None:
    ocr = reader()
    picture = blank_below(name)
    seen = ocr.read(picture)
    for part, left, top in data.draw(st.lists(patches(*SIZES[name]), min_size=1, max_size=3)):
        following = picture.copy()
        following[top : top + part.height, left : left + part.width] = LOGIN[part.top : part.bottom, part.left : part.right]
        seen = ocr.refresh(following, seen, regions_of(changed_tiles(picture, following), 0, Rect(0, 0, *SIZES[name][::-1])))
        picture = following
    ocr.recogniser.forget()
    assert seen.lines == ocr.read(picture).lines


@pytest.mark.parametrize(("name", "count"), [("one window", 1), ("many windows", 8)])
def test_the_cells_cover_the_screen_once_and_lie_in_their_windows(name: str, count: int) -> None:
    height, width = SIZES[name]
    covered = np.zeros((height, width), int)
    for cell, window in windows(Rect(0, 0, width, height)):
        covered[cell.top : cell.bottom, cell.left : cell.right] += 1
        assert window.intersect(cell) == cell
    assert (covered == 1).all()
    assert len(list(windows(Rect(0, 0, width, height)))) == count

"""Input on Wayland goes to the pixel that was seen, whether the desktop counts in its own units or in pixels."""

from __future__ import annotations

import math

import numpy as np
import pytest

from edgeagent_harness.host.portal import units
from edgeagent_harness.host.portal.hands import NoClipboard, PortalKeyboard, Scale
from edgeagent_harness.host.portal.session import PortalSession
from edgeagent_harness.host.portal.units import Picture, Size, find_units
from edgeagent_harness.inside.errors import Refused, ScreenError

MONITORS = [
    ((1280, 800), 1.0),
    ((1280, 800), 1.25),
    ((1280, 800), 1.4953),
    ((1366, 768), 1.5),
    ((2560, 1600), 2.0),
    ((3840, 2160), 3.0),
]


class Monitor:
    """A desktop that paints a pointer of 24x24 units where it is put in ``units``; or none, or restless pictures."""

    def __init__(self, size_px: Size, units: Size, pointer: bool = True, restless: bool = False) -> None:
        self._size_px, self._units = size_px, units
        self._pointer, self._restless = pointer, restless
        self._at = (0, 0)
        self._noise = np.random.default_rng(7)

    def put(self, x: float, y: float) -> None:
        self._at = (int(x * self._size_px[0] / self._units[0]), int(y * self._size_px[1] / self._units[1]))

    def look(self) -> Picture:
        width, height = self._size_px
        picture = np.zeros((height, width, 4), np.uint8)
        if self._restless:
            picture[...] = self._noise.integers(0, 255, picture.shape, np.uint8)
        if self._pointer:
            x, y = self._at
            picture[y : y + 24, x : x + 24] = 255
        return picture


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(units, "_SHOWN_S", 0.01)
    monkeypatch.setattr(units, "_REST_S", 0.001)


@pytest.mark.parametrize(("size_px", "scale"), MONITORS)
@pytest.mark.parametrize("counts_pixels", [False, True])
def test_the_units_are_found(size_px: Size, scale: float, counts_pixels: bool) -> None:
    logical = (round(size_px[0] / scale), round(size_px[1] / scale))
    monitor = Monitor(size_px, size_px if counts_pixels else logical)
    assert find_units(monitor.look, monitor.put, size_px, logical) == (size_px if counts_pixels else logical)


@pytest.mark.parametrize(
    "monitor", [Monitor((640, 400), (320, 200), pointer=False), Monitor((640, 400), (320, 200), restless=True)]
)
def test_what_cannot_be_told_is_not_guessed(monitor: Monitor) -> None:
    with pytest.raises(ScreenError, match="not found where it was put"):
        find_units(monitor.look, monitor.put, (640, 400), (320, 200))


@pytest.mark.parametrize(("size_px", "scale"), MONITORS)
@pytest.mark.parametrize("counts_pixels", [False, True])
def test_each_pixel_is_reached_within_what_the_portal_takes(size_px: Size, scale: float, counts_pixels: bool) -> None:
    """The portal refuses places at or beyond the logical size; what is farther is gone on to from there."""
    logical = (round(size_px[0] / scale), round(size_px[1] / scale))
    units = size_px if counts_pixels else logical
    left, top = 8, 5
    there = Scale(size_px, logical, units, (left, top))
    for x in (0, 1, size_px[0] // 3, size_px[0] - left - 2, size_px[0] - left - 1):
        for y in (0, 7, size_px[1] // 2, size_px[1] - top - 1):
            place, further = there.steps(x, y)
            assert 0 <= place[0] < logical[0]
            assert 0 <= place[1] < logical[1]
            reached = [
                (place[axis] / units[axis] + further[axis] / logical[axis]) * size_px[axis] for axis in (0, 1)
            ]  # in pixels of the picture
            assert [math.floor(one) for one in reached] == [x + left, y + top]


def test_what_no_layout_surely_has_is_refused() -> None:
    keyboard = PortalKeyboard(PortalSession.__new__(PortalSession))
    keyboard.check_text("Plain ASCII ~\r\n\t")
    keyboard.check_names(["ctrl", "F5", "enter", "a", "volumeup"])
    for text in ("naïve", "Ж", "€", "文"):
        with pytest.raises(Refused, match="on Wayland keys alone can be typed"):
            keyboard.check_text(text)
    with pytest.raises(Refused, match="ü"):
        keyboard.check_names(["ctrl", "ü"])
    with pytest.raises(Refused, match="no key is called"):
        keyboard.check_names(["nokey"])


def test_there_is_no_clipboard() -> None:
    with pytest.raises(Refused, match="cannot be read"):
        list(NoClipboard().read())
    with pytest.raises(Refused, match="cannot be written"):
        NoClipboard().write("x")

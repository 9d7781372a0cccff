"""Which units the desktop takes input in: found out on the desktop itself, by looking where the pointer turns up.

The portal's text says logical units of the monitor. GNOME's takes pixels of the picture, whatever the scale (mutter 43).
Where the two are the same there is nothing to find out.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from edgeagent_harness.inside.errors import ScreenError

Picture = NDArray[np.uint8]
"""``(height, width, 4)`` BGRX."""
Size = tuple[int, int]

_PLACES = ((0.10, 0.14), (0.28, 0.25))
"""Parts of the width and height. In either unit they are within the monitor's logical size: the portal refuses what is not."""
_SHOWN_S = 1.2
_REST_S = 0.08
_TRIES = 4
_REACH = 0.03
"""Of the picture's height: about a pointer's size to all sides."""
_FEWEST_PX = 12


def find_units(look: Callable[[], Picture], put: Callable[[float, float], None], size_px: Size, logical: Size) -> Size:
    """The size of the monitor in the units that ``put`` takes: ``logical`` or ``size_px``. The pointer must be in what ``look``
    gives. Raises `ScreenError` if it cannot be told."""
    if logical == size_px:
        return size_px
    for _ in range(_TRIES):
        for units, others in ((logical, size_px), (size_px, logical)):
            first, second = (_look_after(look, put, place, units) for place in _PLACES)
            changed = np.any(first[..., :3] != second[..., :3], axis=2)
            astray = [(across * units[0] / others[0], along * units[1] / others[1]) for across, along in _PLACES]
            if _shows(changed, _PLACES) and not _shows(changed, astray):
                return units
    raise ScreenError(
        "the pointer was not found where it was put, so that clicks could go astray; set the monitor's scale to 100 %"
    )


def _look_after(
    look: Callable[[], Picture], put: Callable[[float, float], None], place: tuple[float, float], units: Size
) -> Picture:
    """The picture once it has changed and come to rest, or has had time to."""
    before = now = look()
    put(place[0] * units[0], place[1] * units[1])
    end = time.monotonic() + _SHOWN_S
    while time.monotonic() < end:
        time.sleep(_REST_S)
        earlier, now = now, look()
        if np.array_equal(earlier, now) and not np.array_equal(before, now):
            break
    return now


def _shows(changed: NDArray[np.bool_], places: tuple[tuple[float, float], ...] | list[tuple[float, float]]) -> bool:
    """Whether something changed at each of ``places``."""
    height, width = changed.shape
    reach = round(_REACH * height)
    for across, along in places:
        x, y = round(across * width), round(along * height)
        if np.count_nonzero(changed[max(0, y - reach) : y + reach, max(0, x - reach) : x + reach]) < _FEWEST_PX:
            return False
    return True

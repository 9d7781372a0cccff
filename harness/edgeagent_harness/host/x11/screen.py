"""Capture of a part of the user's desktop, with everything that does not belong to the scope painted over."""

from __future__ import annotations

import mmap

import mss
import numpy as np

from edgeagent_harness.host.x11.scope import WholeScope, WindowScope
from edgeagent_harness.inside.errors import ScreenError
from edgeagent_harness.inside.screen import Screen
from edgeagent_harness.protocol.frames import BYTES_PER_PIXEL
from edgeagent_harness.protocol.geometry import Rect

_TRIES = 4
"""How often a picture is taken anew because a window moved meanwhile."""


class HostScreen(Screen):
    """As `Screen`, of the part ``region`` of the desktop (physical pixels)."""

    def __init__(self, frame_fd: int, region: Rect, scope: WholeScope | WindowScope) -> None:
        self._size_bytes = region.width * region.height * BYTES_PER_PIXEL
        self._region = {"left": region.left, "top": region.top, "width": region.width, "height": region.height}
        self._memory = mmap.mmap(frame_fd, self._size_bytes)
        self._last = bytearray()
        self._mss = mss.MSS()
        self._box = region
        self._scope = scope
        desktop = self._mss.monitors[0]
        whole = Rect(desktop["left"], desktop["top"], desktop["left"] + desktop["width"], desktop["top"] + desktop["height"])
        if region.intersect(whole) != region:
            raise ScreenError(f"the part {region} lies outside of the desktop {whole}; was a monitor taken away?")

    def look(self) -> bytearray:
        """The pixels now. What shows while windows move is not known to be the window's, so all of it is masked then."""
        for _ in range(_TRIES):
            visible, seen = self._scope.visible(), self._scope.changes
            pixels = super().look()
            if visible is None:
                return pixels
            self._scope.visible()
            if self._scope.changes == seen:
                return masked(pixels, self._box, visible)
        return bytearray(self._size_bytes)


def masked(pixels: bytearray | bytes, region: Rect, visible: list[Rect]) -> bytearray:
    """``pixels`` of ``region``, black wherever no part of ``visible`` (physical pixels) shows."""
    seen = np.frombuffer(pixels, np.uint32).reshape(region.height, region.width)
    shown = np.zeros_like(seen)
    for part in visible:
        fits = part.intersect(region)
        rows = slice(fits.top - region.top, fits.bottom - region.top)
        columns = slice(fits.left - region.left, fits.right - region.left)
        shown[rows, columns] = seen[rows, columns]
    return bytearray(shown.tobytes())

"""The corners of the desktop: whoever throws the pointer into one stops the run. Pure."""

from __future__ import annotations

from edgeagent_harness.protocol.geometry import Rect

CORNER_PX = 3


def is_corner(x: int, y: int, desktop: Rect) -> bool:
    """Whether the pixel lies in a corner of ``desktop``."""
    aside = x < desktop.left + CORNER_PX or x >= desktop.right - CORNER_PX
    return aside and (y < desktop.top + CORNER_PX or y >= desktop.bottom - CORNER_PX)

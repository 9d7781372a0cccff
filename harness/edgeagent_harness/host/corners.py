"""The corners of the desktop: whoever throws the pointer into one stops the run. Pure."""

from __future__ import annotations

from edgeagent_harness.host.layout import Layout
from edgeagent_harness.protocol.geometry import Rect

CORNER_PX = 3


def is_corner(x: int, y: int, desktop: Rect) -> bool:
    """Whether the pixel lies in a corner of ``desktop``."""
    aside = x < desktop.left + CORNER_PX or x >= desktop.right - CORNER_PX
    return aside and (y < desktop.top + CORNER_PX or y >= desktop.bottom - CORNER_PX)


def is_outer_corner(x: int, y: int, layout: Layout) -> bool:
    """Whether the pixel lies in a corner of a monitor with nothing beside it: the pointer can be thrown into it."""
    monitor = layout.at(x, y)
    if monitor is None or not is_corner(x, y, monitor.box):
        return False
    box = monitor.box
    beside_x = box.left - 1 if x < box.left + CORNER_PX else box.right
    beside_y = box.top - 1 if y < box.top + CORNER_PX else box.bottom
    return layout.at(beside_x, y) is None and layout.at(x, beside_y) is None

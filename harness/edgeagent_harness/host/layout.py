"""Where things are on a desktop with several monitors. Pure; the same arithmetic for X11, macOS and Windows.

Three frames of numbers: *frame* pixels count from the top left corner of what is captured, *physical* pixels from the desktop's
origin (a monitor to the left of the primary one has negative numbers where the system counts so), *logical* units are what
systems with scaled desktops take input in. A pixel of the frame and the place that input for it goes to must always be the same.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from edgeagent_harness.protocol.geometry import Rect


@dataclass(frozen=True, slots=True)
class Monitor:
    """One monitor."""

    name: str
    box: Rect
    """In physical pixels of the desktop."""
    primary: bool = False
    scale: float = 1.0
    """Physical pixels per logical unit."""
    logical: tuple[float, float] = (0.0, 0.0)
    """Where its top left corner is in logical units."""

    def to_logical(self, x: int, y: int) -> tuple[float, float]:
        """The logical place in the middle of the physical pixel (x, y): the middle stays in it whatever way it is rounded."""
        left, top = self.logical
        return left + (x - self.box.left + 0.5) / self.scale, top + (y - self.box.top + 0.5) / self.scale

    def to_physical(self, x: float, y: float) -> tuple[int, int]:
        """The physical pixel under a logical place."""
        left, top = self.logical
        return (
            self.box.left + math.floor(round((x - left) * self.scale, 6)),
            self.box.top + math.floor(round((y - top) * self.scale, 6)),
        )


@dataclass(frozen=True, slots=True)
class Layout:
    """All monitors."""

    monitors: tuple[Monitor, ...]

    @property
    def box(self) -> Rect:
        """What holds them all."""
        whole = self.monitors[0].box
        for monitor in self.monitors[1:]:
            whole = whole.union(monitor.box)
        return whole

    @property
    def primary(self) -> Monitor:
        return next((monitor for monitor in self.monitors if monitor.primary), self.monitors[0])

    @property
    def ordered(self) -> list[Monitor]:
        """From left to right, as they are numbered."""
        return sorted(self.monitors, key=lambda monitor: (monitor.box.left, monitor.box.top))

    def at(self, x: int, y: int) -> Monitor | None:
        """The monitor that shows the physical pixel (x, y); None: it lies between monitors."""
        return next((monitor for monitor in self.monitors if monitor.box.contains(x, y)), None)

    def at_logical(self, x: float, y: float) -> Monitor | None:
        """The monitor under a place in logical units; None: it lies between monitors."""
        return next((one for one in self.monitors if one.box.contains(*one.to_physical(x, y))), None)

    def named(self, choice: str) -> Monitor | None:
        """The monitor of that name, or of that number, counted from 1 from left to right."""
        if choice.isdecimal() and 1 <= int(choice) <= len(self.monitors):
            return self.ordered[int(choice) - 1]
        return next((monitor for monitor in self.monitors if monitor.name == choice), None)


def without(area: Rect, holes: list[Rect]) -> list[Rect]:
    """The parts of ``area`` that none of ``holes`` covers."""
    parts = [area]
    for hole in holes:
        parts = [piece for part in parts for piece in _cut(part, hole)]
    return parts


def _cut(part: Rect, hole: Rect) -> list[Rect]:
    common = part.intersect(hole)
    if not common.area:
        return [part]
    around = (
        Rect(part.left, part.top, part.right, common.top),
        Rect(part.left, common.bottom, part.right, part.bottom),
        Rect(part.left, common.top, common.left, common.bottom),
        Rect(common.right, common.top, part.right, common.bottom),
    )
    return [piece for piece in around if piece.area]

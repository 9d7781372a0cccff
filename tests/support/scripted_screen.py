"""A screen whose pixels are a function of time, for settling without a desktop."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from edgeagent.testing import FakeClock
from edgeagent_harness.outside.seeing.tiles import Pixels
from edgeagent_harness.protocol.geometry import Rect

WIDTH, HEIGHT = 640, 400
CAPTURE_S = 0.003


@dataclass(frozen=True)
class Shot:
    """A captured frame."""

    pixels: Pixels


@dataclass(frozen=True)
class Change:
    """From ``at_s`` on, ``box`` is filled with ``shade``; with ``period_s``, it is shown and hidden (or turned) at that pace."""

    at_s: float
    box: Rect
    shade: int = 90
    period_s: float = 0.0
    phases: int = 2
    until_s: float = float("inf")


class ScriptedScreen:
    """Draws white, then the changes that have begun, in order."""

    def __init__(self, changes: Iterable[Change] = (), clock: FakeClock | None = None) -> None:
        self.changes = list(changes)
        self.clock = clock or FakeClock()
        self.captures = 0
        self.on_capture: Callable[[], None] = lambda: None

    def draw(self, now_s: float) -> Pixels:
        pixels = np.full((HEIGHT, WIDTH, 4), 255, np.uint8)
        for change in self.changes:
            if change.at_s <= now_s < change.until_s:
                phase = int((now_s - change.at_s) / change.period_s) % change.phases if change.period_s else 0
                if change.phases == 2 and phase == 1:
                    continue
                box = change.box
                pixels[box.top : box.bottom, box.left : box.right] = (change.shade + 10 * phase) % 256
        return pixels

    async def capture(self) -> Shot:
        self.captures += 1
        self.on_capture()
        shot = Shot(self.draw(self.clock.monotonic_s()))
        self.clock.advance(CAPTURE_S)
        return shot

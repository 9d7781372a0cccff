"""Tells the gate where an action would go, on a real desktop."""

from __future__ import annotations

from typing import Protocol

from edgeagent.desktop.pages import Pages
from edgeagent.policy.facts import Where, parts_of, points_of
from edgeagent_harness.protocol.actions import Action
from edgeagent_harness.protocol.geometry import Point
from edgeagent_harness.protocol.messages import WindowsTold
from edgeagent_harness.protocol.windows import MAX_POINTS


class TellingDesktop(Protocol):
    """A desktop that can be asked about its windows and its browser's pages."""

    async def windows(self, points: tuple[Point, ...] = ()) -> WindowsTold: ...

    async def pages(self) -> Pages | None: ...


class DesktopSurroundings:
    """The `Surroundings` port on a sandbox."""

    def __init__(self, desktop: TellingDesktop, ask_browser: bool) -> None:
        self._desktop = desktop
        self._ask_browser = ask_browser

    async def where(self, action: Action) -> Where:
        """The windows that ``action`` concerns, and what is open in the browser."""
        points = tuple(point for part in parts_of(action) for point in points_of(part))
        told = await self._desktop.windows(points[:MAX_POINTS])
        under = (*told.at, *((None,) * (len(points) - len(told.at))))
        pages = await self._desktop.pages() if self._ask_browser else None
        if pages is None:
            return Where(told.focused, under, unanswered=self._ask_browser)
        return Where(told.focused, under, pages.hosts, pages.browser_pid)

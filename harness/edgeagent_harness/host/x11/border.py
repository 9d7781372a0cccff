"""A coloured frame around what an agent works on: nobody is to wonder who moves the pointer. The pointer goes through it."""

from __future__ import annotations

from typing import Any

from Xlib import X

from edgeagent_harness.host.x11.xrequests import let_input_through
from edgeagent_harness.inside.xdisplay import XSession
from edgeagent_harness.protocol.geometry import Rect

WIDTH_PX = 4
COLOUR = 0xE8_59_0C
NAME = "edgeagent is at work here"


class Border:
    """Four thin windows around a box; around the inside of one that reaches to the desktop's edge."""

    def __init__(self, session: XSession) -> None:
        self._session = session
        self._box = Rect(0, 0, 0, 0)
        screen = session.display.screen()
        self._windows: list[Any] = [
            session.root.create_window(
                0, 0, 1, 1, 0, screen.root_depth, X.InputOutput, X.CopyFromParent,
                background_pixel=COLOUR, override_redirect=True, event_mask=0,
            )
            for _ in range(4)
        ]  # fmt: skip
        for window in self._windows:
            window.set_wm_name(NAME)
            let_input_through(session.display, window)

    @property
    def ids(self) -> set[int]:
        return {int(window.id) for window in self._windows}

    def show_around(self, box: Rect | None, desktop: Rect) -> None:
        """Put it around ``box``; None: hide it."""
        if box == self._box:
            return
        self._box = box or Rect(0, 0, 0, 0)
        for window, side in zip(self._windows, sides(self._box, desktop), strict=True):
            if not side.area:
                window.unmap()
                continue
            window.configure(x=side.left, y=side.top, width=side.width, height=side.height, stack_mode=X.Above)
            window.map()
        self._session.sync()

    def close(self) -> None:
        for window in self._windows:
            window.destroy()
        self._session.sync()


def sides(box: Rect, desktop: Rect) -> tuple[Rect, Rect, Rect, Rect]:
    """Top, bottom, left and right: outside of ``box`` where there is room, else within it."""
    if not box.area:
        return (box, box, box, box)
    room = Rect(box.left - WIDTH_PX, box.top - WIDTH_PX, box.right + WIDTH_PX, box.bottom + WIDTH_PX).intersect(desktop)
    return (
        Rect(room.left, room.top, room.right, room.top + WIDTH_PX),
        Rect(room.left, room.bottom - WIDTH_PX, room.right, room.bottom),
        Rect(room.left, room.top, room.left + WIDTH_PX, room.bottom),
        Rect(room.right - WIDTH_PX, room.top, room.right, room.bottom),
    )

"""What the sandbox's display says about its windows. Told from inside, so it is no proof of anything.

``pid`` comes from the X server, which has it from the client's socket; ``process`` is that process's own name, which it can
change; ``window_class`` and ``title`` are whatever the client wrote.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from edgeagent_harness.protocol.geometry import Rect

ShortText = Annotated[str, msgspec.Meta(max_length=500)]
MAX_POINTS = 64
MAX_WINDOWS = 64
MAX_BESIDES = 16
Coordinate = Annotated[int, msgspec.Meta(ge=-0x8000, le=0x7FFF)]
"""Physical pixels, as X11 counts them."""
Extent = Annotated[int, msgspec.Meta(ge=1, le=0xFFFF)]
WindowState = Literal["normal", "maximized", "fullscreen", "minimized"]


class WindowFacts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One top-level window."""

    id: Annotated[int, msgspec.Meta(ge=0, le=0xFFFF_FFFF)]
    pid: Annotated[int, msgspec.Meta(ge=0, le=2**31)] = 0
    """In the sandbox's pid namespace; 0: not known."""
    process: ShortText = ""
    window_class: ShortText = ""
    title: ShortText = ""
    box: Rect = Rect(0, 0, 0, 0)


class PlacedWindow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A top-level window that the window manager manages, and where it is: the window itself, without its frame."""

    x: Coordinate
    y: Coordinate
    width: Extent
    height: Extent
    window_class: ShortText = ""
    title: ShortText = ""
    state: WindowState = "normal"
    focused: bool = False
    id: Annotated[int, msgspec.Meta(ge=0, le=0xFFFF_FFFF)] = 0
    """On its display; 0 where that is gone."""

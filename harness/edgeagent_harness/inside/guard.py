"""Act only on pixels that are still those that were seen: compared and acted on within one server grab.

While the server is grabbed no other client can draw, so nothing changes between the comparison and the events. The
comparison comes before the pointer moves, because hovering changes how a target looks.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from Xlib import X

from edgeagent_harness.inside.errors import Refused
from edgeagent_harness.inside.xdisplay import XSession
from edgeagent_harness.protocol.executor_wire import SeenRegion, pixel_digest
from edgeagent_harness.protocol.frames import BYTES_PER_PIXEL
from edgeagent_harness.protocol.geometry import Rect

_ALL_PLANES = 0xFFFF_FFFF
_STRIP_BYTES = 64 * 1024
"""python-xlib joins what it receives again and again, so large replies take quadratic time; strips do not."""


@contextmanager
def grabbed(session: XSession, seen: SeenRegion | None) -> Generator[None]:
    """Hold the server grabbed while the body acts. Raises `Refused` (stale) instead if the seen region's pixels changed."""
    session.display.grab_server()
    try:
        if seen is not None and pixel_digest(read_pixels(session.root, seen.region)) != seen.digest:
            raise Refused("stale", "the target changed between being seen and being acted on; nothing was sent")
        yield
    finally:
        session.display.ungrab_server()
        session.sync()


def read_pixels(root: Any, region: Rect) -> bytes:
    """``region`` as ``(height, width, 4)`` BGRX bytes, read on the connection that holds the grab."""
    rows_at_once = max(1, _STRIP_BYTES // (region.width * BYTES_PER_PIXEL))
    strips: list[bytes] = []
    for top in range(region.top, region.bottom, rows_at_once):
        rows = min(rows_at_once, region.bottom - top)
        image = root.get_image(region.left, top, region.width, rows, X.ZPixmap, _ALL_PLANES)
        # python-xlib hands out str if the pixels happen to be valid UTF-8.
        strips.append(image.data.encode() if isinstance(image.data, str) else bytes(image.data))
    return b"".join(strips)

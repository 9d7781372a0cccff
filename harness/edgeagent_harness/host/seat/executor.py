"""The executor on a `Seat`: what is not X, or cannot be held still while it is compared and acted on.

No server can be grabbed here: the pixels of a guarded target are compared right before the first event is sent, and something can
still come in between. There is no border and no scope of one window. The corners are the user's, as on X11.
"""

from __future__ import annotations

import mmap
import socket
import sys

import msgspec

from edgeagent_harness.errors import HarnessError
from edgeagent_harness.host.acting import ACTING
from edgeagent_harness.host.command_lines import for_executor
from edgeagent_harness.host.corners import is_outer_corner
from edgeagent_harness.host.seat.hands import SeatClipboard, SeatKeyboard, SeatPointer
from edgeagent_harness.host.seat.port import Seat
from edgeagent_harness.host.seat.portable import open_seat
from edgeagent_harness.host.telling import TellsActing
from edgeagent_harness.inside.channel import Channel
from edgeagent_harness.inside.errors import Refused, ScreenError
from edgeagent_harness.inside.hands import Hands, points_of
from edgeagent_harness.inside.screen import Screen
from edgeagent_harness.inside.service import Course, exit_code
from edgeagent_harness.protocol import executor_wire as wire
from edgeagent_harness.protocol.frames import BYTES_PER_PIXEL
from edgeagent_harness.protocol.geometry import Rect


class SeatScreen(Screen):
    """As `Screen`, of the part ``region`` of a seat's desktop (physical pixels)."""

    def __init__(self, frame_fd: int, seat: Seat, region: Rect) -> None:
        self._size_bytes = region.width * region.height * BYTES_PER_PIXEL
        self._memory = mmap.mmap(frame_fd, self._size_bytes)
        self._last = bytearray()
        self._seat = seat
        self._box = region

    def look(self) -> bytearray:
        """The pixels now."""
        pixels = self._seat.capture(self._box)
        if len(pixels) != self._size_bytes:
            raise ScreenError(f"capture gave {len(pixels)} bytes, expected {self._size_bytes}; was a monitor changed?")
        return pixels


class SeatExecutor(TellsActing):
    """Serves the supervisor on a seat."""

    def __init__(self, channel: Channel, seat: Seat, screen: SeatScreen, region: Rect, acting: mmap.mmap) -> None:
        size_px = (region.width, region.height)
        pointer = SeatPointer(seat, (region.left, region.top))
        hands = Hands(pointer, SeatKeyboard(seat), SeatClipboard(seat), screen, Rect(0, 0, *size_px))
        super().__init__(channel, screen, hands, size_px, events=None)
        self._seat = seat
        self._region = region
        self._acting = acting

    def _begin(self, course: Course, seen: wire.SeenRegion | None, focus: int) -> None:
        if seen is not None:
            self._check_region(seen)
        if obstacle := self._seat.obstacle():
            raise Refused("forbidden", obstacle)
        self._check_places()
        if focus:
            self._check_focus(focus)
        if seen is not None and wire.pixel_digest(self._pixels(seen.region)) != seen.digest:
            raise Refused("stale", "the target changed between being seen and being acted on; nothing was sent")
        course.advance()

    def _pixels(self, region: Rect) -> bytearray:
        left, top = self._region.left, self._region.top
        return self._seat.capture(Rect(region.left + left, region.top + top, region.right + left, region.bottom + top))

    def _check_places(self) -> None:
        layout = self._seat.monitors()
        for part in self._parts:
            for x, y in (point.pixel() for point in points_of(part)):
                place = (x + self._region.left, y + self._region.top)
                if layout.at(*place) is None:
                    raise Refused("forbidden", f"({x}, {y}) lies between the monitors; there is nothing")
                if is_outer_corner(*place, layout):
                    raise Refused("forbidden", "the corners of the screen stop the run; only the user goes there")

    def _check_focus(self, focus: int) -> None:
        raise Refused("unsupported", f"which window has the keyboard is not known on this desktop, so not whether it is {focus}")

    def _tell_windows(self, request: wire.AskWindows) -> None:
        self._channel.send(wire.WindowsTold(request.id, None, (None,) * len(request.points)))


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the process's exit code."""
    parser = for_executor("seat.executor", __doc__)
    options = parser.parse_args(argv)
    if options.window:
        parser.error("one window alone cannot be shown here")
    region = Rect(*options.region)

    def serve() -> None:
        with socket.socket(fileno=options.control_fd) as sock, mmap.mmap(options.acting_fd, ACTING.size) as acting:
            seat = open_seat()
            executor = SeatExecutor(Channel(sock), seat, SeatScreen(options.frame_fd, seat, region), region, acting)
            executor.warm_up()
            executor.greet()
            executor.serve()

    return exit_code(serve, HarnessError, msgspec.DecodeError)


if __name__ == "__main__":
    sys.exit(main())

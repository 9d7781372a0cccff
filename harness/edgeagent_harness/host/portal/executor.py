"""The executor on a Wayland desktop: as the others, with pictures from PipeWire and input through the portal's session."""

from __future__ import annotations

import contextlib
import mmap
import os
import socket
import sys

import numpy as np

from edgeagent_harness.host.command_lines import for_executor
from edgeagent_harness.host.portal.bus import Bus, BusError
from edgeagent_harness.host.portal.handover import Handover, decode
from edgeagent_harness.host.portal.hands import NoClipboard, PortalKeyboard, PortalPointing, Scale
from edgeagent_harness.host.portal.session import PortalSession
from edgeagent_harness.host.portal.stream import PortalStream
from edgeagent_harness.host.portal.units import Picture, find_units
from edgeagent_harness.inside.channel import Channel
from edgeagent_harness.inside.errors import Refused
from edgeagent_harness.inside.hands import Hands
from edgeagent_harness.inside.screen import Screen
from edgeagent_harness.inside.service import Course, Service, exit_code
from edgeagent_harness.protocol import executor_wire as wire
from edgeagent_harness.protocol.frames import BYTES_PER_PIXEL
from edgeagent_harness.protocol.geometry import Rect

CLOSED = b"the desktop has ended the session (its indicator, or its settings)\n"


class PortalScreen(Screen):
    """As `Screen`, of the part ``region`` of the pictures that a stream gives."""

    def __init__(self, frame_fd: int, region: Rect, stream: PortalStream, size_px: tuple[int, int]) -> None:
        self._size_bytes = region.width * region.height * BYTES_PER_PIXEL
        self._memory = mmap.mmap(frame_fd, self._size_bytes)
        self._last = bytearray()
        self._stream = stream
        self._box = region
        self._shape = (size_px[1], size_px[0], BYTES_PER_PIXEL)

    def whole(self) -> Picture:
        """The whole monitor."""
        return np.frombuffer(self._stream.latest(), np.uint8).reshape(self._shape)

    def look(self) -> bytearray:
        return self.part(Rect(0, 0, self._box.width, self._box.height))

    def part(self, region: Rect) -> bytearray:
        """The pixels of ``region``, which counts from where the session's part begins."""
        left, top = self._box.left + region.left, self._box.top + region.top
        return bytearray(self.whole()[top : top + region.height, left : left + region.width].tobytes())


class PortalExecutor(Service):
    """Serves the supervisor on a Wayland desktop, which tells of no window and holds still for nobody."""

    display_errors = (BusError,)

    def __init__(self, channel: Channel, screen: PortalScreen, hands: Hands, size_px: tuple[int, int]) -> None:
        super().__init__(channel, screen, hands, size_px, None)
        self._pictures = screen

    def warm_up(self) -> None:
        """A portal never tells where the pointer is: it begins in the middle.

        A desktop without a keyboard gets one with the first key, and applications miss what is typed before they know of it.
        """
        self._screen.capture()
        self._hands.pointer.move(self._bounds.width // 2, self._bounds.height // 2)
        self._hands.keyboard.release(self._hands.keyboard.hold(("shift",))[0])

    def _tell_windows(self, request: wire.AskWindows) -> None:
        self._channel.send(wire.WindowsTold(request.id, None, tuple(None for _ in request.points)))

    def _begin(self, course: Course, seen: wire.SeenRegion | None, focus: int) -> None:
        """The comparison is with the picture that came last: nothing keeps a compositor from drawing meanwhile."""
        if focus:
            self._check_focus(focus)
        if seen is not None:
            self._check_region(seen)
            if wire.pixel_digest(self._pictures.part(seen.region)) != seen.digest:
                raise Refused("stale", "the target changed between being seen and being acted on; nothing was sent")
        course.advance()

    def _check_focus(self, focus: int) -> None:
        raise Refused(
            "unsupported", f"which window has the keyboard is not told on Wayland, so it cannot be held to window {focus}"
        )


def _serve(channel: Channel, frame_fd: int, region: Rect, handover: Handover) -> None:
    def stopped() -> None:
        with contextlib.suppress(OSError):
            os.write(handover.stops_fd, CLOSED)

    bus = Bus(socket.socket(fileno=handover.bus_fd), handover.bus_name, handover.serial)
    session = PortalSession(bus, handover.session, handover.portal, stopped)
    stream = PortalStream(handover.pictures_fd, handover.log_fd, handover.size_px)
    try:
        screen = PortalScreen(frame_fd, region, stream, handover.size_px)
        units = handover.logical
        if handover.shows_pointer:
            units = find_units(screen.whole, lambda x, y: session.move(handover.node, x, y), handover.size_px, units)
        scale = Scale(handover.size_px, handover.logical, units, (region.left, region.top))
        size_px = (region.width, region.height)
        pointer = PortalPointing(session, handover.node, scale)
        hands = Hands(pointer, PortalKeyboard(session), NoClipboard(), screen, Rect(0, 0, *size_px))
        executor = PortalExecutor(channel, screen, hands, size_px)
        executor.warm_up()
        executor.greet()
        executor.serve()
    finally:
        session.close()


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the process's exit code."""
    parser = for_executor("portal.executor", __doc__)
    parser.add_argument("--portal", type=decode, required=True, help="the session that was permitted")
    options = parser.parse_args(argv)

    def serve() -> None:
        with socket.socket(fileno=options.control_fd) as sock:
            _serve(Channel(sock), options.frame_fd, Rect(*options.region), options.portal)

    return exit_code(serve, BusError)


if __name__ == "__main__":
    sys.exit(main())

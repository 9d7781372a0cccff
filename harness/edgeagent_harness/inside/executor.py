"""The executor: captures the screen and performs actions inside the sandbox, on orders from the supervisor.

`service` is its loop. Here is what is X's own: the guard under which an action begins, and the windows.
"""

from __future__ import annotations

import argparse
import os
import socket
import sys

from Xlib.error import ConnectionClosedError, XError

from edgeagent_harness.inside import tighten
from edgeagent_harness.inside.arranging import Arranger
from edgeagent_harness.inside.channel import Channel
from edgeagent_harness.inside.clipboard import Clipboard
from edgeagent_harness.inside.errors import Refused
from edgeagent_harness.inside.guard import grabbed
from edgeagent_harness.inside.hands import Hands
from edgeagent_harness.inside.keyboard import Keyboard
from edgeagent_harness.inside.pointer import Pointer
from edgeagent_harness.inside.screen import Screen
from edgeagent_harness.inside.service import Course, Service, exit_code
from edgeagent_harness.inside.windows import Windows
from edgeagent_harness.inside.xdisplay import XSession, open_session
from edgeagent_harness.isolation import canary
from edgeagent_harness.protocol import executor_wire as wire
from edgeagent_harness.protocol.geometry import Rect


class Executor(Service):
    """Serves the supervisor on an X display."""

    display_errors = (XError,)

    def __init__(
        self, channel: Channel, session: XSession, screen: Screen, size_px: tuple[int, int], origin: tuple[int, int] = (0, 0)
    ) -> None:
        """``origin``: where on the X screen the part begins that is captured and acted on."""
        hands = Hands(Pointer(session, origin), Keyboard(session), Clipboard(session), screen, Rect(0, 0, *size_px))
        super().__init__(channel, screen, hands, size_px, session)
        self._session = session
        self._windows = Windows(session)
        self._arranger = Arranger(session, self._windows)

    def warm_up(self) -> None:
        """Do everything once that opens files or starts programs: the executor is tightened afterwards."""
        self._screen.capture()
        self._hands.release_everything()
        self._hands.pointer.position()
        self._windows.focused()

    def greet(self) -> None:
        """No application is started before this is over."""
        super().greet()
        self._arranger.begin()

    def _run_canary(self, request: wire.RunCanary) -> None:
        self._channel.send(wire.CanaryRan(request.id, canary.run("executor", request.targets)))

    def _tell_windows(self, request: wire.AskWindows) -> None:
        at = tuple(self._windows.at(*point.pixel()) for point in request.points)
        self._channel.send(wire.WindowsTold(request.id, self._windows.focused(), at))

    def _arrange(self, request: wire.Arrange) -> None:
        self._arranger.place(request.windows)
        self._channel.send(wire.Arranged(request.id, self._arranger.windows(), self._arranger.besides()))

    def _begin(self, course: Course, seen: wire.SeenRegion | None, focus: int) -> None:
        """Run to the first pause, under a grab and after the comparison if there is something to compare."""
        if focus:
            with grabbed(self._session, seen):
                self._check_focus(focus)
                course.advance()
            return
        if seen is None:
            course.advance()
            return
        self._check_region(seen)
        with grabbed(self._session, seen):
            course.advance()

    def _check_focus(self, focus: int) -> None:
        if self._windows.focused_id() != focus:
            raise Refused("stale", "another window has the keyboard now; what follows was not sent")


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the process's exit code."""
    parser = argparse.ArgumentParser(prog="edgeagent_harness.inside.executor", description=__doc__)
    parser.add_argument("--control-fd", type=int, required=True, help="inherited stream socket to the supervisor")
    parser.add_argument("--frame-fd", type=int, required=True, help="inherited memfd of width * height * 4 bytes")
    parser.add_argument("--width", type=int, required=True)
    parser.add_argument("--height", type=int, required=True)
    options = parser.parse_args(argv)
    size_px = (options.width, options.height)

    def serve() -> None:
        with socket.socket(fileno=options.control_fd) as sock:
            screen = Screen(options.frame_fd, *size_px)
            executor = Executor(Channel(sock), open_session(), screen, size_px)
            executor.warm_up()
            if tighten.EXECUTOR_FILTER_ENV in os.environ:
                tighten.tighten_executor()
            executor.greet()
            executor.serve()

    return exit_code(serve, ConnectionClosedError)


if __name__ == "__main__":
    sys.exit(main())

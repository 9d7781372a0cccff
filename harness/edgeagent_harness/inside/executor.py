"""The executor: captures the screen and performs actions inside the sandbox, on orders from the supervisor.

One thread, one loop. An action under way is a generator; between its stretches the loop looks at the control socket and at X
events, so a `Cancel` is served within milliseconds and the clipboard is served to other clients at any time.
"""

from __future__ import annotations

import argparse
import os
import select
import socket
import sys
import time
from collections.abc import Callable, Iterator

import msgspec
from Xlib.error import ConnectionClosedError, XError

from edgeagent_harness.inside import tighten
from edgeagent_harness.inside.channel import Channel, Disconnected
from edgeagent_harness.inside.errors import Refused, ScreenError
from edgeagent_harness.inside.guard import grabbed
from edgeagent_harness.inside.hands import Doing, Hands
from edgeagent_harness.inside.screen import Screen
from edgeagent_harness.inside.windows import Windows
from edgeagent_harness.inside.xdisplay import XSession, open_session
from edgeagent_harness.isolation import canary
from edgeagent_harness.protocol import executor_wire as wire
from edgeagent_harness.protocol.geometry import Rect
from edgeagent_harness.protocol.wire import WireError


class _Cancelled(Exception):
    """A `Cancel` or `ReleaseAll` arrived while an action was under way."""

    def __init__(self, request: wire.Cancel | wire.ReleaseAll) -> None:
        super().__init__()
        self.request = request


class Course:
    """An action under way."""

    def __init__(self, doing: Doing | Iterator[float]) -> None:
        self._doing = doing
        self.begun = False
        self.ended = False
        self.wait_s = 0.0
        self.output = ""

    def advance(self) -> None:
        """Run to the next pause, or to the end."""
        self.begun = True
        try:
            self.wait_s = next(self._doing)
        except StopIteration as end:
            self.ended = True
            self.output = end.value or ""


class Executor:
    """Serves the supervisor until it closes the socket."""

    def __init__(
        self, channel: Channel, session: XSession, screen: Screen, size_px: tuple[int, int], origin: tuple[int, int] = (0, 0)
    ) -> None:
        """``origin``: where on the X screen the part begins that is captured and acted on."""
        self._channel = channel
        self._session = session
        self._screen = screen
        self._size_px = size_px
        self._bounds = Rect(0, 0, *size_px)
        self._hands = Hands(session, screen, self._bounds, origin)
        self._windows = Windows(session)

    def warm_up(self) -> None:
        """Do everything once that opens files or starts programs: the executor is tightened afterwards."""
        self._screen.capture()
        self._hands.release_everything()
        self._hands.pointer.position()
        self._windows.focused()

    def greet(self) -> None:
        """Announce readiness and wait for the supervisor's consent. Raises `WireError` for another protocol version."""
        self._channel.send(wire.Ready(wire.EXECUTOR_PROTOCOL_VERSION, *self._size_px, os.getpid()))
        while (answer := self._channel.take()) is None:
            self._wait(None)
        if not isinstance(answer, wire.Begin) or answer.version != wire.EXECUTOR_PROTOCOL_VERSION:
            raise WireError(f"expected begin with version {wire.EXECUTOR_PROTOCOL_VERSION}, got {answer}")

    def serve(self) -> None:
        """Answer requests until the supervisor closes its end, then release everything held."""
        try:
            while True:
                request = self._channel.take()
                if request is None:
                    self._wait(None)
                else:
                    self._answer(request)
        except Disconnected:
            return
        finally:
            self._hands.release_everything()

    def _wait(self, timeout_s: float | None) -> None:
        """Sleep until a message or an X event comes, at most ``timeout_s``; takes both in."""
        # Answers to requests of ours may have brought events along that `select` no longer sees.
        if self._session.dispatch():
            timeout_s = 0.0
        ready, _, _ = select.select([self._channel, self._session], [], [], timeout_s)
        if self._channel in ready:
            self._receive()
        if self._session in ready:
            self._session.dispatch()

    def _receive(self) -> None:
        try:
            self._channel.receive()
        except msgspec.DecodeError as error:
            self._channel.send(wire.ExecutorFailed(0, f"not a valid request: {error}"[:2000]))

    # -- requests -----------------------------------------------------------------------------------------------------------

    def _answer(self, request: wire.ExecutorRequest) -> None:
        match request:
            case wire.Grab():
                self._grab(request)
            case wire.Do():
                self._do(request)
            case wire.AskWindows():
                self._tell_windows(request)
            case wire.Held():
                self._report_held(request.id)
            case wire.Cancel() | wire.ReleaseAll():
                self._release(request)
            case wire.RunCanary():
                self._channel.send(wire.CanaryRan(request.id, canary.run("executor", request.targets)))
            case wire.Begin():
                self._channel.send(wire.ExecutorFailed(0, "begin was sent twice"))

    def _grab(self, request: wire.Grab) -> None:
        try:
            taken = self._screen.capture()
        except ScreenError as error:
            self._channel.send(wire.ExecutorFailed(request.id, str(error)[:2000]))
            return
        self._channel.send(wire.Grabbed(request.id, taken.time_ns, taken.capture_ms, taken.changed))

    def _report_held(self, request_id: int) -> None:
        x, y = self._hands.pointer.position()
        keys, buttons = self._hands.held()
        self._channel.send(wire.HeldNow(request_id, keys, buttons, x, y))

    def _tell_windows(self, request: wire.AskWindows) -> None:
        at = tuple(self._windows.at(*point.pixel()) for point in request.points)
        self._channel.send(wire.WindowsTold(request.id, self._windows.focused(), at))

    def _release(self, request: wire.Cancel | wire.ReleaseAll) -> None:
        x, y = self._hands.pointer.position()
        keys, buttons = self._hands.held()
        release: Callable[[], None] = self._hands.release_held
        if isinstance(request, wire.ReleaseAll):
            release = self._hands.release_everything
        release()
        self._channel.send(wire.HeldNow(request.id, keys, buttons, x, y))

    # -- one action ---------------------------------------------------------------------------------------------------------

    def _do(self, request: wire.Do) -> None:
        started = time.monotonic()
        course: Course | None = None
        refusal: Refused | None = None
        try:
            self._hands.check(request.action)
            self._run(Course(self._hands.prepare(request.action)))
            course = Course(self._hands.do(request.action))
            self._begin(course, request.seen, request.focus)
            self._run(course, request.focus)
        except Refused as error:
            refusal = error
            self._hands.release_held()
        except XError as error:
            refusal = Refused("invalid", f"the X server refused a part of this: {error}")
            self._hands.release_held()
        except _Cancelled as cancelled:
            self._release(cancelled.request)
            refusal = Refused("cancelled", "stopped on request; everything held was released")
        reason, message = (refusal.reason, refusal.message[:2000]) if refusal else ("", "")
        act_ms = (time.monotonic() - started) * 1000
        output, performed = (course.output, course.begun) if course else ("", False)
        self._channel.send(wire.Did(request.id, reason, message, output, performed, act_ms))

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
        if seen.region.area == 0 or seen.region.intersect(self._bounds) != seen.region:
            raise Refused("invalid", f"the guarded region {seen.region} is empty or lies outside the screen")
        with grabbed(self._session, seen):
            course.advance()

    def _check_focus(self, focus: int) -> None:
        if self._windows.focused_id() != focus:
            raise Refused("stale", "another window has the keyboard now; what follows was not sent")

    def _run(self, course: Course, focus: int = 0) -> None:
        """Go on to the end, looking at the control socket in every pause. Raises `_Cancelled`."""
        if not course.begun:
            course.advance()
        while not course.ended:
            # A cancel may have come in one piece with the request itself.
            self._serve_overtaking()
            self._wait(course.wait_s)
            self._serve_overtaking()
            if focus:
                self._check_focus(focus)
            course.advance()

    def _serve_overtaking(self) -> None:
        while request := self._channel.take_overtaking():
            match request:
                case wire.Cancel() | wire.ReleaseAll():
                    raise _Cancelled(request)
                case wire.Grab():
                    self._grab(request)
                case wire.Held():
                    self._report_held(request.id)


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the process's exit code."""
    parser = argparse.ArgumentParser(prog="edgeagent_harness.inside.executor", description=__doc__)
    parser.add_argument("--control-fd", type=int, required=True, help="inherited stream socket to the supervisor")
    parser.add_argument("--frame-fd", type=int, required=True, help="inherited memfd of width * height * 4 bytes")
    parser.add_argument("--width", type=int, required=True)
    parser.add_argument("--height", type=int, required=True)
    options = parser.parse_args(argv)
    size_px = (options.width, options.height)
    try:
        with socket.socket(fileno=options.control_fd) as sock:
            screen = Screen(options.frame_fd, *size_px)
            executor = Executor(Channel(sock), open_session(), screen, size_px)
            executor.warm_up()
            if tighten.EXECUTOR_FILTER_ENV in os.environ:
                tighten.tighten_executor()
            executor.greet()
            executor.serve()
    except Disconnected:
        return 0
    except (ScreenError, WireError, ConnectionClosedError) as error:
        print(f"executor: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

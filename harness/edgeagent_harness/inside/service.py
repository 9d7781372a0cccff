"""What an executor is, on whatever display: it answers the supervisor's requests, and looks after them in every pause.

One thread, one loop. An action under way is a generator; between its stretches the loop looks at the control socket and at the
display's events, so a `Cancel` is served within milliseconds.
"""

from __future__ import annotations

import os
import select
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import Protocol

import msgspec

from edgeagent_harness.inside.channel import Channel, Disconnected
from edgeagent_harness.inside.errors import Refused, ScreenError
from edgeagent_harness.inside.hands import Doing, Hands
from edgeagent_harness.inside.screen import Screen
from edgeagent_harness.protocol import executor_wire as wire
from edgeagent_harness.protocol.geometry import Rect
from edgeagent_harness.protocol.wire import WireError


class Events(Protocol):
    """A display that tells of events."""

    def fileno(self) -> int: ...

    def dispatch(self) -> bool:
        """Hand waiting events on; says whether there were any."""
        ...


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


class Service(ABC):
    """Serves the supervisor until it closes the socket."""

    display_errors: tuple[type[Exception], ...] = ()
    """What the display raises when it refuses a part of an action."""

    def __init__(self, channel: Channel, screen: Screen, hands: Hands, size_px: tuple[int, int], events: Events | None) -> None:
        self._channel = channel
        self._screen = screen
        self._hands = hands
        self._size_px = size_px
        self._bounds = Rect(0, 0, *size_px)
        self._events = events

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
        """Sleep until a message or an event of the display comes, at most ``timeout_s``; takes both in."""
        # Answers to requests of ours may have brought events along that `select` no longer sees.
        if self._events is not None and self._events.dispatch():
            timeout_s = 0.0
        watched = [self._channel] if self._events is None else [self._channel, self._events]
        ready, _, _ = select.select(watched, [], [], timeout_s)
        if self._channel in ready:
            self._receive()
        if self._events is not None and self._events in ready:
            self._events.dispatch()

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
            case wire.Arrange():
                self._arrange(request)
            case wire.Held():
                self._report_held(request.id)
            case wire.Cancel() | wire.ReleaseAll():
                self._release(request)
            case wire.RunCanary():
                self._run_canary(request)
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

    def _run_canary(self, request: wire.RunCanary) -> None:
        """Only inside a sandbox is there something to try to get out of."""
        self._channel.send(wire.ExecutorFailed(request.id, "there is no sandbox here to get out of"))

    def _arrange(self, request: wire.Arrange) -> None:
        """Only in a sandbox: on the user's own desktop nothing is told of windows, and none is moved."""
        self._channel.send(wire.Arranged(request.id))

    @abstractmethod
    def _tell_windows(self, request: wire.AskWindows) -> None:
        """Answer which windows there are."""

    def _check_region(self, seen: wire.SeenRegion) -> None:
        if seen.region.area == 0 or seen.region.intersect(self._bounds) != seen.region:
            raise Refused("invalid", f"the guarded region {seen.region} is empty or lies outside the screen")

    @abstractmethod
    def _begin(self, course: Course, seen: wire.SeenRegion | None, focus: int) -> None:
        """Run to the first pause, on pixels that are still those of ``seen``. Raises `Refused`."""

    @abstractmethod
    def _check_focus(self, focus: int) -> None:
        """Raise `Refused` unless the window ``focus`` has the keyboard."""

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
        except self.display_errors as error:
            refusal = Refused("invalid", f"the display refused a part of this: {error}")
            self._hands.release_held()
        except _Cancelled as cancelled:
            self._release(cancelled.request)
            refusal = Refused("cancelled", "stopped on request; everything held was released")
        reason, message = (refusal.reason, refusal.message[:2000]) if refusal else ("", "")
        act_ms = (time.monotonic() - started) * 1000
        output, performed = (course.output, course.begun) if course else ("", False)
        self._channel.send(wire.Did(request.id, reason, message, output, performed, act_ms))

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


def exit_code(serve: Callable[[], None], *lost: type[Exception]) -> int:
    """Of an executor's process that does ``serve`` until its supervisor goes; ``lost``: how its desktop may be lost."""
    try:
        serve()
    except Disconnected:
        return 0
    except (ScreenError, WireError, *lost) as error:
        print(f"executor: {error}", file=sys.stderr)
        return 1
    return 0

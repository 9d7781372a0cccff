"""The executor on the user's own desktop: as the one in a sandbox, on a part of the screen, and within a scope.

What lies outside of the scope is not seen, not clicked and not typed into: a point is checked while the X server is held, so that
no window can come in between, and typing stops as soon as the keyboard belongs to another window. It never takes the keyboard for
itself, and never goes to a corner of the desktop: those stop the run, and are the user's.
"""

from __future__ import annotations

import mmap
import socket
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

import msgspec
from Xlib.error import ConnectionClosedError

from edgeagent_harness.host.acting import ACTING
from edgeagent_harness.host.command_lines import for_executor
from edgeagent_harness.host.corners import is_corner
from edgeagent_harness.host.telling import TellsActing
from edgeagent_harness.host.x11.border import Border
from edgeagent_harness.host.x11.scope import WholeScope, WindowScope
from edgeagent_harness.host.x11.screen import HostScreen, masked
from edgeagent_harness.inside.channel import Channel
from edgeagent_harness.inside.errors import Refused
from edgeagent_harness.inside.executor import Executor
from edgeagent_harness.inside.guard import read_pixels
from edgeagent_harness.inside.hands import points_of
from edgeagent_harness.inside.keyboard import Keyboard
from edgeagent_harness.inside.service import Course, exit_code
from edgeagent_harness.inside.xdisplay import XSession, open_session
from edgeagent_harness.protocol import actions as act
from edgeagent_harness.protocol import executor_wire as wire
from edgeagent_harness.protocol.geometry import Rect

_TYPING = (act.Type, act.Key, act.KeyDown, act.HoldKey, act.Back)


class ScopedKeyboard(Keyboard):
    """Asks before each key, as the keyboard may have gone to another window since the last."""

    def __init__(self, session: XSession, check: Callable[[], None]) -> None:
        super().__init__(session)
        self._check = check

    def press(self, keycode: int) -> None:
        self._check()
        super().press(keycode)


class HostExecutor(TellsActing, Executor):
    """Serves the supervisor on the user's display."""

    def __init__(
        self, channel: Channel, session: XSession, screen: HostScreen, region: Rect, scope: WholeScope | WindowScope,
        acting: mmap.mmap, border: Border | None,
    ) -> None:  # fmt: skip
        super().__init__(channel, session, screen, (region.width, region.height), (region.left, region.top))
        self._hands.keyboard = ScopedKeyboard(session, self._check_keyboard)
        self._region = region
        self._scope = scope
        self._acting = acting
        self._border = border
        self._desktop = Rect(0, 0, *session.size_px)
        self._focus: Any = None
        self._tell_acting()
        if isinstance(scope, WindowScope):
            self._hands.clipboard.write("")  # what the user copied elsewhere is not for this session; the guardian keeps it

    def warm_up(self) -> None:
        """As the others, and the first question for the keyboard's window is asked here, not in the first action."""
        self._windows.focused()
        super().warm_up()

    def _grab(self, request: wire.Grab) -> None:
        if self._border is not None:
            around = self._scope.box() if isinstance(self._scope, WindowScope) else self._region
            self._border.show_around(around, self._desktop)
        super()._grab(request)

    def _tell_windows(self, request: wire.AskWindows) -> None:
        """Of windows outside of the scope nothing is told, not even their titles."""
        places = [(x + self._region.left, y + self._region.top) for x, y in (point.pixel() for point in request.points)]
        at = tuple(self._windows.at(x, y) if self._scope.holds(x, y) else None for x, y in places)
        focused = self._windows.focused() if self._scope.has_keyboard(self._windows.focused_id()) else None
        self._channel.send(wire.WindowsTold(request.id, focused, at))

    def _do(self, request: wire.Do) -> None:
        self._focus = None
        super()._do(request)

    def _begin(self, course: Course, seen: wire.SeenRegion | None, focus: int) -> None:
        if seen is not None:
            self._check_region(seen)
        with self._held(seen):
            self._check_places()
            if isinstance(self._parts[0], _TYPING):
                self._check_keyboard()
            if focus:
                self._check_focus(focus)
            course.advance()

    def _check_places(self) -> None:
        pointer = self._hands.pointer.position()
        for part in self._parts:
            if isinstance(part, act.Click) and part.button == "middle" and isinstance(self._scope, WindowScope):
                raise Refused("forbidden", "a middle click would paste what is selected in another window")
            for x, y in (point.pixel() for point in points_of(part)):
                self._check_place(x, y)
            if isinstance(part, act.MouseDown) and part is self._parts[0]:
                self._check_place(*pointer)

    def _check_place(self, x: int, y: int) -> None:
        left, top = self._region.left, self._region.top
        if is_corner(x + left, y + top, self._desktop):
            raise Refused("forbidden", "the corners of the screen stop the run; only the user goes there")
        if not self._scope.holds(x + left, y + top):
            raise Refused("forbidden", f"({x}, {y}) is not in the window that this session may touch")

    def _check_keyboard(self) -> None:
        focus = self._session.display.get_input_focus().focus
        if focus != self._focus or self._focus is None:
            if not self._scope.has_keyboard(self._windows.focused_id()):
                raise Refused("forbidden", "the keyboard belongs to a window outside of this session; click into yours first")
            self._focus = focus

    @contextmanager
    def _held(self, seen: wire.SeenRegion | None) -> Generator[None]:
        """Hold the X server while the body acts, on pixels that are still those that were seen through the scope."""
        self._session.display.grab_server()
        try:
            if seen is not None and self._digest(seen.region, self._scope.visible()) != seen.digest:
                raise Refused("stale", "the target changed between being seen and being acted on; nothing was sent")
            yield
        finally:
            self._session.display.ungrab_server()
            self._session.sync()

    def _digest(self, region: Rect, visible: list[Rect] | None) -> bytes:
        left, top = self._region.left, self._region.top
        there = Rect(region.left + left, region.top + top, region.right + left, region.bottom + top)
        pixels = read_pixels(self._session.root, there)
        return wire.pixel_digest(pixels if visible is None else masked(pixels, there, visible))


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the process's exit code."""
    options = for_executor("x11.executor", __doc__).parse_args(argv)
    region = Rect(*options.region)

    def serve() -> None:
        with socket.socket(fileno=options.control_fd) as sock, mmap.mmap(options.acting_fd, ACTING.size) as acting:
            session = open_session()
            border = Border(session) if options.border else None
            own = border.ids if border else set[int]()
            scope = WindowScope(session, options.window, own) if options.window else WholeScope(region)
            screen = HostScreen(options.frame_fd, region, scope)
            executor = HostExecutor(Channel(sock), session, screen, region, scope, acting, border)
            executor.warm_up()
            executor.greet()
            executor.serve()

    return exit_code(serve, ConnectionClosedError, msgspec.DecodeError)


if __name__ == "__main__":
    sys.exit(main())

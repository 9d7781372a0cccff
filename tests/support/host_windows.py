"""Windows on a stand-in for the user's desktop, painted in one colour, that know what reached them."""

from __future__ import annotations

import select
import threading
import time

from support.xclient import connect
from Xlib import X
from Xlib.protocol.event import ClientMessage

from edgeagent_harness.protocol.geometry import Rect


class PaintedWindow(threading.Thread):
    """A managed window of one colour with a title. Everything about it happens on its own thread and connection."""

    def __init__(self, display: str, box: Rect, title: str, colour: int) -> None:
        super().__init__(daemon=True)
        self._display = connect(display)
        self._box = box
        self._stopping = threading.Event()
        self._moves: list[tuple[int, int]] = []
        self.presses: list[tuple[int, int]] = []
        """(x, y) on the desktop of each press that reached it."""
        self.keys: list[int] = []
        """Keycodes that reached it."""
        root = self._display.screen().root
        self._window = root.create_window(
            box.left, box.top, box.width, box.height, 0, self._display.screen().root_depth, background_pixel=colour,
            event_mask=X.ButtonPressMask | X.KeyPressMask | X.StructureNotifyMask,
        )  # fmt: skip
        self._window.set_wm_name(title)
        utf8 = self._display.intern_atom("UTF8_STRING")
        self._window.change_property(self._display.intern_atom("_NET_WM_NAME"), utf8, 8, title.encode())
        self._window.set_wm_normal_hints(flags=0x1)  # USPosition: its place is as the user said
        self._window.map()
        self._display.sync()

    @property
    def id(self) -> int:
        return int(self._window.id)

    def run(self) -> None:
        while not self._stopping.is_set():
            select.select([self._display], [], [], 0.005)
            while self._moves:
                x, y = self._moves.pop(0)
                self._window.configure(x=x, y=y, stack_mode=X.Above)
            while self._display.pending_events():
                event = self._display.next_event()
                if event.type == X.ButtonPress:
                    self.presses.append((event.root_x, event.root_y))
                elif event.type == X.KeyPress:
                    self.keys.append(event.detail)
            self._display.flush()

    def move(self, x: int, y: int) -> None:
        """Go there, above everything."""
        self._moves.append((x, y))

    def wait_mapped(self, timeout_s: float = 5.0) -> None:
        """Until the window manager shows it. openbox can go to sleep on an event that it has read already, until the next."""
        probe = connect(self._display.get_display_name())
        root = probe.screen().root
        wake = ClientMessage(window=root, client_type=probe.intern_atom("_EDGEAGENT_WAKE"), data=(32, [0] * 5))
        end = time.monotonic() + timeout_s
        window = probe.create_resource_object("window", self.id)
        while window.get_attributes().map_state != X.IsViewable and time.monotonic() < end:
            root.send_event(wake, event_mask=X.SubstructureRedirectMask)
            probe.sync()
            time.sleep(0.02)
        time.sleep(0.1)
        probe.close()

    def stop(self) -> None:
        self._stopping.set()
        self.join()
        self._display.close()

"""Which window has the keyboard, and which lies under a point: as the X server and ``/proc`` say it inside."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from Xlib import X
from Xlib.error import XError

from edgeagent_harness.inside.client_pid import ClientPids
from edgeagent_harness.inside.xdisplay import XSession
from edgeagent_harness.protocol.geometry import Rect
from edgeagent_harness.protocol.windows import WindowFacts

_MAX_DEPTH = 16
_MAX_TEXT_CHARS = 500
_COMM_BYTES = 64


class Windows:
    """Asks the display about its windows."""

    def __init__(self, session: XSession) -> None:
        self._session = session
        display = session.display
        self._state = display.intern_atom("WM_STATE")
        self._net_name = display.intern_atom("_NET_WM_NAME")
        self._pids = ClientPids(display)

    def focused_id(self) -> int:
        """Id of the top-level window with the keyboard focus; 0: none."""
        window = self._focused()
        return 0 if window is None else int(window.id)

    def focused(self) -> WindowFacts | None:
        """The top-level window with the keyboard focus."""
        window = self._focused()
        return None if window is None else self.facts(window)

    def at(self, x: int, y: int) -> WindowFacts | None:
        """The top-level window at a point of the screen, menus and the like included; None: the bare screen."""
        window, outermost = self._session.root, None
        try:
            for _ in range(_MAX_DEPTH):
                child = window.translate_coords(self._session.root, x, y).child
                if isinstance(child, int):
                    break
                window, outermost = child, outermost or child
                if self._is_client(window):
                    return self.facts(window)
        except XError:  # It went away while it was asked about.
            return None
        return None if outermost is None else self.facts(outermost)

    def _focused(self) -> Any | None:
        focus = self._session.display.get_input_focus().focus
        if isinstance(focus, int):
            return None
        try:
            return self._client_around(focus)
        except XError:  # It went away while it was asked about.
            return None

    def _client_around(self, window: Any) -> Any | None:
        """``window`` or the nearest one around it that a window manager manages."""
        inner = window
        for _ in range(_MAX_DEPTH):
            if isinstance(window, int) or window == self._session.root:
                return None if inner == self._session.root else inner
            if self._is_client(window):
                return window
            window = window.query_tree().parent
        return None

    def _is_client(self, window: Any) -> bool:
        return window.get_full_property(self._state, X.AnyPropertyType) is not None

    def facts(self, window: Any) -> WindowFacts | None:
        """What is told of ``window``; None: it is gone."""
        try:
            pid = self._pids.of(int(window.id))
            names = window.get_wm_class() or ("", "")
            title = self._title(window)
            return WindowFacts(int(window.id), pid, process_name(pid), _text(names[-1]), title, self._box(window))
        except XError:
            return None

    def _title(self, window: Any) -> str:
        name = window.get_full_property(self._net_name, X.AnyPropertyType)
        return _text(name.value if name is not None else window.get_wm_name() or "")

    def _box(self, window: Any) -> Rect:
        size = window.get_geometry()
        corner = self._session.root.translate_coords(window, 0, 0)
        return Rect(corner.x, corner.y, corner.x + size.width, corner.y + size.height)


def process_name(pid: int) -> str:
    """What the process calls itself, at most 15 bytes; empty: not known."""
    try:
        with Path(f"/proc/{pid}/comm").open("rb") as file:
            return _text(file.read(_COMM_BYTES).rstrip(b"\n"))
    except OSError:
        return ""


def _text(value: object) -> str:
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return text[:_MAX_TEXT_CHARS]

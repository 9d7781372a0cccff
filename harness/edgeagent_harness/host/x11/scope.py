"""What of the desktop a session may see and touch: all that is captured, or one window with its menus and dialogs.

For one window the windows are asked about whenever something moved, and a picture counts only if nothing did while it was taken:
the X server tells of every change before it answers the next question. What cannot be taken so is masked as a whole.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from Xlib import X, Xatom
from Xlib.error import XError

from edgeagent_harness.host.layout import without
from edgeagent_harness.host.x11.xrequests import shape_of
from edgeagent_harness.inside.xdisplay import XSession
from edgeagent_harness.protocol.geometry import Rect

_MOVED = (
    X.MapNotify, X.UnmapNotify, X.ConfigureNotify, X.ReparentNotify, X.CirculateNotify, X.DestroyNotify, X.CreateNotify,
)  # fmt: skip
_MAX_DEPTH = 16
_FRAME_DEPTH = 3
"""How deep window managers nest a client in their frame, at most."""
_CLIENT_BITS = 0x001F_FFFF
"""Ids of one client's resources differ in these alone."""


class WholeScope:
    """All that is captured."""

    def __init__(self, region: Rect) -> None:
        self._region = region

    @property
    def changes(self) -> int:
        return 0

    def visible(self) -> list[Rect] | None:
        """None: everything."""
        return None

    def holds(self, x: int, y: int) -> bool:
        return self._region.contains(x, y)

    def has_keyboard(self, _focused: int) -> bool:
        return True


@dataclass(slots=True)
class _Top:
    """A child of the root window, with the client in it."""

    window: Any
    box: Rect
    client: int
    shape: list[Rect] | None = None

    def parts(self) -> list[Rect]:
        """What it covers."""
        if self.shape is None:
            return [self.box]
        moved = [
            Rect(part.left + self.box.left, part.top + self.box.top, part.right + self.box.left, part.bottom + self.box.top)
            for part in self.shape
        ]
        return [fits for part in moved if (fits := part.intersect(self.box)).area]


@dataclass(slots=True)
class WindowScope:
    """One client window, by id, and what belongs to it."""

    session: XSession
    window: int
    own: set[int] = field(default_factory=set[int])
    """Windows of ours (the border), which cover nothing."""
    changes: int = field(init=False, default=0)
    """Counts what the server told of windows that came, went or moved."""
    _state: int = field(init=False)
    """The atom WM_STATE, which window managers put on what they manage."""
    _known_at: int = field(init=False, default=-1)
    _visible: list[Rect] = field(init=False, default_factory=list[Rect])
    _clients: set[int] = field(init=False, default_factory=set[int])

    def __post_init__(self) -> None:
        display = self.session.display
        self._state = display.intern_atom("WM_STATE")
        self.session.root.change_attributes(event_mask=X.SubstructureNotifyMask)
        self.session.listeners.append(self._on_event)

    def visible(self) -> list[Rect] | None:
        """The parts of the desktop that show the window and what belongs to it; empty: nothing of it shows."""
        self.session.sync()
        self.session.dispatch()
        while self._known_at != self.changes:
            asked_at = self.changes
            self._visible, self._clients = self._ask()
            self.session.sync()
            self.session.dispatch()
            self._known_at = asked_at
        return self._visible

    def holds(self, x: int, y: int) -> bool:
        """Whether the physical pixel shows the window."""
        return any(part.contains(x, y) for part in self.visible() or ())

    def has_keyboard(self, focused: int) -> bool:
        """Whether the client window with the keyboard belongs to it."""
        self.visible()
        return focused in self._clients

    def box(self) -> Rect | None:
        """The window itself with its frame; None: it is gone or hidden."""
        self.visible()
        for top in self._tops():
            if top.client == self.window:
                return top.box
        return None

    def _on_event(self, event: Any) -> None:
        if event.type in _MOVED:
            self.changes += 1

    def _ask(self) -> tuple[list[Rect], set[int]]:
        tops = self._tops()
        mine = [top for top in tops if self._belongs(top)]
        visible: list[Rect] = []
        for place, top in enumerate(tops):
            if top in mine:
                above = [part for other in tops[place + 1 :] if other not in mine for part in other.parts()]
                visible += [piece for part in top.parts() for piece in without(part, above)]
        return visible, {top.client for top in mine}

    def _tops(self) -> list[_Top]:
        """Children of the root that can be seen, lowest first."""
        found: list[_Top] = []
        for window in self.session.root.query_tree().children:
            try:
                attributes = window.get_attributes()
                if int(window.id) in self.own or attributes.map_state != X.IsViewable or attributes.win_class == X.InputOnly:
                    continue
                size = window.get_geometry()
                edge = 2 * size.border_width
                box = Rect(size.x, size.y, size.x + size.width + edge, size.y + size.height + edge)
                found.append(_Top(window, box, self._client_in(window), shape_of(self.session.display, window)))
            except XError:  # it went away while it was asked about
                continue
        return found

    def _client_in(self, window: Any) -> int:
        """Id of the client window in the frame ``window``; of itself where no window manager has framed it."""
        level = [window]
        for _ in range(_FRAME_DEPTH):
            for one in level:
                if one.get_full_property(self._state, X.AnyPropertyType) is not None:
                    return int(one.id)
            level = [child for one in level for child in one.query_tree().children]
        return int(window.id)

    def _belongs(self, top: _Top) -> bool:
        if top.client == self.window:
            return True
        window = self.session.display.create_resource_object("window", top.client)
        try:
            for _ in range(_MAX_DEPTH):
                above = window.get_full_property(Xatom.WM_TRANSIENT_FOR, Xatom.WINDOW)
                if above is None or not above.value:
                    break
                if int(above.value[0]) == self.window:
                    return True
                window = self.session.display.create_resource_object("window", int(above.value[0]))
            unmanaged = bool(top.window.get_attributes().override_redirect)
        except XError:
            return False
        # A menu has no owner that it names: it is taken for the window's if the same program put it up.
        return unmanaged and top.client & ~_CLIENT_BITS == self.window & ~_CLIENT_BITS

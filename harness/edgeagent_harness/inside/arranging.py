"""Where the managed windows are, putting them elsewhere, and what else of a desktop is in no file of the home.

Windows are moved by asking the window manager, as a pager does (EWMH): it may refuse, and takes its time.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from Xlib import X
from Xlib.error import XError
from Xlib.protocol.event import ClientMessage

from edgeagent_harness.inside.windows import Windows, process_name
from edgeagent_harness.inside.xdisplay import XSession
from edgeagent_harness.protocol.windows import MAX_BESIDES, MAX_WINDOWS, PlacedWindow, WindowState

_TEMPORARY = ("/tmp", "/dev/shm", "/run")
_MAX_FILES = 1024
_REMOVE, _ADD = 0, 1
_PAGER = 2
"""Who asks: nobody whose wish the window manager would weigh against the user's."""
_STATIC_GRAVITY = 10
"""The place is that of the window, not of a frame around it."""
_ALL_FOUR = 0b1111 << 8
_ICONIC = 3
_ABOVE = 0


class Arranger:
    """Tells and changes where windows are."""

    def __init__(self, session: XSession, windows: Windows) -> None:
        self._session = session
        self._windows = windows
        self._atoms = {name: session.display.intern_atom(name) for name in _ATOMS}
        self._processes: frozenset[int] = frozenset()
        self._files: frozenset[str] = frozenset()

    def begin(self) -> None:
        """Remember what there is before the first application."""
        self._processes, self._files = frozenset(_processes()), frozenset(_files())

    def windows(self) -> tuple[PlacedWindow, ...]:
        """All managed windows, the lowest first."""
        focused = self._windows.focused_id()
        placed = (self._placed(number, number == focused) for number in self._stack()[-MAX_WINDOWS:])
        return tuple(filter(None, placed))

    def besides(self) -> tuple[str, ...]:
        """What ends with this desktop and is no window."""
        programs = (f"program {process_name(pid) or pid}" for pid in _processes() if pid not in self._processes)
        files = (f"file {path}" for path in _files() if path not in self._files)
        kept = (f"the {name.lower()} selection" for name in ("CLIPBOARD", "PRIMARY") if self._is_owned(name))
        return tuple(dict.fromkeys((*programs, *files, *kept)))[:MAX_BESIDES]

    def place(self, windows: Iterable[PlacedWindow]) -> None:
        """Ask for ``windows`` to be where they say; one that is gone is passed over."""
        there, active = set(self._stack()), None
        for wanted in windows:
            if wanted.id not in there:
                continue
            window = self._session.display.create_resource_object("window", wanted.id)
            self._move(window, wanted)
            active = window if wanted.focused and wanted.state != "minimized" else active
        if active is not None:
            self._ask(active, "_NET_ACTIVE_WINDOW", _PAGER)
        self._session.sync()

    def _move(self, window: Any, wanted: PlacedWindow) -> None:
        big, full = ("_NET_WM_STATE_MAXIMIZED_VERT", "_NET_WM_STATE_MAXIMIZED_HORZ"), ("_NET_WM_STATE_FULLSCREEN",)
        self._state(window, _ADD if wanted.state == "fullscreen" else _REMOVE, *full)
        self._state(window, _ADD if wanted.state == "maximized" else _REMOVE, *big)
        if wanted.state in ("normal", "minimized"):
            flags = _STATIC_GRAVITY | _ALL_FOUR | _PAGER << 12
            self._ask(window, "_NET_MOVERESIZE_WINDOW", flags, wanted.x, wanted.y, wanted.width, wanted.height)
        if wanted.state == "minimized":
            self._ask(window, "WM_CHANGE_STATE", _ICONIC)
        else:
            self._ask(window, "_NET_RESTACK_WINDOW", _PAGER, X.NONE, _ABOVE)

    def _state(self, window: Any, action: int, *names: str) -> None:
        self._ask(window, "_NET_WM_STATE", action, *(self._atoms[name] for name in names))

    def _ask(self, window: Any, what: str, *data: int) -> None:
        words = [number & 0xFFFF_FFFF for number in (*data, 0, 0, 0, 0, 0)[:5]]
        message = ClientMessage(window=window, client_type=self._atoms[what], data=(32, words))
        self._session.root.send_event(message, event_mask=X.SubstructureRedirectMask | X.SubstructureNotifyMask)

    def _stack(self) -> list[int]:
        stack = self._session.root.get_full_property(self._atoms["_NET_CLIENT_LIST_STACKING"], X.AnyPropertyType)
        return [] if stack is None else [int(number) for number in stack.value]

    def _placed(self, number: int, focused: bool) -> PlacedWindow | None:
        window = self._session.display.create_resource_object("window", number)
        facts = self._windows.facts(window)
        if facts is None or not facts.box.area:
            return None
        x, y = (max(-0x8000, min(0x7FFF, edge)) for edge in (facts.box.left, facts.box.top))
        return PlacedWindow(
            x, y, facts.box.width, facts.box.height, facts.window_class, facts.title, self._state_of(window), focused, number
        )  # fmt: skip

    def _state_of(self, window: Any) -> WindowState:
        try:
            told = window.get_full_property(self._atoms["_NET_WM_STATE"], X.AnyPropertyType)
        except XError:  # it went away meanwhile
            return "normal"
        states = {name for name, atom in self._atoms.items() if told is not None and atom in told.value}
        if "_NET_WM_STATE_HIDDEN" in states:
            return "minimized"
        if "_NET_WM_STATE_FULLSCREEN" in states:
            return "fullscreen"
        return "maximized" if "_NET_WM_STATE_MAXIMIZED_VERT" in states else "normal"

    def _is_owned(self, selection: str) -> bool:
        return self._session.display.get_selection_owner(self._atoms[selection]) != X.NONE


_ATOMS = (
    "_NET_CLIENT_LIST_STACKING", "_NET_WM_STATE", "_NET_WM_STATE_HIDDEN", "_NET_WM_STATE_FULLSCREEN",
    "_NET_WM_STATE_MAXIMIZED_VERT", "_NET_WM_STATE_MAXIMIZED_HORZ", "_NET_MOVERESIZE_WINDOW", "_NET_RESTACK_WINDOW",
    "_NET_ACTIVE_WINDOW", "WM_CHANGE_STATE", "CLIPBOARD", "PRIMARY",
)  # fmt: skip


def _processes() -> Iterator[int]:
    """All in the sandbox's pid namespace."""
    yield from (int(name) for name in os.listdir("/proc") if name.isdecimal())


def _files() -> Iterator[str]:
    """Files that are gone with the sandbox, some of them where there are very many."""
    left = _MAX_FILES
    for place in _TEMPORARY:
        for folder, _, names in os.walk(place):
            for name in names[:left]:
                yield str(Path(folder, name))
            left = max(0, left - len(names))

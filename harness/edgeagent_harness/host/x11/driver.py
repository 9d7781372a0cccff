"""The driver for X11: which part of the user's desktop a session is about, looked up once, when it starts."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from typing import Any

from Xlib import X
from Xlib.display import Display
from Xlib.error import ConnectionClosedError, DisplayError, XError

from edgeagent_harness.errors import EnvironmentLacks, UsageProblem
from edgeagent_harness.host.drivers import SANDBOX, Choice
from edgeagent_harness.host.layout import Layout, Monitor
from edgeagent_harness.host.parts import part_of
from edgeagent_harness.host.x11.xrequests import get_monitors
from edgeagent_harness.protocol.geometry import Rect
from edgeagent_harness.protocol.messages import HostSpec

EXECUTOR, GUARDIAN = "x11.executor", "x11.guardian"


def check() -> None:
    """Raise `EnvironmentLacks` where no X server answers."""
    _connected().close()


def choose(spec: HostSpec, given_up: Callable[[], bool]) -> Choice:
    """What ``spec`` asks for, on ``$DISPLAY``. Raises `UsageProblem`, `EnvironmentLacks`."""
    del given_up
    display = _connected()
    try:
        return _chosen(spec, display)
    except ConnectionClosedError as error:
        raise EnvironmentLacks(f"the X server ended: {error}") from error
    finally:
        display.close()


def layout_of(display: Any) -> Layout:
    """The monitors of an X display; one that fills the screen where the server knows of none."""
    root = display.screen().root
    size = root.get_geometry()
    whole = Rect(0, 0, int(size.width), int(size.height))
    found: list[Monitor] = []
    for one in get_monitors(display, root):
        box = Rect(one.x, one.y, one.x + one.width, one.y + one.height)
        found.append(Monitor(str(display.get_atom_name(one.name)), box, bool(one.primary)))
    return Layout(tuple(found) or (Monitor("screen", whole, True),))


def _chosen(spec: HostSpec, display: Any) -> Choice:
    size = display.screen().root.get_geometry()
    region = part_of(spec, layout_of(display), Rect(0, 0, int(size.width), int(size.height)))
    return Choice(region, _window(spec.window, display) if spec.window else 0)


def _window(title: str, display: Any) -> int:
    """The one managed window whose title holds ``title``."""
    found = {window: name for window, name in _titles(display) if title.casefold() in name.casefold()}
    if len(found) != 1:
        others = ", ".join(repr(name) for _, name in _titles(display)) or "none"
        what = "no window has" if not found else f"{len(found)} windows have"
        raise UsageProblem(f"{what} {title!r} in the title; windows are {others}")
    (window,) = found
    _check_opaque(display, window)
    return window


def _titles(display: Any) -> list[tuple[int, str]]:
    root = display.screen().root
    listed = root.get_full_property(display.intern_atom("_NET_CLIENT_LIST"), X.AnyPropertyType)
    if listed is None:
        raise EnvironmentLacks("the window manager lists no windows (_NET_CLIENT_LIST), so that none can be named")
    found: list[tuple[int, str]] = []
    for number in listed.value:
        window = display.create_resource_object("window", int(number))
        try:
            name = window.get_full_property(display.intern_atom("_NET_WM_NAME"), X.AnyPropertyType)
            text = _text(name.value if name is not None else window.get_wm_name())
        except XError:  # it went away
            continue
        found.append((int(number), text))
    return found


def _text(value: object) -> str:
    """python-xlib gives text that is valid UTF-8 as str, and other bytes as they are."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value or "")


def _check_opaque(display: Any, window: int) -> None:
    """With a compositor, a window with an alpha channel may show what lies behind it."""
    compositor = display.get_selection_owner(display.intern_atom("_NET_WM_CM_S0"))
    depth = display.create_resource_object("window", window).get_geometry().depth
    if not isinstance(compositor, int) and depth == 32:
        reason = "this window can be translucent, so that what lies behind it could show"
        raise EnvironmentLacks(f"{reason}. Mend: turn the compositor off, or name a monitor")


def _connected() -> Any:
    os.environ.setdefault("XAUTHORITY", os.path.expanduser("~/.Xauthority") if _has_authority() else os.devnull)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # python-xlib leaves the authority file to the garbage collector
        try:
            display = Display()
        except (DisplayError, OSError) as error:
            raise EnvironmentLacks(f"the display {os.environ['DISPLAY']} cannot be reached: {error}. {SANDBOX}") from error
    return display


def _has_authority() -> bool:
    return os.path.exists(os.path.expanduser("~/.Xauthority"))

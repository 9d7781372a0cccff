"""What tests ask of an X server that stands in for the user's desktop."""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import Callable, Sequence

from support.host_windows import PaintedWindow
from support.xclient import connect
from Xlib import XK, X
from Xlib.ext import xtest

from edgeagent_harness.protocol.geometry import Point


def wait_for_manager(display: str) -> None:
    """Until the window manager has said that it is there."""
    connection = connect(display)
    atom = connection.intern_atom("_NET_SUPPORTING_WM_CHECK")
    end = time.monotonic() + 5
    while connection.screen().root.get_full_property(atom, X.AnyPropertyType) is None and time.monotonic() < end:
        time.sleep(0.02)
    connection.close()


def down(display: str) -> tuple[int, int]:
    """How many keys and buttons the X server says are down."""
    connection = connect(display)
    keys = sum(byte.bit_count() for byte in connection.query_keymap())
    buttons = (connection.screen().root.query_pointer().mask >> 8 & 0x1F).bit_count()
    connection.close()
    return keys, buttons


async def until(condition: Callable[[], bool], timeout_s: float = 5.0) -> None:
    """Fails where ``condition`` does not come to hold."""
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end
        await asyncio.sleep(0.005)


def clipboard() -> str:
    """What the user would paste."""
    return subprocess.run(["xclip", "-o", "-selection", "clipboard"], capture_output=True, text=True, timeout=5).stdout


def copy(text: str) -> None:
    """What the user copies; xclip stays behind as the clipboard's owner."""
    subprocess.run(["xclip", "-i", "-selection", "clipboard"], input=text, text=True, timeout=5, check=True)


def throw_pointer(display: str, x: int, y: int) -> None:
    """The user's pointer, from somewhere in the middle to that place."""
    connection = connect(display)
    xtest.fake_input(connection, X.MotionNotify, x=300, y=300)
    connection.sync()
    time.sleep(0.05)
    xtest.fake_input(connection, X.MotionNotify, x=x, y=y)
    connection.sync()
    connection.close()


def press_chord(display: str, names: Sequence[str], held_s: float = 0.0) -> None:
    """The user presses the keys ``names`` together, and lets go after ``held_s``."""
    connection = connect(display)
    codes = [connection.keysym_to_keycode(XK.string_to_keysym(name)) for name in names]
    for code in codes:
        xtest.fake_input(connection, X.KeyPress, code)
    connection.sync()
    time.sleep(held_s)
    for code in reversed(codes):
        xtest.fake_input(connection, X.KeyRelease, code)
    connection.sync()
    connection.close()


def click_into(display: str, point: Point) -> None:
    """The user's own click."""
    connection = connect(display)
    xtest.fake_input(connection, X.MotionNotify, x=int(point.x), y=int(point.y))
    xtest.fake_input(connection, X.ButtonPress, 1)
    xtest.fake_input(connection, X.ButtonRelease, 1)
    connection.sync()
    connection.close()
    time.sleep(0.1)


def focus(display: str, window: PaintedWindow) -> None:
    """As a user does with the keyboard."""
    connection = connect(display)
    connection.create_resource_object("window", window.id).set_input_focus(X.RevertToParent, X.CurrentTime)
    connection.sync()
    connection.close()
    time.sleep(0.05)


def titles(display: str) -> list[str]:
    """Of the windows that the window manager lists."""
    connection = connect(display)
    listed = connection.screen().root.get_full_property(connection.intern_atom("_NET_CLIENT_LIST"), X.AnyPropertyType)
    names = [
        connection.create_resource_object("window", window).get_full_property(
            connection.intern_atom("_NET_WM_NAME"), X.AnyPropertyType
        )
        for window in (listed.value if listed else ())
    ]
    connection.close()
    return [str(name.value) for name in names if name is not None]

"""What tests ask of an X server that stands in for the user's desktop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from support.xclient import connect
from Xlib import X


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

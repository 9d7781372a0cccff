"""X servers: the host's must be out of reach; the sandbox's own is shared by everything in it."""

from __future__ import annotations

import ctypes
import os
import socket

from escape.attempts.core import Given, attempt, number

_SHARED = "X11 gives every client of a display the keys, pixels and selections of all others: one display is one trust domain"
_ONE_WORLD = "do not put into one session what must not meet"


def _x_name(given: Given) -> str:
    """The display that we are on; outside: the one that the stage has started."""
    return os.environ.get("DISPLAY") or f":{number(given, 'x_display')}"


class _Display:
    """Xlib's, by ctypes: the packages of the runtime are not for applications."""

    def __init__(self, given: Given) -> None:
        self.lib = ctypes.CDLL("libX11.so.6")
        self.lib.XOpenDisplay.restype = ctypes.c_void_p
        self.lib.XDefaultRootWindow.restype = ctypes.c_ulong
        self.lib.XGetImage.restype = ctypes.c_void_p
        self.lib.XInternAtom.restype = ctypes.c_ulong
        self.lib.XGetSelectionOwner.restype = ctypes.c_ulong
        self.lib.XCreateSimpleWindow.restype = ctypes.c_ulong
        handle = self.lib.XOpenDisplay(_x_name(given).encode())
        if not handle:
            raise ConnectionRefusedError(111, "no display")
        self.handle = ctypes.c_void_p(handle)
        self.root = ctypes.c_ulong(self.lib.XDefaultRootWindow(self.handle))


@attempt("the user's desktop is read and driven", layer="mounts", blocked="ENOENT", executor="EAFNOSUPPORT")
def host_display(given: Given) -> object:
    """Connect to the host's X server by its path."""
    with socket.socket(socket.AF_UNIX) as sock:
        return sock.connect(f"/tmp/.X11-unix/X{number(given, 'x_display')}")


@attempt(
    "the user's desktop is read and driven", layer="network namespace", blocked="ECONNREFUSED|EPERM", executor="EAFNOSUPPORT"
)
def host_display_abstract(given: Given) -> object:
    """Connect to the host's X server by its abstract name."""
    with socket.socket(socket.AF_UNIX) as sock:
        return sock.connect(f"\0/tmp/.X11-unix/X{number(given, 'x_display')}")


@attempt("the user's desktop is read and driven", layer="network namespace", blocked="ECONNREFUSED", executor="EAFNOSUPPORT")
def host_display_tcp(given: Given) -> object:
    """Connect to the host's X server by TCP."""
    with socket.socket(socket.AF_INET) as sock:
        return sock.connect(("127.0.0.1", 6000 + number(given, "x_display")))


@attempt("keys typed into another window are read", app="ok", accepted=f"{_SHARED}; {_ONE_WORLD}")
def read_keys_of_display(given: Given) -> object:
    """Ask the X server of the sandbox which keys are down."""
    display = _Display(given)
    return display.lib.XQueryKeymap(display.handle, ctypes.create_string_buffer(32))


@attempt("another window is read", app="ok", accepted=f"{_SHARED}; {_ONE_WORLD}")
def read_screen_of_display(given: Given) -> object:
    """Take a picture of the sandbox's whole screen."""
    display = _Display(given)
    image = display.lib.XGetImage(display.handle, display.root, 0, 0, 64, 64, ctypes.c_ulong(0xFFFFFFFF), 2)
    assert image
    return image


@attempt("another window is driven", app="ok", accepted=f"{_SHARED}; {_ONE_WORLD}")
def move_pointer_of_display(given: Given) -> object:
    """Move the pointer of the sandbox's screen."""
    display = _Display(given)
    display.lib.XWarpPointer(display.handle, 0, display.root, 0, 0, 0, 0, 3, 3)
    return display.lib.XSync(display.handle, 0)


@attempt("another application's clipboard is taken", app="ok", accepted=f"{_SHARED}; {_ONE_WORLD}")
def take_clipboard_of_display(given: Given) -> object:
    """Become the owner of the sandbox's clipboard."""
    display = _Display(given)
    atom = ctypes.c_ulong(display.lib.XInternAtom(display.handle, b"CLIPBOARD", 0))
    window = ctypes.c_ulong(display.lib.XCreateSimpleWindow(display.handle, display.root, 0, 0, 1, 1, 0, 0, 0))
    display.lib.XSetSelectionOwner(display.handle, atom, window, ctypes.c_ulong(0))
    assert display.lib.XGetSelectionOwner(display.handle, atom) == window.value
    return None

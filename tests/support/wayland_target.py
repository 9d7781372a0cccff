"""The application of `wayland_desktop`: a window over the whole monitor, or all that panels leave with the argument
``maximized``. Run by the system's Python, which has GTK."""
# pyright: basic, reportMissingImports=false, reportAttributeAccessIssue=false

from __future__ import annotations

import sys

import gi

gi.require_version("Gtk", "3.0")
gi.require_version("Gdk", "3.0")
from gi.repository import Gdk, Gtk  # noqa: E402


def say(*words: object) -> None:
    print(*words, flush=True)


def paint(area: Gtk.DrawingArea, context) -> None:  # noqa: ANN001
    size = area.get_allocation()
    context.set_source_rgb(1, 1, 1)
    context.paint()
    context.set_source_rgb(0.2, 0.4, 0.6)
    context.rectangle(size.width // 4, size.height // 4, 40, 40)
    context.fill()


def main() -> None:
    window = Gtk.Window()
    if "maximized" in sys.argv:
        window.maximize()
    else:
        window.fullscreen()
    area = Gtk.DrawingArea()
    area.connect("draw", paint)
    window.add(area)
    area.add_events(Gdk.EventMask.BUTTON_PRESS_MASK | Gdk.EventMask.BUTTON_RELEASE_MASK | Gdk.EventMask.SCROLL_MASK)
    area.connect("button-press-event", lambda _, event: say("press", event.button, event.x, event.y))
    area.connect("button-release-event", lambda _, event: say("release", event.button))
    area.connect("scroll-event", lambda _, event: say("scroll", event.direction.value_nick))
    window.connect("key-press-event", lambda _, event: say("key", Gdk.keyval_name(event.keyval)))
    window.connect("key-release-event", lambda _, event: say("keyup", Gdk.keyval_name(event.keyval)))
    window.connect("map-event", lambda *_: say("mapped"))
    window.show_all()
    Gtk.main()


main()

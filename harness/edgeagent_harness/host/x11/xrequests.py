"""Requests that python3-xlib lacks: monitors (RandR 1.5), and shapes of windows, input included (Shape 1.1).

From the protocols' own texts: randrproto.txt, sections "RRGetMonitors" and "RRSetMonitor"; shapeproto, "ShapeRectangles",
"ShapeQueryExtents" and "ShapeGetRectangles".
"""

from __future__ import annotations

from typing import Any

from Xlib.protocol import rq

from edgeagent_harness.protocol.geometry import Rect

_BOUNDING, _INPUT = 0, 2
_SET = 0
_UNSORTED = 0

_MONITOR_FIELDS = (
    rq.Card32("name"), rq.Bool("primary"), rq.Bool("automatic"), rq.LengthOf("outputs", 2), rq.Int16("x"), rq.Int16("y"),
    rq.Card16("width"), rq.Card16("height"), rq.Card32("width_mm"), rq.Card32("height_mm"), rq.List("outputs", rq.Card32Obj),
)  # fmt: skip
_MONITOR = rq.Struct(*_MONITOR_FIELDS)
_RECTANGLE = rq.Struct(rq.Int16("x"), rq.Int16("y"), rq.Card16("width"), rq.Card16("height"))


class _QueryVersion(rq.ReplyRequest):
    _request = rq.Struct(rq.Card8("opcode"), rq.Opcode(0), rq.RequestLength(), rq.Card32("major"), rq.Card32("minor"))
    _reply = rq.Struct(
        rq.ReplyCode(), rq.Pad(1), rq.Card16("sequence_number"), rq.ReplyLength(), rq.Card32("major"), rq.Card32("minor"),
        rq.Pad(16),
    )  # fmt: skip


class _GetMonitors(rq.ReplyRequest):
    _request = rq.Struct(
        rq.Card8("opcode"), rq.Opcode(42), rq.RequestLength(), rq.Window("window"), rq.Bool("active"), rq.Pad(3)
    )  # fmt: skip
    _reply = rq.Struct(
        rq.ReplyCode(), rq.Pad(1), rq.Card16("sequence_number"), rq.ReplyLength(), rq.Card32("timestamp"),
        rq.LengthOf("monitors", 4), rq.Card32("outputs"), rq.Pad(12), rq.List("monitors", _MONITOR),
    )  # fmt: skip


class _SetMonitor(rq.Request):
    _request = rq.Struct(rq.Card8("opcode"), rq.Opcode(43), rq.RequestLength(), rq.Window("window"), *_MONITOR_FIELDS)


class _ShapeRectangles(rq.Request):
    _request = rq.Struct(
        rq.Card8("opcode"), rq.Opcode(1), rq.RequestLength(), rq.Card8("operation"), rq.Card8("kind"), rq.Card8("ordering"),
        rq.Pad(1), rq.Window("window"), rq.Int16("x"), rq.Int16("y"), rq.List("rectangles", _RECTANGLE),
    )  # fmt: skip


class _ShapeQueryExtents(rq.ReplyRequest):
    _request = rq.Struct(rq.Card8("opcode"), rq.Opcode(5), rq.RequestLength(), rq.Window("window"))
    _reply = rq.Struct(
        rq.ReplyCode(), rq.Pad(1), rq.Card16("sequence_number"), rq.ReplyLength(), rq.Bool("bounding_shaped"), rq.Pad(23)
    )  # fmt: skip


class _ShapeGetRectangles(rq.ReplyRequest):
    _request = rq.Struct(
        rq.Card8("opcode"), rq.Opcode(8), rq.RequestLength(), rq.Window("window"), rq.Card8("kind"), rq.Pad(3)
    )  # fmt: skip
    _reply = rq.Struct(
        rq.ReplyCode(), rq.Card8("ordering"), rq.Card16("sequence_number"), rq.ReplyLength(), rq.LengthOf("rectangles", 4),
        rq.Pad(20), rq.List("rectangles", _RECTANGLE),
    )  # fmt: skip


def get_monitors(display: Any, root: Any) -> list[Any]:
    """The active monitors, as RandR has them; empty where the server has no RandR 1.5."""
    extension = display.query_extension("RANDR")
    if extension is None:
        return []
    version = _QueryVersion(display=display.display, opcode=extension.major_opcode, major=1, minor=5)
    if (version.major, version.minor) < (1, 5):
        return []
    return list(_GetMonitors(display=display.display, opcode=extension.major_opcode, window=root, active=1).monitors)


def set_monitor(display: Any, root: Any, name: str, box: Rect, size_mm: tuple[int, int], primary: bool = False) -> None:
    """Add a monitor of that name to the server's list: what tests of several monitors use."""
    opcode = display.query_extension("RANDR").major_opcode
    _SetMonitor(
        display=display.display, opcode=opcode, window=root, name=display.intern_atom(name), primary=primary, automatic=False,
        x=box.left, y=box.top, width=box.width, height=box.height, width_mm=size_mm[0], height_mm=size_mm[1], outputs=[],
    )  # fmt: skip
    display.sync()


def let_input_through(display: Any, window: Any) -> None:
    """Let the pointer reach what lies below ``window``."""
    opcode = display.query_extension("SHAPE").major_opcode
    _ShapeRectangles(
        display=display.display, opcode=opcode, operation=_SET, kind=_INPUT, ordering=_UNSORTED, window=window, x=0, y=0,
        rectangles=[],
    )  # fmt: skip


def shape_of(display: Any, window: Any) -> list[Rect] | None:
    """The parts of ``window``, in its own coordinates, that it covers; None: all of its box."""
    extension = display.query_extension("SHAPE")
    if extension is None:
        return None
    opcode = extension.major_opcode
    if not _ShapeQueryExtents(display=display.display, opcode=opcode, window=window).bounding_shaped:
        return None
    found = _ShapeGetRectangles(display=display.display, opcode=opcode, window=window, kind=_BOUNDING).rectangles
    return [Rect(one.x, one.y, one.x + one.width, one.y + one.height) for one in found]

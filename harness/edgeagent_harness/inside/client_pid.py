"""The process behind a window, by the X-Resource extension (1.2, ``QueryClientIds``): python-xlib does not speak it.

The X server takes the pid from the client's socket; ``_NET_WM_PID`` is what the client says.
"""

from __future__ import annotations

from typing import Any

from Xlib.protocol import rq

_EXTENSION = "X-Resource"
_QUERY_CLIENT_IDS = 4
_LOCAL_CLIENT_PID = 2


class _QueryClientIds(rq.ReplyRequest):
    _request = rq.Struct(
        rq.Card8("opcode"),
        rq.Opcode(_QUERY_CLIENT_IDS),
        rq.RequestLength(),
        rq.Card32("count"),
        rq.Card32("client"),
        rq.Card32("mask"),
    )
    _reply = rq.Struct(
        rq.ReplyCode(),
        rq.Pad(1),
        rq.Card16("sequence_number"),
        rq.ReplyLength(),
        rq.LengthOf("ids", 4),
        rq.Pad(20),
        rq.List("ids", rq.Struct(rq.Card32("client"), rq.Card32("mask"), rq.Card32("size"), rq.Card32("pid"))),
    )


class ClientPids:
    """Asks on the shared connection; a server without the extension knows no pids."""

    def __init__(self, display: Any) -> None:
        self._display = display
        found = display.query_extension(_EXTENSION)
        self._opcode = int(found.major_opcode) if found else 0

    def of(self, window: int) -> int:
        """Pid of the client that made ``window``, in the server's pid namespace; 0: not known."""
        if not self._opcode:
            return 0
        reply = _QueryClientIds(
            display=self._display.display, opcode=self._opcode, count=1, client=window, mask=_LOCAL_CLIENT_PID
        )  # fmt: skip
        return int(reply.ids[0].pid) if reply.ids else 0

"""The CLIPBOARD selection: owned by a window of ours when written, asked of its owner when read. No helper program."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from Xlib import X
from Xlib.protocol import event as xevent

from edgeagent_harness.inside.errors import Refused
from edgeagent_harness.inside.xdisplay import XSession, wait_for

_ANSWER_TIMEOUT_S = 1.0
_MAX_READ_BYTES = 400_000
_MAX_READ_CHARS = 100_000
_READ_WORDS = _MAX_READ_BYTES // 4


class Clipboard:
    """Owns and reads the clipboard's text."""

    def __init__(self, session: XSession) -> None:
        self._session = session
        display = session.display
        self._window = session.root.create_window(-10, -10, 1, 1, 0, X.CopyFromParent, event_mask=X.PropertyChangeMask)
        self._clipboard = display.intern_atom("CLIPBOARD")
        self._targets = display.intern_atom("TARGETS")
        self._utf8 = display.intern_atom("UTF8_STRING")
        self._incr = display.intern_atom("INCR")
        self._slot = display.intern_atom("EDGEAGENT_CLIPBOARD")
        self._text_types = (
            self._utf8,
            display.intern_atom("text/plain;charset=utf-8"),
            display.intern_atom("STRING"),
            display.intern_atom("TEXT"),
        )
        self._atom_type = display.intern_atom("ATOM")
        self._text: bytes | None = None
        self._notified: Any = None
        self._parts_arrived = 0
        session.listeners.append(self._on_event)

    def write(self, text: str) -> None:
        """Become the clipboard's owner with ``text``."""
        self._text = text.encode()
        self._window.set_selection_owner(self._clipboard, X.CurrentTime)
        self._session.sync()

    @property
    def owned(self) -> bool:
        """Whether what `write` put there is still there, as far as events tell."""
        return self._text is not None

    def read(self) -> Generator[float, None, str]:
        """The clipboard's text ("" if it has none). Raises `Refused` if the owner does not answer or has too much."""
        # The event that says we lost it may still be on its way.
        if self._text is not None and self._session.display.get_selection_owner(self._clipboard) == self._window:
            return self._text.decode()
        self._notified = None
        self._window.delete_property(self._slot)
        self._window.convert_selection(self._clipboard, self._utf8, self._slot, X.CurrentTime)
        self._session.push()
        yield from wait_for(lambda: self._notified is not None, _ANSWER_TIMEOUT_S)
        if self._notified is None:
            raise Refused("invalid", "the clipboard's owner did not answer within 1 s")
        if self._notified.property == X.NONE:
            return ""
        data = yield from self._received()
        text = data.decode(errors="replace")
        if len(text) > _MAX_READ_CHARS:
            raise Refused("invalid", f"the clipboard holds more than {_MAX_READ_CHARS} characters")
        return text

    def _received(self) -> Generator[float, None, bytes]:
        """The property that the owner wrote; piece by piece if it announces that (INCR)."""
        self._parts_arrived = 0
        first = self._take_property()
        if first is None or first.property_type != self._incr:
            return _as_bytes(first)
        data = b""
        seen = 0
        while len(data) <= _MAX_READ_BYTES:
            self._session.push()
            yield from wait_for(lambda seen=seen: self._parts_arrived > seen, _ANSWER_TIMEOUT_S)
            if self._parts_arrived == seen:
                raise Refused("invalid", "the clipboard's owner stopped halfway")
            seen += 1
            part = _as_bytes(self._take_property())
            if not part:
                return data
            data += part
        raise Refused("invalid", f"the clipboard holds more than {_MAX_READ_BYTES} bytes")

    def _take_property(self) -> Any:
        value = self._window.get_property(self._slot, X.AnyPropertyType, 0, _READ_WORDS)
        self._window.delete_property(self._slot)
        return value

    # -- events -----------------------------------------------------------------------------------------------------------

    def _on_event(self, event: Any) -> None:
        if isinstance(event, xevent.SelectionRequest) and event.owner == self._window:
            self._serve(event)
        elif isinstance(event, xevent.SelectionClear) and event.window == self._window:
            self._text = None
        elif isinstance(event, xevent.SelectionNotify) and event.requestor == self._window:
            self._notified = event
        elif (
            isinstance(event, xevent.PropertyNotify)
            and event.window == self._window
            and event.atom == self._slot
            and event.state == X.PropertyNewValue
        ):
            self._parts_arrived += 1

    def _serve(self, request: Any) -> None:
        """Answer another client that pastes."""
        slot = request.property if request.property != X.NONE else request.target
        if self._text is None:
            slot = X.NONE
        elif request.target == self._targets:
            request.requestor.change_property(slot, self._atom_type, 32, [self._targets, *self._text_types])
        elif request.target in self._text_types:
            request.requestor.change_property(slot, request.target, 8, self._text)
        else:
            slot = X.NONE
        answer = xevent.SelectionNotify(
            time=request.time,
            requestor=request.requestor,
            selection=request.selection,
            target=request.target,
            property=slot,
        )
        request.requestor.send_event(answer)
        self._session.push()


def _as_bytes(value: Any) -> bytes:
    """python-xlib gives text that is valid UTF-8 as str, and other bytes as they are."""
    if value is None:
        return b""
    data = value.value
    return data.encode() if isinstance(data, str) else bytes(data)

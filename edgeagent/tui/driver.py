"""The terminal's driver, with the stop key looked for where keys are read: on a thread that waits for nothing in the app."""

from __future__ import annotations

import os
import select
from codecs import getincrementaldecoder
from collections.abc import Callable
from typing import ClassVar

from textual import events
from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver
from textual.message import Message

STOP_KEYS = frozenset({"escape", "ctrl+c"})
_READ_BYTES = 4096
_IDLE_S = 0.1
_UNDECIDED_S = 0.005
"""How soon a lone Esc is looked at again, which may be the stop key or the beginning of another."""


class Stopped(Message):
    """A stop key was pressed, and has stopped what ran."""


class StoppingDriver(LinuxDriver):
    """As Textual's, but a stop key acts before the app hears of it, and Esc is told within some 25 ms instead of 200."""

    take_hands_off: ClassVar[Callable[[], bool]] = staticmethod(lambda: False)
    """Called on the thread that reads keys: stops what runs; whether anything did."""

    def run_input_thread(self) -> None:
        """Read keys until the app ends."""
        parser = XTermParser(self._debug)
        decode = getincrementaldecoder("utf-8")("replace").decode
        undecided = False
        while not self.exit_event.is_set():
            ready, _, _ = select.select([self.fileno], [], [], _UNDECIDED_S if undecided else _IDLE_S)
            text = decode(os.read(self.fileno, _READ_BYTES)) if ready else ""
            told = [*(parser.feed(text) if text else ()), *parser.tick()]
            for message in told:
                self.process_message(message)
            undecided = text.endswith("\x1b") or (undecided and not ready and not told)
        for message in parser.feed(""):
            self.process_message(message)

    def process_message(self, message: Message) -> None:
        """Pass ``message`` on; a stop key that stopped something arrives as `Stopped` instead."""
        if isinstance(message, events.Key) and message.key in STOP_KEYS and type(self).take_hands_off():
            message = Stopped()
        super().process_message(message)

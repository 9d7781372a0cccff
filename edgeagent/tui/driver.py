"""The terminal's driver, with the stop key looked for where keys are read: on a thread that waits for nothing in the app."""

from __future__ import annotations

import os
import select
import sys
from codecs import getincrementaldecoder
from typing import Protocol, runtime_checkable

from textual import events
from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver
from textual.message import Message

from edgeagent.tui.abilities import Abilities, take_answers

STOP_KEYS = frozenset({"escape", "ctrl+c"})
_READ_BYTES = 4096
_IDLE_S = 0.1
_SWITCH_S = 0.0005
"""How long another thread may go on before the one that reads keys has its turn; Python's own 5 ms add up on a busy machine."""
_UNDECIDED_S = 0.005
"""How soon a lone Esc is looked at again, which may be the stop key or the beginning of another."""


class Stopped(Message):
    """A stop key was pressed, and has stopped what ran."""


class AbilitiesFound(Message):
    """The terminal has said what it can show."""

    def __init__(self, abilities: Abilities) -> None:
        super().__init__()
        self.abilities = abilities


@runtime_checkable
class Stoppable(Protocol):
    """An app that works on something."""

    abilities: Abilities

    def take_hands_off(self) -> bool:
        """Stop what runs, from any thread; whether anything did."""
        ...


class StoppingDriver(LinuxDriver):
    """As Textual's, but a stop key acts before the app hears of it, and Esc is told within some 25 ms instead of 200."""

    def run_input_thread(self) -> None:
        """Read keys until the app ends, or the terminal is gone."""
        sys.setswitchinterval(_SWITCH_S)
        parser = XTermParser(self._debug)
        decode = getincrementaldecoder("utf-8")("replace").decode
        undecided = False
        while not self.exit_event.is_set():
            ready, _, _ = select.select([self.fileno], [], [], _UNDECIDED_S if undecided else _IDLE_S)
            data = os.read(self.fileno, _READ_BYTES) if ready else b""
            if ready and not data:
                self._take_hands_off()
                break
            text = self._without_answers(decode(data))
            told = [*(parser.feed(text) if text else ()), *parser.tick()]
            for message in told:
                self.process_message(message)
            undecided = text.endswith("\x1b") or (undecided and not ready and not told)
        for message in parser.feed(""):
            self.process_message(message)

    def process_message(self, message: Message) -> None:
        """Pass ``message`` on; a stop key that stopped something arrives as `Stopped` instead."""
        if isinstance(message, events.Key) and message.key in STOP_KEYS and self._take_hands_off():
            message = Stopped()
        super().process_message(message)

    def _take_hands_off(self) -> bool:
        return isinstance(self._app, Stoppable) and self._app.take_hands_off()

    def _without_answers(self, text: str) -> str:
        if not isinstance(self._app, Stoppable):
            return text
        known = self._app.abilities
        rest, found = take_answers(text, known)
        if found != known:
            self.send_message(AbilitiesFound(found))
        return rest

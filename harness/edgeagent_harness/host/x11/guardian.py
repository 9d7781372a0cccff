"""Looks after the user while an agent works on their desktop: the stop that always works, and their clipboard.

A process of its own with its own connection to the display, so that it works whatever hangs elsewhere. A hot-key, or the pointer
thrown into a corner of the desktop, ends the executor at once, releases every key and button, and tells the supervisor why. When
the executor or the supervisor dies of anything else, what is down is released too. When the session is over it gives the user's
clipboard back if the agent has changed it, and stays for as long as it is the clipboard's owner, as every program does that
something was copied from.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import select
import socket
import sys
import time
from dataclasses import dataclass, field
from typing import Any

from Xlib import X
from Xlib.display import Display
from Xlib.error import ConnectionClosedError, XError
from Xlib.ext import xtest

from edgeagent_harness.host.acting import ACTING
from edgeagent_harness.host.command_lines import for_guardian
from edgeagent_harness.host.corners import is_corner
from edgeagent_harness.host.executor_process import LATE_ROUNDS, ExecutorProcess
from edgeagent_harness.inside.clipboard import Clipboard
from edgeagent_harness.inside.errors import Refused
from edgeagent_harness.inside.keynames import keysym
from edgeagent_harness.inside.xdisplay import XSession
from edgeagent_harness.protocol.geometry import Rect

POLL_S = 0.01
_AGENT_S = 0.6
"""A clipboard that changes so shortly after an action was changed by it."""
_MODIFIERS = {"ctrl": X.ControlMask, "alt": X.Mod1Mask, "shift": X.ShiftMask, "super": X.Mod4Mask}
_ALL_MODIFIERS = tuple(1 << bit for bit in range(8))
_BUTTONS = 5
"""As many as the core protocol tells of."""
_THUMB_BUTTONS = (8, 9)
"""These are released untold: the server drops the release of a button that is up."""


class NoSuchKey(ValueError):
    """The hot-key's name; the text says what is wrong."""


@dataclass(slots=True)
class Guardian:
    """One session's guardian."""

    session: XSession
    control: socket.socket
    """To the supervisor: a line says that the user stopped it; its end is the session's."""
    executor: ExecutorProcess
    acting: mmap.mmap
    _clipboard: Clipboard = field(init=False)
    _saved: str | None = field(init=False, default=None)
    """The user's text; None: it is no text, or cannot be read."""
    _owner: int = field(init=False, default=0)
    _agents: bool = field(init=False, default=False)
    """What is in the clipboard now was put there by the agent."""
    _stopped: bool = field(init=False, default=False)
    _late_rounds: int = field(init=False, default=LATE_ROUNDS)
    """How often what is down is still released, counted from the executor's end."""
    _armed: bool = field(init=False, default=False)
    _desktop: Rect = field(init=False)
    _chord: list[set[int]] = field(init=False, default_factory=list[set[int]])
    """The stop key: one of each set of keycodes must be down."""

    def __post_init__(self) -> None:
        self._clipboard = Clipboard(self.session)
        self._owner = self._clipboard_owner()
        self._saved = self._read()
        self._desktop = Rect(0, 0, *self.session.size_px)
        self.session.listeners.append(self._on_event)

    def take_key(self, name: str) -> None:
        """Have the display tell of the chord ``name`` wherever the keyboard is. Raises `NoSuchKey`."""
        *held, last = name.split("+")
        symbol = keysym(last)
        if symbol is None or any(one not in _MODIFIERS for one in held):
            raise NoSuchKey(f"no key is called {name!r}; write it like ctrl+alt+escape")
        mask = 0
        for one in held:
            mask |= _MODIFIERS[one]
        display = self.session.display
        keycode = display.keysym_to_keycode(symbol)
        for others in _sets_of([one for one in _ALL_MODIFIERS if not one & mask]):  # locks, and what the agent holds just now
            self.session.root.grab_key(keycode, mask | others, True, X.GrabModeAsync, X.GrabModeAsync)
        mapping = display.get_modifier_mapping()
        wanted = [set(filter(None, codes)) for bit, codes in enumerate(mapping) if mask >> bit & 1]
        self._chord = [*wanted, {keycode}]
        self.session.sync()

    def watch(self) -> None:
        """Until the supervisor lets go of the control socket."""
        while True:
            ready, _, _ = select.select([self.control, self.session], [], [], POLL_S)
            if self.control in ready and not self.control.recv(64):
                return
            self.session.dispatch()
            self._look_at_pointer()
            self._look_at_keys()
            self._look_at_executor()
            self._look_at_clipboard()

    def give_back(self) -> None:
        """Release what is down, and put the user's text into the clipboard if the agent's is, or was, there."""
        self.executor.kill()  # where the supervisor has died it may not have noticed yet
        self._release_all()
        for _ in range(self._late_rounds):
            time.sleep(POLL_S)
            self._release_all()
        owner = self._clipboard_owner()
        if not (self._agents and owner in (0, self._owner)) or self._saved is None:
            return
        self._clipboard.write(self._saved)
        while self._saved and self._clipboard.owned:
            select.select([self.session], [], [], None)
            self.session.dispatch()

    def _look_at_pointer(self) -> None:
        """A pointer that rests in a corner from the start has to leave it first."""
        where = self.session.root.query_pointer()
        in_corner = is_corner(where.root_x, where.root_y, self._desktop)
        if in_corner and self._armed and not self._stopped:
            self._stop("the pointer was thrown into a corner")
        self._armed = not in_corner

    def _look_at_keys(self) -> None:
        """A menu or a dialog that has grabbed the keyboard keeps the display from telling of the chord."""
        if self._chord and not self._stopped:
            held = self.session.display.query_keymap()
            if all(any(held[code >> 3] >> (code & 7) & 1 for code in codes) for codes in self._chord):
                self._stop("the stop key was pressed")

    def _look_at_executor(self) -> None:
        """Nobody but this process releases what it held when it died."""
        if self._late_rounds and self.executor.has_ended():
            self._late_rounds -= 1
            self._release_all()

    def _on_event(self, event: Any) -> None:
        if event.type == X.KeyPress and not self._stopped:
            self._stop("the stop key was pressed")

    def _stop(self, how: str) -> None:
        """Take the agent's hands off: its process first, which could go on pressing keys, then what it holds."""
        self._stopped = True
        self.executor.kill()
        self._release_all()
        with contextlib.suppress(OSError):
            self.control.sendall(f"{how}\n".encode())

    def _release_all(self) -> None:
        display = self.session.display
        for index, byte in enumerate(display.query_keymap()):
            for bit in range(8):
                if byte >> bit & 1:
                    xtest.fake_input(display, X.KeyRelease, index * 8 + bit)
        mask = self.session.root.query_pointer().mask
        for button in range(1, _BUTTONS + 1):
            if mask >> (7 + button) & 1:
                xtest.fake_input(display, X.ButtonRelease, button)
        for button in _THUMB_BUTTONS:
            xtest.fake_input(display, X.ButtonRelease, button)
        self.session.sync()

    def _look_at_clipboard(self) -> None:
        owner = self._clipboard_owner()
        if owner == self._owner:
            return
        self._owner = owner
        if not owner:
            return  # whoever owned it has ended: nothing was copied
        (last_s,) = ACTING.unpack(self.acting[: ACTING.size])
        self._agents = time.monotonic() - last_s < _AGENT_S
        if not self._agents:
            self._saved = self._read()

    def _clipboard_owner(self) -> int:
        owner = self.session.display.get_selection_owner(self.session.display.intern_atom("CLIPBOARD"))
        return 0 if isinstance(owner, int) else int(owner.id)

    def _read(self) -> str | None:
        """The clipboard's text; None where there is none that could be given back."""
        if not self._owner:
            return ""
        reading = self._clipboard.read()
        try:
            while True:
                wait_s = next(reading)
                select.select([self.session], [], [], wait_s)
                self.session.dispatch()
        except StopIteration as end:
            return str(end.value) or None
        except Refused:
            return None


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the process's exit code."""
    options = for_guardian("x11.guardian", __doc__).parse_args(argv)
    os.environ.setdefault("XAUTHORITY", os.devnull)
    try:
        display = Display()
        display.set_error_handler(_ignore)
        with socket.socket(fileno=options.control_fd) as control, mmap.mmap(options.acting_fd, ACTING.size) as acting:
            os.close(options.acting_fd)
            guardian = Guardian(XSession(display, display.screen().root), control, ExecutorProcess(0), acting)
            if options.stop_key:
                guardian.take_key(options.stop_key)
            control.sendall(b"ready\n")
            guardian.executor = ExecutorProcess(int(control.recv(32) or 0))
            guardian.watch()
        guardian.give_back()
    except NoSuchKey as error:
        print(f"guardian: {error}", file=sys.stderr)
        return 2
    except (ConnectionClosedError, XError, OSError) as error:
        print(f"guardian: {error}", file=sys.stderr)
        return 1
    return 0


def _sets_of(masks: list[int]) -> list[int]:
    """Every combination of ``masks``."""
    sets = [0]
    for mask in masks:
        sets += [one | mask for one in sets]
    return sets


def _ignore(_error: object, _request: object) -> None:
    pass


if __name__ == "__main__":
    sys.exit(main())

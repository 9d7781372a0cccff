"""The guardian on a `Seat`: as `guardian`, by looking alone. Nothing tells it of the stop key or of the clipboard.

The stop key is looked at every 10 ms; what is tapped faster is missed. The clipboard has a thread of its own.
"""

from __future__ import annotations

import contextlib
import mmap
import select
import socket
import sys
import time
from dataclasses import dataclass, field

from edgeagent_harness.errors import HarnessError
from edgeagent_harness.host.acting import ACTING
from edgeagent_harness.host.command_lines import for_guardian
from edgeagent_harness.host.corners import is_outer_corner
from edgeagent_harness.host.executor_process import LATE_ROUNDS, ExecutorProcess
from edgeagent_harness.host.layout import Layout
from edgeagent_harness.host.seat.clipboard import ClipboardKeeper
from edgeagent_harness.host.seat.port import Seat
from edgeagent_harness.host.seat.portable import open_seat

POLL_S = 0.01
_COUNT_S = 1.0
"""How often the monitors are asked for."""
_RIGHT = {"ctrl": "ctrlright", "alt": "altright", "shift": "shiftright", "win": "winright"}


class NoSuchKey(ValueError):
    """The stop key's name; the text says what is wrong."""


@dataclass(slots=True)
class SeatGuardian:
    """One session's guardian."""

    seat: Seat
    control: socket.socket
    """To the supervisor: a line says that the user stopped it; its end is the session's."""
    executor: ExecutorProcess
    chord: tuple[str, ...] = ()
    """The stop key; empty: none."""
    _layout: Layout = field(init=False)
    _counted_s: float = field(init=False, default=0.0)
    _stopped: bool = field(init=False, default=False)
    _late_rounds: int = field(init=False, default=LATE_ROUNDS)
    """How often what is down is still released, counted from the executor's end."""
    _armed: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        self._layout = self.seat.monitors()
        names = tuple(map(self.seat.key_name, self.chord))
        if not all(names):
            raise NoSuchKey(f"no key is called {'+'.join(self.chord)!r}; write it like ctrl+alt+escape")
        self.chord = names

    def watch(self) -> None:
        """Until the supervisor lets go of the control socket."""
        while True:
            ready, _, _ = select.select([self.control], [], [], POLL_S)
            if ready and not self.control.recv(64):
                return
            self._look_at_pointer()
            self._look_at_keys()
            self._look_at_executor()
            if time.monotonic() - self._counted_s > _COUNT_S:
                self._counted_s = time.monotonic()
                self._layout = self.seat.monitors()

    def _look_at_pointer(self) -> None:
        """A pointer that rests in a corner from the start has to leave it first."""
        in_corner = is_outer_corner(*self.seat.pointer(), self._layout)
        if in_corner and self._armed and not self._stopped:
            self._stop("the pointer was thrown into a corner")
        self._armed = not in_corner

    def _look_at_keys(self) -> None:
        if self.chord and not self._stopped:
            held = set(self.seat.down()[0])
            if all(name in held or _RIGHT.get(name) in held for name in self.chord):
                self._stop("the stop key was pressed")

    def _look_at_executor(self) -> None:
        """Nobody but this process releases what it held when it died."""
        if self._late_rounds and self.executor.has_ended():
            self._late_rounds -= 1
            self.release_all()

    def let_go(self) -> None:
        """At the session's end: release what is down, and what the system comes to only now."""
        self.executor.kill()  # where the supervisor has died it may not have noticed yet
        self.release_all()
        for _ in range(self._late_rounds):
            time.sleep(POLL_S)
            self.release_all()

    def _stop(self, how: str) -> None:
        """Take the agent's hands off: its process first, which could go on pressing keys, then what it holds."""
        self._stopped = True
        self.executor.kill()
        self.release_all()
        with contextlib.suppress(OSError):
            self.control.sendall(f"{how}\n".encode())

    def release_all(self) -> None:
        """Release whatever is down, whoever pressed it."""
        keys, buttons = self.seat.down()
        for name in keys:
            self.seat.key(name, down=False)
        for button in buttons:
            self.seat.button(button, down=False)


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the process's exit code."""
    options = for_guardian("seat.guardian", __doc__).parse_args(argv)
    chord = tuple(filter(None, options.stop_key.split("+")))
    try:
        with socket.socket(fileno=options.control_fd) as control, mmap.mmap(options.acting_fd, ACTING.size) as acting:
            seat = open_seat()
            guardian, keeper = SeatGuardian(seat, control, ExecutorProcess(0), chord), ClipboardKeeper(seat, acting)
            keeper.start()
            control.sendall(b"ready\n")
            guardian.executor = ExecutorProcess(int(control.recv(32) or 0))
            guardian.watch()
            guardian.let_go()
            keeper.give_back()
    except NoSuchKey as error:
        print(f"guardian: {error}", file=sys.stderr)
        return 2
    except (HarnessError, OSError) as error:
        print(f"guardian: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

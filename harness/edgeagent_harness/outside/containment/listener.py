"""The outside end of seccomp's user notifications: a thread that answers the calls that wait for a judgement.

A thread of its own, because whoever made the call stands still until it is answered, whatever the event loop is busy with.
Numbers and structures are those of ``linux/seccomp.h``; a test compares them with the header.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

NOTIF = struct.Struct("=QIIiIQ6Q")
"""``struct seccomp_notif``: id, pid, flags, then the call's number, architecture, instruction and arguments."""
RESPONSE = struct.Struct("=QqiI")
"""``struct seccomp_notif_resp``: id, value, error, flags."""
RECV = 0xC0502100
SEND = 0xC0182101
ID_VALID = 0x40082102
FLAG_CONTINUE = 1


@dataclass(frozen=True, slots=True)
class Call:
    """A system call that waits. Its arguments are registers: what they point to can change under the reader."""

    pid: int
    """As seen from here."""
    number: int
    args: tuple[int, ...]


Ruling = int | Literal["permit", "end"]
"""An errno to refuse with; or ``permit``; or ``end``: it is never answered, as the sandbox is ended."""


class Listener:
    """Owns the descriptor. ``judge`` is called on the thread, and must be quick; it is given what tells whether the caller
    still waits."""

    def __init__(self, fd: int, judge: Callable[[Call, Callable[[], bool]], Ruling]) -> None:
        self._fd = fd
        self._judge = judge
        self._wake_read, self._wake_write = os.pipe2(os.O_CLOEXEC)
        self._thread = threading.Thread(target=self._run, name="violations", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread; calls that still wait, and all later ones, get ENOSYS from the kernel."""
        os.close(self._wake_write)
        self._thread.join()
        os.close(self._wake_read)

    def _run(self) -> None:
        poll = select.poll()
        poll.register(self._fd, select.POLLIN)
        poll.register(self._wake_read, select.POLLIN)
        try:
            while True:
                ready = dict(poll.poll())
                if self._wake_read in ready:
                    return
                if ready[self._fd] & select.POLLIN:
                    self._serve_one()
                else:  # nobody is left who could make a call
                    return
        finally:
            os.close(self._fd)

    def _serve_one(self) -> None:
        notice = bytearray(NOTIF.size)
        # Whoever called may have been killed in between.
        with contextlib.suppress(FileNotFoundError, InterruptedError):
            fcntl.ioctl(self._fd, RECV, notice)
            notice_id, pid, _, number, _, _, *args = NOTIF.unpack(notice)
            ruling = self._judge(Call(pid, number, tuple(args)), lambda: self._is_waiting(notice_id))
            if ruling == "permit":
                fcntl.ioctl(self._fd, SEND, RESPONSE.pack(notice_id, 0, 0, FLAG_CONTINUE))
            elif ruling != "end":
                fcntl.ioctl(self._fd, SEND, RESPONSE.pack(notice_id, 0, -ruling, 0))

    def _is_waiting(self, notice_id: int) -> bool:
        """Whether the call still waits: only then its pid is surely still that of its caller."""
        try:
            fcntl.ioctl(self._fd, ID_VALID, struct.pack("=Q", notice_id))
        except FileNotFoundError:
            return False
        return True

"""Starts supervisors for a process whose own children would inherit its filter.

Forked off before the filter is set, it shares the empty network namespace. It reads nothing but descriptors: sockets that
supervisors then speak on. It ends with the app.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import subprocess
from collections.abc import Sequence

from edgeagent.children import environment_for_children, supervisor_command
from edgeagent.errors import EnvironmentProblem
from edgeagent.offline.descriptors import open_descriptors
from edgeagent_harness.isolation import bpf, giving_up

_ORDER = b"start"
_READY = b"ready"


class StartedProcess:
    """A process that `Starter` started: held by a descriptor, so a number that is used again is never mistaken for it."""

    def __init__(self, handle: int) -> None:
        self._handle = handle

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end, at most ``timeout`` seconds; the status is not known here. Raises `subprocess.TimeoutExpired`."""
        ready, _, _ = select.select([self._handle], [], [], timeout)
        if not ready:
            raise subprocess.TimeoutExpired("supervisor", timeout or 0.0)
        return 0

    def terminate(self) -> None:
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._handle, number)

    def __del__(self) -> None:
        os.close(self._handle)


class Starter:
    """The app's end."""

    def __init__(self, sock: socket.socket, pid: int) -> None:
        self._sock = sock
        self.pid = pid

    @classmethod
    def fork(cls, families: Sequence[socket.AddressFamily]) -> Starter:
        """Fork the starter off. ``families``: what sockets it and all that it starts may make, the sandbox's applications too."""
        ours, theirs = socket.socketpair()
        pid = os.fork()
        if pid == 0:
            try:
                ours.close()
                _serve(theirs, families)
            finally:
                os._exit(1)
        theirs.close()
        if ours.recv(len(_READY)) != _READY:
            raise EnvironmentProblem(
                "offline mode: the process that starts sandboxes could not be filtered", "see edgeagent doctor"
            )
        return cls(ours, pid)

    def start(self, supervisors_end: socket.socket) -> StartedProcess:
        """Start a supervisor that serves ``supervisors_end``."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            socket.send_fds(self._sock, [_ORDER], [supervisors_end.fileno()])
            _, handles, _, _ = socket.recv_fds(self._sock, len(_ORDER), 1)
            if handles:
                return StartedProcess(handles[0])
        raise EnvironmentProblem("the process that starts sandboxes in offline mode has ended", "run the command again")


def _serve(sock: socket.socket, families: Sequence[socket.AddressFamily]) -> None:
    for number in {number for number, _ in open_descriptors()} - {0, 1, 2, sock.fileno()}:
        with contextlib.suppress(OSError):
            os.close(number)
    os.setsid()  # the terminal's Ctrl-C is the app's to answer
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    if giving_up.forbid_privileges() or giving_up.forbid_calls(bpf.WAYS_TO_OTHER_NETWORKS, families):
        return
    sock.sendall(_READY)
    running: dict[int, subprocess.Popen[bytes]] = {}
    while True:
        ready, _, _ = select.select([sock.fileno(), *running], [], [])
        for handle in set(ready) & set(running):
            running.pop(handle).wait()
            os.close(handle)
        if sock.fileno() in ready and not _start_one(sock, running):
            return


def _start_one(sock: socket.socket, running: dict[int, subprocess.Popen[bytes]]) -> bool:
    """Serve one order; False when the app has gone."""
    order, fds, _, _ = socket.recv_fds(sock, len(_ORDER), 1)
    if not order:
        return False
    with socket.socket(fileno=fds[0]) as theirs:
        process = subprocess.Popen(
            supervisor_command(theirs.fileno()), pass_fds=(theirs.fileno(),), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            start_new_session=True, env=environment_for_children(),
        )  # fmt: skip
    handle = os.pidfd_open(process.pid)
    running[handle] = process
    socket.send_fds(sock, [_ORDER], [handle])
    return True

"""Process 1 of the sandbox: brings up the display, the window manager and the executor, starts applications, reaps.

Started by bwrap as ``python -m edgeagent_harness.inside.init CONTROL_FD``. Ends with the control socket, and with it, as the
kernel kills a pid namespace that lost its first process, everything inside.
"""

from __future__ import annotations

import os
import selectors
import signal
import socket
import sys
import time

import msgspec

from edgeagent_harness.inside import apps, chromium, landlock, tighten
from edgeagent_harness.inside.display import Display, bring_up
from edgeagent_harness.inside.waiting import Waiter, wait_for_server, wait_for_window
from edgeagent_harness.inside.way_out import PROXY
from edgeagent_harness.protocol import init_wire, stream, wire

_POLL_S = 0.02
_WAKE_S = 0.05
"""How often the window manager is woken: the longest that it can sleep on an event it has read already."""


class Init:
    """Serves the supervisor's requests until its socket closes."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        decoder: msgspec.msgpack.Decoder[init_wire.InitRequest] = msgspec.msgpack.Decoder(init_wire.InitRequest)
        self._receiver = stream.Receiver(control, decoder)
        self._display: Display | None = None
        self._confinement = apps.Confinement((), 0, b"")
        self._applications: dict[int, int] = {}
        """Pid -> id of the request that started it."""
        self._waiters: list[Waiter] = []
        self._proxy = ""
        self._browser_sandbox = False

    def run(self) -> int:
        """Serve until the supervisor is gone."""
        selector = selectors.DefaultSelector()
        selector.register(self._control, selectors.EVENT_READ)
        selector.register(_child_signals(), selectors.EVENT_READ)
        while True:
            for key, _ in selector.select(_POLL_S if self._waiters else _WAKE_S):
                if key.fileobj is self._control:
                    if not self._serve_one():
                        return 0
                else:
                    os.read(key.fd, 4096)
                    self._reap()
            self._advance_waiters()
            if self._display:
                self._display.windows.wake_manager()

    def _serve_one(self) -> bool:
        received = self._receiver.receive()
        if received is None:
            return False
        request, fds = received
        try:
            match request:
                case init_wire.Setup():
                    self._set_up(request, fds)
                case init_wire.Spawn():
                    self._spawn(request, fds)
                case init_wire.Browse():
                    self._browse(request, fds)
        finally:
            stream.close_all(fds)
        return True

    def _set_up(self, setup: init_wire.Setup, fds: list[int]) -> None:
        abi = min(setup.landlock_abi, landlock.abi_version())
        self._confinement = apps.Confinement(setup.landlock, abi, setup.app_filter)
        self._proxy = PROXY if setup.bridge_filter else ""
        self._browser_sandbox = setup.browser_sandbox
        try:
            if setup.listener:
                self._listen(setup.listener)
            tighten.limit_processes(setup.max_processes)
            tighten.limit_file_size(setup.max_file_bytes)
            tighten.confine(setup.landlock, abi)
            self._display = bring_up(setup, fds, self._confinement)
            chromium.prepare_profile(apps.HOME)
        except OSError as error:
            self._send(init_wire.SetupFailed(str(error)[:500]))
            return
        rights = landlock.rights(abi) if setup.landlock else ()
        self._send(init_wire.Ready(self._display.name, rights))

    def _listen(self, program: bytes) -> None:
        """From here on a denied call of anything inside waits for a judgement from outside."""
        listener = tighten.install_listener(program)
        stream.send(self._control, init_wire.Listening(), (listener,))
        os.close(listener)

    def _spawn(self, request: init_wire.Spawn, fds: list[int]) -> None:
        try:
            program = apps.resolve(request.argv[0])
        except apps.NoSuchCommand as error:
            self._send(init_wire.NotSpawned(request.id, str(error)[:500]))
            return
        stdio = dict(enumerate(fds[:3])) if request.stdio else {}
        self._start(request.id, (program, *request.argv[1:]), stdio, request.wait_window, request.terminal)

    def _browse(self, request: init_wire.Browse, fds: list[int]) -> None:
        try:
            program = next(filter(None, map(_found, chromium.CANDIDATES)))
        except StopIteration:
            self._send(init_wire.NotSpawned(request.id, "no Chromium in the sandbox; install the package chromium"))
            return
        pipe = {chromium.DEBUG_READ_FD: fds[0], chromium.DEBUG_READ_FD + 1: fds[0]} if request.debug and fds else {}
        argv = chromium.argv(
            program, apps.HOME, request.url, request.kiosk, bool(pipe), request.scale, self._proxy, self._browser_sandbox
        )
        kept = {target: os.dup(fd) for target, fd in pipe.items()}

        def open_page() -> None:
            self._start(request.id, argv, kept, wait_window=True)
            stream.close_all(tuple(kept.values()))

        self._waiters.append(wait_for_server(request.url, open_page))

    def _start(
        self, request_id: int, argv: tuple[str, ...], fds: dict[int, int], wait_window: bool, terminal: bool = False
    ) -> None:
        assert self._display is not None, "the supervisor sends Setup first"
        known = self._display.windows.ids() if wait_window else frozenset[int]()
        pid = apps.start(argv, self._display.environment, self._confinement, fds, terminal)
        self._applications[pid] = request_id
        if wait_window:

            def finish(window: bool) -> None:
                self._send(init_wire.Spawned(request_id, pid, window))

            self._waiters.append(wait_for_window(self._display.windows, known, lambda: pid in self._applications, finish))
        else:
            self._send(init_wire.Spawned(request_id, pid, window=False))

    def _advance_waiters(self) -> None:
        now = time.monotonic()
        for waiter in list(self._waiters):
            if waiter.poll(now):
                self._waiters.remove(waiter)

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            code = os.waitstatus_to_exitcode(status)
            if self._display and pid in self._display.vital:
                self._send(init_wire.VitalEnded(self._display.vital[pid], code))
                sys.exit(f"the {self._display.vital[pid]} ended with status {code}")
            request_id = self._applications.pop(pid, None)
            if request_id is not None:
                self._send(init_wire.Exited(request_id, code))

    def _send(self, message: init_wire.InitReply) -> None:
        stream.send(self._control, message)


def _found(command: str) -> str | None:
    try:
        return apps.resolve(command)
    except apps.NoSuchCommand:
        return None


def _child_signals() -> int:
    """A descriptor that becomes readable when a child ends."""
    read_end, write_end = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(write_end, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
    return read_end


def main() -> int:
    """Entry point of process 1."""
    control_fd = int(sys.argv[1])
    os.set_inheritable(control_fd, False)
    tighten.hide_memory()
    tighten.forbid_core_dumps()
    try:
        return Init(socket.socket(fileno=control_fd)).run()
    except (BrokenPipeError, ConnectionResetError, wire.WireError) as error:
        print(f"init: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())

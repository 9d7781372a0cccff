"""Stands where the sandbox stands: starts the executor and the guardian on the user's display, and ends them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence

from edgeagent_harness.errors import EnvironmentLacks, UsageProblem
from edgeagent_harness.host.acting import ACTING
from edgeagent_harness.host.drivers import Choice, Driver
from edgeagent_harness.outside import memory
from edgeagent_harness.outside.containment.layers import Decision
from edgeagent_harness.outside.plan import NotStarted, Plan
from edgeagent_harness.outside.way_out import WayOut
from edgeagent_harness.protocol import init_wire
from edgeagent_harness.protocol.messages import Argv, HostSpec

_READY_TIMEOUT_S = 10.0
_END_TIMEOUT_S = 3.0
_LET_GO_TIMEOUT_S = 1.0
_WINDOW_S = 0.7
"""Time for an application to put up its window; the screen is settled after it anyway."""


class HostBox:
    """One session on the user's own desktop. Nothing contains it: the scope, the gate and the user do."""

    def __init__(self, spec: HostSpec, driver: Driver, choice: Choice, on_exited: Callable[[int, int], None]) -> None:
        self._spec = spec
        self._driver = driver
        self._choice = choice
        self._on_exited = on_exited
        self.layers = Decision((f"host:{'window' if choice.window else 'desktop'}",), ("sandbox",))
        self.violated = False
        self.by_user = False
        """The user stopped it at the desktop."""
        self.way_out: WayOut | None = None
        self.gone: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._executor: subprocess.Popen[bytes] | None = None
        self._executor_end: socket.socket | None = None
        """A copy of the executor's end of its control socket: shut down, the executor lets go of everything and ends."""
        self._guardian: socket.socket | None = None
        self._applications: dict[int, subprocess.Popen[bytes]] = {}
        self._next_id = 0
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self, plan: Plan, executor_fds: Sequence[int] = ()) -> init_wire.Ready:
        """Start the guardian, and once it watches, the executor. Raises `EnvironmentLacks`, `UsageProblem`."""
        del plan
        self._executor_end = socket.socket(fileno=os.dup(executor_fds[0]))
        acting = memory.anonymous("edgeagent-acting", ACTING.size)
        try:
            self._guardian = await self._start_guardian(acting)
            self._executor = self._start_executor(executor_fds, acting)
        finally:
            for fd in (acting, *self._choice.fds):
                os.close(fd)
        self._guardian.sendall(str(self._executor.pid).encode())
        self._tasks = [asyncio.create_task(self._watch_executor()), asyncio.create_task(self._listen())]
        return init_wire.Ready(os.environ.get("DISPLAY", "")[:16], ())

    async def spawn(
        self, argv: Argv, wait_window: bool, stdio: Sequence[int] = (), terminal: bool = False
    ) -> tuple[int, init_wire.Spawned]:
        """Start a program as the user would. Raises `NotStarted`."""
        del stdio, terminal
        if self._choice.window:
            raise NotStarted("this session is about one window; it starts no programs")
        program = shutil.which(argv[0])
        if program is None:
            raise NotStarted(f"{argv[0]}: no such command")
        process = _started((program, *argv[1:]))
        self._next_id += 1
        self._applications[self._next_id] = process
        if wait_window:
            await asyncio.sleep(_WINDOW_S)
        return self._next_id, init_wire.Spawned(self._next_id, process.pid, wait_window)

    async def browse(
        self, url: str, kiosk: bool = False, scale: float = 1.0, debug: socket.socket | None = None
    ) -> tuple[int, init_wire.Spawned]:
        """Open ``url`` in the user's own browser."""
        del kiosk, scale
        if debug is not None:
            raise UsageProblem("the user's own browser has no debugging pipe: rules by host cannot be judged in host mode")
        return await self.spawn(("xdg-open", url), wait_window=True)

    def end(self, reason: str, violation: bool = False) -> None:
        """End the executor because of ``reason``; the first reason counts."""
        self.violated = self.violated or violation
        self._give_reason(reason)
        if self._executor is not None and self._executor.poll() is None:
            self._executor.kill()

    def _give_reason(self, reason: str) -> None:
        if not self.gone.done():
            self.gone.set_result(reason)

    async def kill(self) -> None:
        """End everything of ours; applications that were started stay the user's. Safe to call twice."""
        self.end("closed")
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._executor is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                await asyncio.to_thread(self._executor.wait, _END_TIMEOUT_S)
        if self._executor_end is not None:
            self._executor_end.close()
        if self._guardian is not None:
            self._guardian.close()  # it releases what is down, and gives the clipboard back
            self._guardian = None

    async def _start_guardian(self, acting: int) -> socket.socket:
        ours, theirs = socket.socketpair()
        with theirs:
            key = ("--stop-key", self._spec.stop_key) if self._spec.stop_key else ()
            argv = _python(self._driver.GUARDIAN, "--control-fd", str(theirs.fileno()), "--acting-fd", str(acting), *key)
            process = _started((*argv, *self._choice.arguments), (theirs.fileno(), acting, *self._choice.fds), subprocess.PIPE)
        ours.setblocking(False)
        try:
            async with asyncio.timeout(_READY_TIMEOUT_S):
                line = await asyncio.get_running_loop().sock_recv(ours, 64)
        except TimeoutError:
            line = b""
        assert process.stderr is not None, "it was asked for"
        with process.stderr:
            if line == b"ready\n":
                return ours
            ours.close()
            code = await asyncio.to_thread(_ended, process)
            said = process.stderr.read(2000).decode(errors="replace").strip()
        raise (UsageProblem if code == 2 else EnvironmentLacks)(said or "the guardian did not start")

    def _start_executor(self, fds: Sequence[int], acting: int) -> subprocess.Popen[bytes]:
        region = self._choice.region
        argv = _python(
            self._driver.EXECUTOR, "--control-fd", str(fds[0]), "--frame-fd", str(fds[1]), "--acting-fd", str(acting),
            "--region", *map(str, (region.left, region.top, region.right, region.bottom)), "--window", str(self._choice.window),
            *(("--border",) if self._spec.border else ()), *self._choice.arguments,
        )  # fmt: skip
        return _started(argv, (*fds, acting, *self._choice.fds), None)

    async def _watch_executor(self) -> None:
        assert self._executor is not None, "it was started"
        code = await asyncio.to_thread(self._executor.wait)
        await asyncio.sleep(0.05)  # why it ended may still be on its way from the guardian
        self.end(f"the executor on the user's desktop ended ({code})")

    async def _listen(self) -> None:
        """The guardian says one thing: that the user has stopped the session. One that dies says nothing."""
        assert self._guardian is not None, "it was started"
        try:
            said = await asyncio.get_running_loop().sock_recv(self._guardian, 200)
        except ConnectionResetError:
            said = b""
        if said:
            self.by_user = True
            self.end(f"stopped at the desktop: {said.decode(errors='replace').strip()}")
            return
        self._give_reason("the guardian ended: nothing would have heard the stop key any more")
        await self._have_it_let_go()
        self.end("closed")

    async def _have_it_let_go(self) -> None:
        """There is nobody left to release what the executor holds: it must do so itself before it ends."""
        assert self._executor is not None, "it was started"
        assert self._executor_end is not None, "it was started"
        with contextlib.suppress(OSError):
            self._executor_end.shutdown(socket.SHUT_RDWR)
        with contextlib.suppress(subprocess.TimeoutExpired):
            await asyncio.to_thread(self._executor.wait, _LET_GO_TIMEOUT_S)


def _started(argv: Sequence[str], fds: Sequence[int] = (), stderr: int | None = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
    """``argv`` in a session of its own, with nothing to read."""
    null = subprocess.DEVNULL
    return subprocess.Popen(argv, pass_fds=fds, stdin=null, stdout=null, stderr=stderr, start_new_session=True)


def _ended(process: subprocess.Popen[bytes]) -> int:
    """Its exit code; one that does not end by itself is killed."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        return process.wait(_END_TIMEOUT_S)
    process.kill()
    return process.wait()


def _python(module: str, *arguments: str) -> list[str]:
    return [sys.executable, "-P", "-m", f"edgeagent_harness.host.{module}", *arguments]

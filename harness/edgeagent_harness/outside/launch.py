"""One running sandbox: bwrap, its first process, and the control socket to it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec

from edgeagent_harness.errors import EnvironmentLacks, SandboxGone
from edgeagent_harness.outside import layers, sandbox, seccomp
from edgeagent_harness.outside.runtime import Runtime
from edgeagent_harness.policy.types import Policy
from edgeagent_harness.protocol import init_wire
from edgeagent_harness.protocol.channel import Channel
from edgeagent_harness.protocol.messages import Argv
from edgeagent_harness.protocol.wire import WireError

_START_TIMEOUT_S = 20.0
_LAST_WORDS_S = 0.3
_LOG_BYTES = 16 * 1024
_MAX_INIT_MESSAGE_BYTES = 8 * 1024


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that decides how a sandbox is started."""

    width: int
    height: int
    binds: sandbox.Binds
    policy: Policy
    runtime: Runtime
    session_bus: bool = False
    accept_missing: tuple[str, ...] = ()


class Sandbox:
    """Started by `start`, ended by `kill`; whatever ends it, everything inside ends with it."""

    def __init__(self, on_exited: Callable[[int, int], None]) -> None:
        self._on_exited = on_exited
        self._log: deque[bytes] = deque(maxlen=64)
        self._pending: dict[int, asyncio.Future[init_wire.Spawned]] = {}
        self._next_id = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._ended_because = ""
        self._tasks: list[asyncio.Task[None]] = []
        self.gone: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        """Resolved with the reason once the sandbox has ended."""

    async def start(self, plan: Plan, executor_fds: Sequence[int] = ()) -> init_wire.Ready:
        """Bring the desktop up. ``executor_fds``: the executor's control socket and frame memfd; none: no executor."""
        loop = asyncio.get_running_loop()
        self.layers = layers.decide(plan.policy.accept_missing + plan.accept_missing)
        self._ready: asyncio.Future[init_wire.Ready] = loop.create_future()
        ours, theirs = socket.socketpair()
        output_read, output_write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        fds = sandbox.Descriptors()
        program = seccomp.base_program(plan.policy.extra_denied)
        argv = [
            sandbox.bwrap_path(),
            *sandbox.arguments(plan.runtime, plan.binds, program, fds, "nested_user_namespaces" in self.layers.present),
            "--",
            *sandbox.init_command(plan.runtime, theirs.fileno()),
        ]
        os.set_blocking(output_write, True)
        self._process = process = sandbox.start(argv, theirs, fds, output_write)
        theirs.close()
        os.close(output_write)
        self._control: Channel[init_wire.InitReply] = Channel(ours, _decoder(), _MAX_INIT_MESSAGE_BYTES)
        loop.add_reader(output_read, self._read_output, output_read)
        self._output = output_read
        self._tasks = [asyncio.create_task(self._serve_init()), asyncio.create_task(self._watch(process))]
        await self._send(self._setup(plan, bool(executor_fds)), executor_fds)
        return await self._until_ready()

    async def spawn(
        self, argv: Argv, wait_window: bool, stdio: Sequence[int] = (), terminal: bool = False
    ) -> tuple[int, init_wire.Spawned]:
        """Start an application; returns the id that its exit is told with. Raises `NotStarted` if there is no such command."""
        request_id = self._new_id()
        message = init_wire.Spawn(request_id, argv, wait_window, bool(stdio), terminal)
        return request_id, await self._request(request_id, message, stdio)

    async def browse(
        self, url: str, kiosk: bool = False, scale: float = 1.0, debug: socket.socket | None = None
    ) -> tuple[int, init_wire.Spawned]:
        """Open ``url`` in Chromium at device scale factor ``scale``; ``debug`` becomes its debugging pipe."""
        layers.require_browser()
        request_id = self._new_id()
        message = init_wire.Browse(request_id, url, kiosk=kiosk, debug=debug is not None, scale=scale)
        return request_id, await self._request(request_id, message, (debug.fileno(),) if debug else ())

    def log_tail(self) -> str:
        """The last of what bwrap and the processes inside printed; for error messages only, as it is not trusted."""
        text = b"".join(self._log)[-_LOG_BYTES:].decode(errors="replace")
        return "".join(character if character.isprintable() or character == "\n" else "?" for character in text).strip()

    def end(self, reason: str) -> None:
        """End everything inside because of ``reason``."""
        self._ended_because = self._ended_because or reason
        if self._process and self._process.poll() is None:
            self._process.send_signal(signal.SIGKILL)

    async def kill(self) -> None:
        """End everything inside, now, and give back every descriptor. Safe to call twice."""
        if self._process is None:
            return
        self.end("closed")
        await self.gone
        self._process = None
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        asyncio.get_running_loop().remove_reader(self._output)
        os.close(self._output)
        self._control.close()

    def _setup(self, plan: Plan, executor: bool) -> init_wire.Setup:
        rules = sandbox.landlock_rules(plan.runtime, plan.binds) if "landlock" in self.layers.present else ()
        return init_wire.Setup(
            plan.width,
            plan.height,
            executor,
            plan.session_bus,
            rules,
            seccomp.app_program(),
            seccomp.executor_program(plan.policy.executor_denied),
            plan.policy.limits.max_pids if "process_limit" in self.layers.present else 0,
        )

    async def _until_ready(self) -> init_wire.Ready:
        done, _ = await asyncio.wait([self._ready, self.gone], timeout=_START_TIMEOUT_S, return_when=asyncio.FIRST_COMPLETED)
        if self._ready in done and self._ready.exception() is None:
            return self._ready.result()
        if self._ready in done:
            reason = str(self._ready.exception())
        else:
            reason = self.gone.result() if done else f"not ready within {_START_TIMEOUT_S:.0f} s"
        await self.kill()
        raise EnvironmentLacks(f"the sandbox did not start: {reason}\n{layers.diagnose(self.log_tail())}".rstrip())

    async def _request(self, request_id: int, message: msgspec.Struct, fds: Sequence[int]) -> init_wire.Spawned:
        answer: asyncio.Future[init_wire.Spawned] = asyncio.get_running_loop().create_future()
        self._pending[request_id] = answer
        try:
            await self._send(message, fds)
            await asyncio.wait([answer, self.gone], return_when=asyncio.FIRST_COMPLETED)
            if not answer.done():
                raise SandboxGone(self.gone.result())
            return answer.result()
        finally:
            self._pending.pop(request_id, None)

    async def _send(self, message: msgspec.Struct, fds: Sequence[int] = ()) -> None:
        # A sandbox that is gone is told by `gone`, with its reason; a broken pipe says less.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            await self._control.send(message, fds)

    def _new_id(self) -> int:
        self._next_id += 1
        return self._next_id

    async def _serve_init(self) -> None:
        try:
            while (reply := await self._control.receive()) is not None:
                self._handle(reply)
        except WireError as error:
            self._log.append(f"process 1 sent rubbish: {error}\n".encode())
        # Without its control socket process 1 is of no use; give it a moment to end by itself, for its reason's sake.
        await asyncio.wait([self.gone], timeout=_LAST_WORDS_S)
        self.end("process 1 closed its control socket")

    def _handle(self, reply: init_wire.InitReply) -> None:
        match reply:
            case init_wire.Ready():
                if not self._ready.done():
                    self._ready.set_result(reply)
            case init_wire.SetupFailed(reason=reason):
                if not self._ready.done():
                    self._ready.set_exception(EnvironmentLacks(reason))
            case init_wire.Spawned(id=request_id):
                self._answer(request_id, reply)
            case init_wire.NotSpawned(id=request_id, reason=reason):
                self._answer(request_id, NotStarted(reason))
            case init_wire.Exited(id=request_id, returncode=code):
                self._on_exited(request_id, code)

    def _answer(self, request_id: int, result: init_wire.Spawned | NotStarted) -> None:
        answer = self._pending.get(request_id)
        if answer is None or answer.done():
            return
        if isinstance(result, NotStarted):
            answer.set_exception(result)
        else:
            answer.set_result(result)

    async def _watch(self, process: subprocess.Popen[bytes]) -> None:
        """Notice the end of bwrap, which is the end of everything inside."""
        fd = os.pidfd_open(process.pid)
        ended = asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.add_reader(fd, ended.set)
        try:
            await ended.wait()
        finally:
            loop.remove_reader(fd)
            os.close(fd)
        code = process.wait()
        last = "".join(self.log_tail().splitlines()[-1:])
        self.gone.set_result(self._ended_because or f"the sandbox ended with status {code}" + (f": {last}" if last else ""))

    def _read_output(self, fd: int) -> None:
        chunk = os.read(fd, 4096)
        if chunk:
            self._log.append(chunk)
        else:
            asyncio.get_running_loop().remove_reader(fd)


class NotStarted(Exception):
    """Init could not start what was asked for."""


def _decoder() -> msgspec.msgpack.Decoder[init_wire.InitReply]:
    return msgspec.msgpack.Decoder(init_wire.InitReply)

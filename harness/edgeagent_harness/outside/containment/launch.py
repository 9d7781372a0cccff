"""One running sandbox: bwrap, its first process, and the control socket to it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
from collections import deque
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace

import msgspec

from edgeagent_harness.errors import EnvironmentLacks, PolicyViolated, SandboxGone
from edgeagent_harness.inside import landlock
from edgeagent_harness.outside import ending
from edgeagent_harness.outside.containment import bridge_filter, layers, limits, sandbox, seccomp
from edgeagent_harness.outside.containment.cgroups import GIB
from edgeagent_harness.outside.containment.denied import permitted
from edgeagent_harness.outside.containment.limits import Limiter
from edgeagent_harness.outside.containment.listener import Listener
from edgeagent_harness.outside.containment.violations import Judge, Tally
from edgeagent_harness.outside.plan import NotStarted, Plan
from edgeagent_harness.outside.shown import printable
from edgeagent_harness.outside.way_out import WayOut
from edgeagent_harness.policy.types import Policy
from edgeagent_harness.protocol import audit, init_wire
from edgeagent_harness.protocol.channel import Channel
from edgeagent_harness.protocol.messages import Argv
from edgeagent_harness.protocol.stream import close_all
from edgeagent_harness.protocol.wire import WireError

_START_TIMEOUT_S = 20.0
_ANSWER_TIMEOUT_S = 60.0
"""Process 1 waits for a page's server and for a window itself, 35 s at most; one that was stopped waits for ever."""
_LAST_WORDS_S = 0.3
_LOG_BYTES = 16 * 1024
_MAX_INIT_MESSAGE_BYTES = 8 * 1024
_FLUSH_S = 1.0
_EMPTY_TIMEOUT_S = 5.0


class Sandbox:
    """Started by `start`, ended by `kill`; whatever ends it, everything inside ends with it."""

    def __init__(self, on_exited: Callable[[int, int], None], on_audited: Callable[[audit.Entry], None]) -> None:
        self._on_exited = on_exited
        self._on_audited = on_audited
        self.violated = False
        """Whether a violation ended it; then it must not be started again blindly."""
        self._tally = Tally(self._tell)
        self._listener: Listener | None = None
        self._judge: Judge | None = None
        self._listening = False
        self._first: int | None = None
        """Process 1 of the sandbox, once it is known."""
        self.way_out: WayOut | None = None
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
        self._plan = plan
        self.layers = layers.decide(plan.accepted, nested_user_namespaces=plan.policy.browser_sandbox == "native")
        _check_notices(plan.policy, self.layers)
        self._tell_header(plan)
        if plan.policy.egress.mode == "allowlist":
            self.way_out = await WayOut.open(plan.policy, plan.policy_name, self._tally.add, self.end)
            plan = replace(plan, binds=replace(plan.binds, egress_socket=self.way_out.socket_path))
        self._ready: asyncio.Future[init_wire.Ready] = loop.create_future()
        ours, theirs = socket.socketpair()
        output_read, output_write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        fds = sandbox.Descriptors()
        info_read, info_write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        fds.passed.append(info_write)
        fds.to_close.append(info_write)
        named = (plan.policy.extra_denied, permitted(plan.policy))
        listening = plan.policy.violations.seccomp if "violation_notices" in self.layers.present else ""
        program = seccomp.base_program(*named, listening)
        argv = [
            sandbox.bwrap_path(),
            *sandbox.arguments(plan.runtime, plan.binds, program, fds, "nested_user_namespaces" in self.layers.present),
            "--info-fd",
            str(info_write),
            "--",
            *sandbox.init_command(plan.runtime, theirs.fileno()),
        ]
        os.set_blocking(output_write, True)
        hold = limits.start_held(plan.policy, plan.group)
        self._process = process = sandbox.start(argv, theirs, fds, output_write, hold)
        theirs.close()
        os.close(output_write)
        self._control: Channel[init_wire.InitReply] = Channel(ours, _decoder(), _MAX_INIT_MESSAGE_BYTES)
        loop.add_reader(output_read, self._read_output, output_read)
        self._output = output_read
        self._handle = os.pidfd_open(process.pid)
        self._info = info_read
        self._loop = loop
        self._limiter = Limiter(plan.policy, plan.group, plan.binds.home, self._tell, self._end_violated)
        works = (self._serve_init(), self._watch(process, self._handle), self._flush_tally(), self._limiter.watch(process.pid))
        self._tasks = [asyncio.create_task(work) for work in works]
        await self._send(self._setup(plan, bool(executor_fds)), executor_fds)
        ready = await self._until_ready()
        self._first = ending.first_inside(self._info)
        if self.way_out:
            await self.way_out.up()
        return ready

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

    @contextlib.contextmanager
    def sparing(self, pid_inside: int) -> Generator[None]:
        """Meanwhile denied calls of that process are refused and listed, and do not end the sandbox, whatever the policy says."""
        judge = self._judge
        if judge:
            judge.spared = frozenset({pid_inside})
        try:
            yield
        finally:
            if judge:
                judge.spared = frozenset()

    def stop_listening(self) -> None:
        """From here on the kernel refuses what was judged; nothing is listed any more."""
        if self._listener:
            self._listener.close()
            self._listener = None

    def log_tail(self) -> str:
        """The last of what bwrap and the processes inside printed; for error messages only, as it is not trusted."""
        text = b"".join(self._log)[-_LOG_BYTES:].decode(errors="replace")
        return printable(text).strip()

    def end(self, reason: str, violation: bool = False) -> None:
        """End everything inside because of ``reason``. May be called on any thread; the first reason counts."""
        if not self._ended_because:
            self._ended_because, self.violated = reason, violation
        if self._process and not self.gone.done():
            # Process 1 first: with it everything inside ends at once. Without bwrap it would end too, a little later.
            for handle in (self._first, self._handle) if self._first is not None else (self._handle,):
                with contextlib.suppress(ProcessLookupError):
                    signal.pidfd_send_signal(handle, signal.SIGKILL)

    async def kill(self) -> None:
        """End everything inside, now, and give back every descriptor. Safe to call twice."""
        if self._process:
            self.end("closed")
            await self.gone
        if self.way_out:
            await self.way_out.close()
            self._tally.flush()
            await asyncio.sleep(0)
        if self._process is None:
            return
        self._process = None
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.stop_listening()
        asyncio.get_running_loop().remove_reader(self._output)
        os.close(self._output)
        for fd in (self._handle, self._info, *(() if self._first is None else (self._first,))):
            os.close(fd)
        self._control.close()

    def _setup(self, plan: Plan, executor: bool) -> init_wire.Setup:
        rules = sandbox.landlock_rules(plan.runtime, plan.binds) if "landlock" in self.layers.present else ()
        policy = plan.policy
        asked = (policy.extra_denied, permitted(policy), policy.violations.seccomp, policy.audit.exec)
        return init_wire.Setup(
            plan.width,
            plan.height,
            executor,
            plan.session_bus,
            rules,
            seccomp.app_program(own_filters=policy.browser_sandbox == "native"),
            seccomp.executor_program(plan.policy.executor_denied, plan.policy.violations.exec),
            plan.policy.limits.max_pids if "process_limit" in self.layers.present else 0,
            seccomp.listener_program(*asked) if "violation_notices" in self.layers.present else b"",
            bridge_filter=bridge_filter.program() if self.way_out else b"",
            max_file_bytes=int(plan.policy.limits.max_disk_gb * GIB),
            landlock_abi=landlock.abi_version(),
            browser_sandbox=policy.browser_sandbox == "native",
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
        if self.violated:
            raise PolicyViolated(reason)
        output = f"{reason}\n{self.log_tail()}".strip()
        raise EnvironmentLacks(f"the sandbox did not start: {layers.diagnose(output)}")

    async def _request(self, request_id: int, message: msgspec.Struct, fds: Sequence[int]) -> init_wire.Spawned:
        answer: asyncio.Future[init_wire.Spawned] = asyncio.get_running_loop().create_future()
        self._pending[request_id] = answer
        try:
            await self._send(message, fds)
            await asyncio.wait([answer, self.gone], timeout=_ANSWER_TIMEOUT_S, return_when=asyncio.FIRST_COMPLETED)
            if not answer.done():
                self.end(f"process 1 did not answer within {_ANSWER_TIMEOUT_S:.0f} s")
                await self.gone
                raise (PolicyViolated if self.violated else SandboxGone)(self.gone.result())
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
                self._take(reply)
        except WireError as error:
            self._log.append(f"process 1 sent rubbish: {error}\n".encode())
        # Without its control socket process 1 is of no use; give it a moment to end by itself, for its reason's sake.
        await asyncio.wait([self.gone], timeout=_LAST_WORDS_S)
        self.end("process 1 closed its control socket")

    def _take(self, reply: init_wire.InitReply) -> None:
        fds = self._control.take_fds()
        if isinstance(reply, init_wire.Listening) and len(fds) == 1 and not self._listening:
            self._listening = True
            self._judge = Judge(self._plan.policy, self._tally.add, self._end_violated)
            self._listener = Listener(fds.pop(), self._judge)
        close_all(fds)
        match reply:
            case init_wire.Ready():
                if not self._ready.done():
                    self._ready.set_result(reply)
            case init_wire.SetupFailed(reason=reason):
                if not self._ready.done():
                    self._ready.set_exception(EnvironmentLacks(printable(reason)))
            case init_wire.Spawned(id=request_id):
                self._answer(request_id, reply)
            case init_wire.NotSpawned(id=request_id, reason=reason):
                self._answer(request_id, NotStarted(printable(reason)))
            case init_wire.Exited(id=request_id, returncode=code):
                self._limiter.look_at_ended(code)
                self._on_exited(request_id, code)
            case init_wire.VitalEnded(what="executor", status=status) if status == -signal.SIGSYS:
                self._tally.add(
                    audit.SystemCall("denied", "execve, or another call that is denied to the executor", 0, "executor")
                )
                self._end_violated("on_violation.exec: the executor made a system call that is denied to it, such as execve")
            case init_wire.Listening() | init_wire.VitalEnded():
                pass

    def _answer(self, request_id: int, result: init_wire.Spawned | NotStarted) -> None:
        answer = self._pending.get(request_id)
        if answer is None or answer.done():
            return
        if isinstance(result, NotStarted):
            answer.set_exception(result)
        else:
            answer.set_result(result)

    async def _watch(self, process: subprocess.Popen[bytes], fd: int) -> None:
        """Notice the end of bwrap, which is the end of everything inside."""
        await ending.ended(fd)
        code = process.wait()
        await self._until_empty()
        last = "".join(self.log_tail().splitlines()[-1:])
        reason = self._ended_because or f"the sandbox ended with status {code}" + (f": {last}" if last else "")
        self._tally.flush()
        self._limiter.look_last()
        await asyncio.sleep(0)  # what was told is passed on before the end is
        self._on_audited(audit.SandboxEnded(reason[:500], self.violated))
        self.gone.set_result(reason)

    async def _until_empty(self) -> None:
        """Wait for process 1, which ends a little after bwrap: until then calls that wait must stay unanswered, so the listener
        stays. Closing it would let whoever made a deadly call go on."""
        if self._first is None:  # it never became ready
            self._first = ending.first_inside(self._info)
        if self._first is not None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(ending.ended(self._first), _EMPTY_TIMEOUT_S)

    # -- the audit ----------------------------------------------------------------------------------------------------------

    def _tell_header(self, plan: Plan) -> None:
        present, missing = self.layers.present, self.layers.missing
        degraded = (*layers.degraded(), *limits.degraded(plan.policy, plan.group))
        if plan.policy.browser_sandbox == "native":
            degraded += ("nested_user_namespaces: permitted to everything inside, for the browser's own sandbox",)
        header = audit.SandboxStarted(plan.policy_name[:500], plan.policy_sha256, present, missing, plan.accepted, degraded)
        self._on_audited(header)

    def _tell(self, entry: audit.Entry) -> None:
        """Pass ``entry`` on; may be called on any thread."""
        self._loop.call_soon_threadsafe(self._on_audited, entry)

    def _end_violated(self, reason: str) -> None:
        self.end(reason, violation=True)

    async def _flush_tally(self) -> None:
        while True:
            await asyncio.sleep(_FLUSH_S)
            self._tally.flush()

    def _read_output(self, fd: int) -> None:
        chunk = os.read(fd, 4096)
        if chunk:
            self._log.append(chunk)
        else:
            asyncio.get_running_loop().remove_reader(fd)


def _check_notices(policy: Policy, found: layers.Decision) -> None:
    """Without notices nothing but a plain refusal can follow a denied call."""
    if "violation_notices" in found.present:
        return
    asked = {"on_violation.seccomp": policy.violations.seccomp != "deny", "audit.exec": policy.audit.exec}
    for key in (key for key, is_asked in asked.items() if is_asked):
        raise EnvironmentLacks(f"{key} needs violation_notices, which this machine lacks. Mend: leave {key} at its default")


def _decoder() -> msgspec.msgpack.Decoder[init_wire.InitReply]:
    return msgspec.msgpack.Decoder(init_wire.InitReply)

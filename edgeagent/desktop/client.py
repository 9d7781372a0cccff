"""The `Desktop` port on a real sandbox."""

from __future__ import annotations

import asyncio
import contextlib
import mmap
import os
import socket
import subprocess
from collections.abc import Callable
from types import TracebackType

import msgspec

from edgeagent import errors, offline, supervising
from edgeagent.brake import Brake
from edgeagent.desktop.connection import Connection, R
from edgeagent.desktop.pages import Pages, PageWitness
from edgeagent.ports import Deed, Look
from edgeagent.screen import Screen
from edgeagent_harness.isolation.canary import Canary, Targets
from edgeagent_harness.policy.types import Endpoint
from edgeagent_harness.protocol import audit, messages
from edgeagent_harness.protocol.actions import Action
from edgeagent_harness.protocol.frames import FrameInfo
from edgeagent_harness.protocol.geometry import Point
from edgeagent_harness.protocol.messages import Application, DesktopSpec, Guard, SettleSpec
from edgeagent_harness.protocol.windows import PlacedWindow

_CLOSE_TIMEOUT_S = 10.0


class SandboxDesktop:
    """A sandboxed desktop with its own supervisor process. Use as an async context manager, or `start` and `close` it.

    A cancelled `observe` or `perform` stops what is under way in the sandbox, releases what it held, and then raises.
    """

    def __init__(self, spec: DesktopSpec, on_exited: Callable[[messages.ApplicationExited], None] | None = None) -> None:
        self.spec = msgspec.structs.replace(spec, offline=spec.offline or offline.is_offline())
        self.started: messages.Started | None = None
        """What the supervisor said of the start: layers of containment, missing ones, duration."""
        self.supervisor_pid = 0
        self.debug_socket: socket.socket | None = None
        """Chromium's debugging pipe, if the spec asked for it."""
        self.witness: PageWitness | None = None
        """Made when it is first asked."""
        self._on_exited = on_exited or _ignore
        self.brake: Brake | None = None
        """Takes the hands off at once; set it before the start."""
        self.on_audited: Callable[[audit.Entry], None] = _ignore
        """Told each entry for the audit as it comes."""
        self._connection: Connection | None = None
        self._process: supervising.SupervisorProcess | None = None
        self._frame: mmap.mmap | None = None
        self._view: mmap.mmap | None = None

    async def __aenter__(self) -> SandboxDesktop:
        await self.start()
        return self

    async def __aexit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def start(self) -> Look:
        """Start the sandbox and its applications; returns the first frame. Raises `SandboxRefused` or `UsageError`."""
        self._connection = self._spawn()
        try:
            welcome = await self._request(messages.Hello(self._id()), messages.Welcome)
            self.supervisor_pid = welcome.supervisor_pid
            self.started = await self._request(messages.Start(self._id(), self.spec), messages.Started)
            self._take_fds(self._connection.take_fds())
            if self.brake is not None:
                await self._connection.request(messages.TakeBrake(self._id()), messages.Done, [self.brake.fileno()])
        except BaseException:
            await asyncio.shield(self.close())
            raise
        return Look(self._screen(self.started.frame), None, 0.0)

    async def restart(self) -> Look:
        """Start anew after a loss, with the same spec and the same home."""
        await self.close()
        return await self.start()

    @property
    def layers(self) -> tuple[str, ...]:
        """Layers of containment that are in force."""
        return self.started.layers if self.started else ()

    @property
    def missing_layers(self) -> tuple[str, ...]:
        """Layers that this machine lacks, and that were accepted as missing."""
        return self.started.missing_layers if self.started else ()

    @property
    def start_ms(self) -> float:
        """From the request to the first frame."""
        return self.started.start_ms if self.started else 0.0

    @property
    def is_lost(self) -> bool:
        """Whether the sandbox is gone, or was never started."""
        return self._connection is None or self._connection.lost.done()

    async def wait_lost(self) -> str:
        """Wait until the sandbox is gone; returns the reason."""
        if self._connection is None:
            return "the desktop was not started"
        return await asyncio.shield(self._connection.lost)

    # -- the Desktop port -------------------------------------------------------------------------------------------------

    async def observe(self, settle: SettleSpec | None = None) -> Look:
        """The screen now, or once it has settled."""
        observed = await self._cancellable(messages.Observe(self._id(), settle), messages.Observed)
        return Look(self._screen(observed.frame), observed.settle, observed.capture_ms)

    async def perform(self, action: Action, settle: SettleSpec, guard: Guard | None = None, focus_window: int = 0) -> Deed:
        """Do ``action``, wait for the screen to settle, and say what it did. With ``focus_window`` only while that window has
        the keyboard."""
        request = messages.Perform(self._id(), action, settle, guard, focus_window)
        performed = await self._cancellable(request, messages.Performed)
        look = Look(self._screen(performed.frame), performed.settle, performed.capture_ms)
        return Deed(performed.effect, look, performed.act_ms)

    async def peek(self) -> Screen | None:
        """The screen as it is, also while an action is under way; None if it is as at the peek before. For a person to look at:
        an action is decided on what `observe` gives."""
        peeked = await self._request(messages.Peek(self._id()), messages.Peeked)
        for fd in self._live().take_fds():
            self._view = mmap.mmap(fd, peeked.frame.size_bytes, prot=mmap.PROT_READ)
            os.close(fd)
        if not peeked.changed or self._view is None:
            return None
        return Screen(peeked.frame, self._view[: peeked.frame.size_bytes])

    async def release_all(self) -> None:
        """Release every key and button; harmless on a desktop that is gone."""
        with contextlib.suppress(errors.DesktopLost):
            await self._request(messages.ReleaseAll(self._id()), messages.Done)

    async def windows(self, points: tuple[Point, ...] = ()) -> messages.WindowsTold:
        """Which window has the keyboard, and which ones lie under ``points``, as the sandbox's display says it."""
        return await self._request(messages.AskWindows(self._id(), points), messages.WindowsTold)

    async def arrange(self, windows: tuple[PlacedWindow, ...] = ()) -> messages.Arranged:
        """Put ``windows`` (by id, the lowest first) where they say; what there is then, as the sandbox's display says it."""
        return await self._request(messages.Arrange(self._id(), windows), messages.Arranged)

    async def pages(self) -> Pages | None:
        """What the browser says that it has open; None: it was not started with a debugging pipe, or does not answer."""
        if self.witness is None and self.debug_socket is not None:
            self.witness = PageWitness(self.debug_socket)
        return await self.witness.pages() if self.witness else None

    async def reload(self, policy_yaml: str) -> None:
        """Let the endpoints of ``policy_yaml`` hold; connections that they do not permit are closed. Raises `UsageError`."""
        await self._request(messages.Reload(self._id(), policy_yaml), messages.Done)

    async def allow_endpoint(self, endpoint: Endpoint) -> None:
        """Let ``endpoint`` be reached too, until the sandbox ends. Raises `UsageError`."""
        await self._request(messages.AllowEndpoint(self._id(), endpoint.host, endpoint.port), messages.Done)

    async def launch(self, application: Application) -> None:
        """Start one more application. Raises `UsageError` if there is no such command."""
        await self._request(messages.Launch(self._id(), application), messages.Done)

    async def run_canaries(self, targets: Targets) -> tuple[Canary, ...]:
        """Have the supervisor, the executor and an application try to reach a prober's listeners."""
        return (await self._request(messages.RunCanaries(self._id(), targets), messages.CanariesRan)).canaries

    async def close(self) -> None:
        """End the sandbox and its supervisor, and give everything back. Safe to call twice."""
        if self._connection is not None:
            with contextlib.suppress(errors.EdgeAgentError, TimeoutError):  # whatever was its loss
                async with asyncio.timeout(_CLOSE_TIMEOUT_S):
                    await self._request(messages.Close(self._id()), messages.Done)
            await self._connection.close()
        await self._end_process()
        self._connection = None
        for memory in filter(None, (self._frame, self._view)):
            memory.close()
        self._frame = self._view = None
        if self.debug_socket is not None:
            self.debug_socket.close()
            self.debug_socket = self.witness = None

    # -- process and shared memory ------------------------------------------------------------------------------------------

    def _spawn(self) -> Connection:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = supervising.start(theirs)
        return Connection(ours, self._on_exited, lambda entry: self.on_audited(entry))

    async def _end_process(self) -> None:
        """The supervisor ends when its socket does. One that hangs is asked to (root's gives the home back then), then killed."""
        if self._process is None:
            return
        for hurry in (self._process.terminate, self._process.kill):
            try:
                await asyncio.to_thread(self._process.wait, _CLOSE_TIMEOUT_S)
                break
            except subprocess.TimeoutExpired:
                hurry()
        else:
            await asyncio.to_thread(self._process.wait)
        self._process = None

    def _take_fds(self, fds: list[int]) -> None:
        frame_fd, *debug = fds
        assert self.started is not None, "called with the reply to Start"
        self._frame = mmap.mmap(frame_fd, self.started.frame.size_bytes, prot=mmap.PROT_READ)
        os.close(frame_fd)
        if debug:
            self.debug_socket = socket.socket(fileno=debug[0])

    def _screen(self, info: FrameInfo) -> Screen:
        assert self._frame is not None, "there are no frames before the start"
        return Screen(info, self._frame[: info.size_bytes])

    # -- requests -----------------------------------------------------------------------------------------------------------

    def _id(self) -> int:
        return self._live().new_id()

    def _live(self) -> Connection:
        if self._connection is None:
            raise errors.DesktopLost("the desktop was not started, or was closed")
        return self._connection

    async def _request(self, request: messages.Request, expected: type[R]) -> R:
        return await self._live().request(request, expected)

    async def _cancellable(self, request: messages.Request, expected: type[R]) -> R:
        """As `_request`; if the caller is cancelled, the work in the sandbox is stopped first."""
        work = asyncio.ensure_future(self._request(request, expected))
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            with contextlib.suppress(errors.DesktopError):
                await self._request(messages.Cancel(self._id()), messages.Done)
                await work
            raise


def _ignore(_notice: messages.ApplicationExited | audit.Entry) -> None:
    pass


def open_desktop(spec: DesktopSpec) -> SandboxDesktop:
    """A sandbox for ``spec``, started on entering and ended on leaving its ``async with`` block."""
    return SandboxDesktop(spec)

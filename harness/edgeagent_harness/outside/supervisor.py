"""Serves one app over one socket: requests in order, `Cancel` and `ReleaseAll` at once, notices whenever they happen."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
import time
import traceback
from collections import deque
from collections.abc import Coroutine, Sequence
from typing import Protocol, runtime_checkable

import msgspec

from edgeagent_harness.errors import HarnessError, PeerMisbehaved, SandboxGone
from edgeagent_harness.outside.desktop import Desktop, OpenBox
from edgeagent_harness.outside.plan import NotStarted, Plan
from edgeagent_harness.outside.way_out import WayOut, refuse_changes
from edgeagent_harness.protocol import audit, messages
from edgeagent_harness.protocol.channel import Channel
from edgeagent_harness.protocol.wire import WireError

_GONE_GRACE_S = 1.0
"""How long to wait for the sandbox's end once a process inside has closed its socket: then the reason is known."""


_PAGE_PAINTED = messages.SettleSpec(expect="anywhere", quiet_ms=400, response_ms=1500, timeout_ms=8000)
"""A browser's window is there well before its page: an empty one is not yet the desktop that was asked for."""


@runtime_checkable
class StoppableBox(Protocol):
    """One that its user can stop at the desktop itself."""

    @property
    def by_user(self) -> bool: ...


class Supervisor:
    """From `Start` to `Close`, or to the app's end; nothing of the sandbox outlives `run`."""

    def __init__(self, app: socket.socket, plan: Plan, start: messages.Start, open_box: OpenBox) -> None:
        self._app: Channel[messages.Request] = Channel(app, msgspec.msgpack.Decoder(messages.Request))
        self._plan = plan
        self._desktop = Desktop(plan, self._application_exited, self._audited, open_box)
        self._entries: deque[audit.Entry] = deque()
        """For the audit, not sent yet."""
        self._telling: set[asyncio.Task[None]] = set()
        self._queue: asyncio.Queue[messages.Request] = asyncio.Queue()
        self._queue.put_nowait(start)
        self._applications: dict[int, tuple[str, ...]] = {}
        """Id of a start by init -> what was started, for the notice of its end."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._debug_sockets: tuple[socket.socket, ...] = ()
        self._closing = False
        self._peeked = False
        self._brakes: list[int] = []
        """Pipes that the app stops this desktop by."""

    async def run(self) -> None:
        """Serve until the app closes the socket or asks to close."""
        close: messages.Close | None = None
        self._in_background(self._work())
        try:
            close = await self._read()
        except WireError as error:
            print(f"supervisor: the app sent {error}", file=sys.stderr)
        finally:
            self._closing = True
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await self._desktop.close()
            await self._tell_entries()
            for brake in self._brakes:
                os.close(brake)
            if close:
                await self._send(messages.Done(close.id))
            self._app.close()

    async def _read(self) -> messages.Close | None:
        while (request := await self._app.receive()) is not None:
            match request:
                case messages.Close():
                    return request
                case messages.Cancel() | messages.ReleaseAll() | messages.Peek() | messages.Reload() | messages.AllowEndpoint():
                    self._in_background(self._answer(request))
                case _:
                    self._queue.put_nowait(request)
        return None

    async def _work(self) -> None:
        while True:
            await self._answer(await self._queue.get())

    # -- requests ---------------------------------------------------------------------------------------------------------

    async def _answer(self, request: messages.Request) -> None:
        """Serve ``request``; whatever goes wrong becomes its `Failed` reply."""
        fds: Sequence[int] = ()
        try:
            reply, fds = await self._serve(request)
        except (SandboxGone, PeerMisbehaved) as error:
            reason = await self._reason(error)
            code = "violation" if self._desktop.box.violated else "stopped" if self._by_user else error.code
            reply = messages.Failed(request.id, code, reason)
        except HarnessError as error:
            reply = messages.Failed(request.id, error.code, str(error)[:4000])
        except NotStarted as error:
            reply = messages.Failed(request.id, "usage", str(error)[:4000])
        except Exception as error:  # a bug must not leave the app waiting for ever
            traceback.print_exc()
            reply = messages.Failed(request.id, "internal", f"{type(error).__name__}: {error}"[:4000])
        await self._send(reply, fds)
        self._drop_debug_sockets()

    async def _serve(self, request: messages.Request) -> tuple[messages.Reply, Sequence[int]]:
        match request:
            case messages.Start(spec=spec):
                return await self._start(request.id, spec)
            case messages.Observe(settle=settle):
                shot, report = await self._desktop.observe(settle)
                return messages.Observed(request.id, self._desktop.publish(shot), shot.capture_ms, report), ()
            case messages.Peek():
                return await self._peek(request.id)
            case messages.Perform():
                return await self._perform(request), ()
            case messages.AskWindows(points=points):
                told = await self._desktop.windows(points)
                return messages.WindowsTold(request.id, told.focused, told.at), ()
            case messages.Arrange(windows=windows):
                arranged = await self._desktop.arrange(windows)
                return messages.Arranged(request.id, arranged.windows, arranged.besides), ()
            case messages.Launch(application=application):
                await self._launch(application)
            case messages.RunCanaries(targets=targets):
                return messages.CanariesRan(request.id, await self._desktop.run_canaries(targets)), ()
            case messages.Reload(policy_yaml=text):
                await self._way_out().reload(text)
            case messages.AllowEndpoint(host=host, port=port):
                await self._way_out().allow(host, port)
            case messages.TakeBrake():
                self._watch_brakes()
            case messages.Cancel():
                await self._desktop.cancel()
            case messages.ReleaseAll():
                await self._desktop.release_all()
            case _:
                return messages.Failed(request.id, "protocol", f"{type(request).__name__} is not expected now"), ()
        return messages.Done(request.id), ()

    async def _start(self, request_id: int, spec: messages.DesktopSpec) -> tuple[messages.Reply, Sequence[int]]:
        began_s = time.monotonic()
        ready = await self._desktop.start()
        self._in_background(self._watch())
        for application in spec.applications:
            await self._launch(application)
        debug = await self._open_page(spec) if spec.url else ()
        shot, _ = await self._desktop.observe(_PAGE_PAINTED if spec.url else None)
        frame = self._desktop.publish(shot)
        layers = self._desktop.box.layers
        present = (*layers.present, *(f"landlock:{right}" for right in ready.landlock_rights))
        start_ms = (time.monotonic() - began_s) * 1000
        started = messages.Started(request_id, frame, present, layers.missing, start_ms)
        return started, (self._desktop.frames.outer.fd, *debug)

    async def _open_page(self, spec: messages.DesktopSpec) -> tuple[int, ...]:
        """Open the spec's page; returns the app's end of the debugging pipe if it asked for one."""
        ends = socket.socketpair() if spec.browser_debug_pipe else ()
        self._debug_sockets = ends
        theirs = ends[1] if ends else None
        request_id, _ = await self._desktop.box.browse(spec.url, spec.kiosk, debug=theirs, scale=spec.browser_scale)
        self._applications[request_id] = ("chromium", spec.url)
        return (ends[0].fileno(),) if ends else ()

    def _way_out(self) -> WayOut:
        way_out = self._desktop.box.way_out
        if way_out is None:
            raise refuse_changes()
        return way_out

    async def _launch(self, application: messages.Application) -> None:
        request_id, _ = await self._desktop.box.spawn(application.argv, application.wait_window)
        self._applications[request_id] = application.argv

    async def _perform(self, request: messages.Perform) -> messages.Performed:
        outcome = await self._desktop.perform(request.action, request.settle, request.guard, request.focus_window)
        frame = self._desktop.publish(outcome.shot)
        return messages.Performed(
            request.id, outcome.effect, frame, outcome.settle, outcome.act_ms, outcome.shot.capture_ms
        )  # fmt: skip

    async def _peek(self, request_id: int) -> tuple[messages.Peeked, Sequence[int]]:
        peeked = await self._desktop.peek()
        fds = () if self._peeked else (peeked.memory.fd,)
        self._peeked = True
        return messages.Peeked(request_id, peeked.info, peeked.changed), fds

    # -- the brake --------------------------------------------------------------------------------------------------------

    def _watch_brakes(self) -> None:
        loop = asyncio.get_running_loop()
        for brake in self._app.take_fds():
            self._brakes.append(brake)
            loop.add_reader(brake, self._brake_pulled, brake)

    def _brake_pulled(self, brake: int) -> None:
        asyncio.get_running_loop().remove_reader(brake)
        self._in_background(self._halt())

    async def _halt(self) -> None:
        with contextlib.suppress(SandboxGone, PeerMisbehaved):  # whoever waits for an action there is told
            await self._desktop.halt()

    # -- notices ----------------------------------------------------------------------------------------------------------

    async def _watch(self) -> None:
        reason = await asyncio.shield(self._desktop.box.gone)
        await self._tell_entries()
        if not self._closing:
            await self._send(messages.DesktopLost(reason[:2000], self._desktop.box.violated, self._by_user))

    @property
    def _by_user(self) -> bool:
        return isinstance(self._desktop.box, StoppableBox) and self._desktop.box.by_user

    def _audited(self, entry: audit.Entry) -> None:
        """Send ``entry`` to the app: in order, and before anything that follows from it."""
        self._entries.append(entry)
        task = asyncio.create_task(self._send_entries())
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def _send_entries(self) -> None:
        while self._entries:
            await self._send(messages.Audited(self._entries.popleft()))

    async def _tell_entries(self) -> None:
        """Wait until all entries so far are sent."""
        await asyncio.gather(*self._telling)

    def _application_exited(self, request_id: int, code: int) -> None:
        argv = self._applications.pop(request_id, None)
        if argv is not None:
            self._in_background(self._send(messages.ApplicationExited(argv, code)))

    async def _reason(self, error: Exception) -> str:
        """Why the sandbox is gone; a closed socket is often noticed before the process's end is."""
        box = self._desktop.box
        if isinstance(error, PeerMisbehaved):
            box.end(str(error))
        await asyncio.wait([box.gone], timeout=_GONE_GRACE_S)
        return (box.gone.result() if box.gone.done() else str(error))[:4000]

    async def _send(self, message: messages.Reply, fds: Sequence[int] = ()) -> None:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            await self._app.send(message, fds)

    def _drop_debug_sockets(self) -> None:
        """Both ends belong to others once the reply is out; a copy kept here would hide the browser's end from the app."""
        for end in self._debug_sockets:
            end.close()
        self._debug_sockets = ()

    def _in_background(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

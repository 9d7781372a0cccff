"""One desktop as the supervisor serves it: a sandbox, its executor, its frames, and what an action did."""

from __future__ import annotations

import asyncio
import shlex
import socket
import time
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from edgeagent_harness.errors import EnvironmentLacks, UsageProblem
from edgeagent_harness.isolation import canary
from edgeagent_harness.outside.executor import Executor
from edgeagent_harness.outside.parts import Part, for_executor, split
from edgeagent_harness.outside.plan import NotStarted, Plan
from edgeagent_harness.outside.seeing.effect import judge
from edgeagent_harness.outside.seeing.frames import FrameMemory, Peeked, Pixels, View, as_bytes
from edgeagent_harness.outside.seeing.settle import Settler, targets_of
from edgeagent_harness.outside.way_out import WayOut
from edgeagent_harness.protocol import actions as act
from edgeagent_harness.protocol import executor_wire, messages
from edgeagent_harness.protocol.audit import Entry
from edgeagent_harness.protocol.effects import Effect, SettleReport
from edgeagent_harness.protocol.frames import FrameInfo
from edgeagent_harness.protocol.geometry import Point, Rect
from edgeagent_harness.protocol.init_wire import Ready, Spawned
from edgeagent_harness.protocol.windows import PlacedWindow

if TYPE_CHECKING:
    from edgeagent_harness.outside.containment import layers

_FRESH_NS = 100_000_000
"""A screen taken so lately for an action's sake is good enough to look at."""


class Box(Protocol):
    """What a desktop lives in: a sandbox, or the user's own session."""

    layers: layers.Decision
    violated: bool
    way_out: WayOut | None
    gone: asyncio.Future[str]

    async def start(self, plan: Plan, executor_fds: Sequence[int] = ()) -> Ready: ...

    async def spawn(
        self, argv: messages.Argv, wait_window: bool, stdio: Sequence[int] = (), terminal: bool = False
    ) -> tuple[int, Spawned]: ...

    async def browse(
        self, url: str, kiosk: bool = False, scale: float = 1.0, debug: socket.socket | None = None
    ) -> tuple[int, Spawned]: ...

    def end(self, reason: str, violation: bool = False) -> None: ...

    async def kill(self) -> None: ...


@runtime_checkable
class SparingBox(Box, Protocol):
    """One that lets a process of its own be tried without being judged for it: a sandbox."""

    def sparing(self, pid_inside: int) -> AbstractContextManager[None]: ...


OpenBox = Callable[[Callable[[int, int], None], Callable[[Entry], None]], Box]
"""(told the end of an application, told entries for the audit) -> a box that is not started yet."""

_FRAMES_KEPT = 4
"""Published frames that a guard may refer to."""


@dataclass(frozen=True, slots=True)
class Shot:
    """One captured screen: ``pixels`` is a private ``(height, width, 4) uint8`` BGRX copy."""

    pixels: Pixels
    time_ns: int
    capture_ms: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """An action that is over, with the screen after it."""

    effect: Effect
    shot: Shot
    settle: SettleReport | None
    act_ms: float


class Desktop:
    """Started by `start`; `close` ends everything inside."""

    def __init__(
        self, plan: Plan, on_exited: Callable[[int, int], None], on_audited: Callable[[Entry], None], open_box: OpenBox
    ) -> None:
        self._plan = plan
        self._screen = Rect(0, 0, plan.width, plan.height)
        self._settler = Settler(plan.width, plan.height)
        self.box = open_box(on_exited, on_audited)
        self.frames = FrameMemory(plan.width, plan.height)
        ours, self._executor_end = socket.socketpair()
        self._executor = Executor(ours)
        self._last: Shot | None = None
        self._view: View | None = None
        self._published: dict[int, Pixels] = {}
        self._cancelled = asyncio.Event()
        self._halted = False

    async def start(self) -> Ready:
        """Bring up the sandbox and its executor; returns what init reported."""
        with self._executor_end as theirs:
            ready = await self.box.start(self._plan, (theirs.fileno(), self.frames.inner.fd))
        await self._executor.greet(self._plan.width, self._plan.height)
        await self._executor.arrange(())  # once it has answered, it knows what was there before the first application
        return ready

    async def grab(self) -> Shot:
        """The screen as it is now."""
        grabbed = await self._executor.grab()
        pixels = self.frames.snapshot() if grabbed.changed or self._last is None else self._last.pixels
        self._last = Shot(pixels, grabbed.time_ns, grabbed.capture_ms)
        return self._last

    async def peek(self) -> Peeked:
        """Put the screen as it is, give or take a moment, where the app's user sees it."""
        shot = self._last
        if shot is None or time.monotonic_ns() - shot.time_ns > _FRESH_NS:
            shot = await self.grab()
        if self._view is None:
            self._view = View(self._plan.width, self._plan.height)
        return self._view.put(shot.pixels, shot.time_ns)

    def publish(self, shot: Shot) -> FrameInfo:
        """Show ``shot`` to the app as the next frame; its pixels are kept while a guard may refer to them."""
        info = self.frames.publish(shot.pixels, shot.time_ns)
        self._published[info.seq] = shot.pixels
        self._published.pop(info.seq - _FRAMES_KEPT, None)
        return info

    async def observe(self, spec: messages.SettleSpec | None) -> tuple[Shot, SettleReport | None]:
        """The screen now, or once it has settled."""
        self._cancelled.clear()
        if spec is None:
            return await self.grab(), None
        settled = await self._settler.settle(self.grab, spec, stop=self._cancelled)
        return settled.shot, settled.report

    async def perform(
        self, action: act.Action, spec: messages.SettleSpec, guard: messages.Guard | None, focus: int = 0
    ) -> Outcome:
        """Do ``action`` if ``guard`` still holds, wait for the screen, and judge from pixels what it did."""
        if self._halted:
            return Outcome(_refused(_not_done("cancelled", "the user stopped this run")), await self.grab(), None, 0.0)
        self._cancelled.clear()
        before = await self.grab()
        began_s = time.monotonic()
        did = await self._do_all(action, guard, focus)
        act_ms = (time.monotonic() - began_s) * 1000
        if did.reason and not did.performed:
            return Outcome(_refused(did), await self.grab(), None, act_ms)
        targets = targets_of(action, guard.region if guard else None, self._screen)
        settled = await self._settler.settle(self.grab, spec, before, targets, self._cancelled)
        effect = _refused(did) if did.reason else judge(action, before.pixels, settled, spec.expect, did.output)
        return Outcome(effect, settled.shot, settled.report, act_ms)

    async def run_canaries(self, targets: canary.Targets) -> tuple[canary.Canary, ...]:
        """Have the supervisor, the executor and an application inside try to get out."""
        from edgeagent_harness.outside.containment import canaries  # here: a sandbox alone has them

        if not isinstance(self.box, SparingBox):
            raise UsageProblem("there is no sandbox here whose way out could be tried")
        return await canaries.run(self.box, self._executor, self._plan.runtime, targets)

    async def windows(self, points: tuple[Point, ...]) -> executor_wire.WindowsTold:
        """Which window has the keyboard, and which ones lie under ``points``."""
        return await self._executor.windows(points)

    async def arrange(self, windows: tuple[PlacedWindow, ...]) -> executor_wire.Arranged:
        """Put ``windows`` where they say; what there is on the screen, and besides."""
        return await self._executor.arrange(windows)

    async def launch(self, application: messages.Application) -> None:
        """Start one more application. Raises `NotStarted`."""
        await self.box.spawn(application.argv, application.wait_window)

    async def cancel(self) -> None:
        """Stop the action or wait under way, and release what it holds."""
        self._cancelled.set()
        await self._executor.cancel()

    async def halt(self) -> None:
        """Take the hands off for good: as `cancel`, and no further action is performed."""
        self._halted = True
        self._cancelled.set()
        await self._executor.release_all()

    async def release_all(self) -> None:
        """Release every key and button that is down."""
        await self._executor.release_all()

    async def close(self) -> None:
        await self.box.kill()
        await self._executor.close()
        self.frames.close()
        if self._view is not None:
            self._view.close()

    # -- acting -----------------------------------------------------------------------------------------------------------

    async def _do_all(self, action: act.Action, guard: messages.Guard | None, focus: int) -> executor_wire.Did:
        """Every part of ``action`` in order, until one is refused. The guard belongs to the first."""
        performed, outputs = False, list[str]()
        for part in split(action):
            did = await self._do(part, guard, focus)
            guard = None
            performed = performed or did.performed
            outputs.append(did.output)
            if did.reason:
                return executor_wire.Did(did.id, did.reason, did.message, "", performed, did.act_ms)
        return executor_wire.Did(0, "", "", "\n".join(filter(None, outputs)), performed, 0.0)

    async def _do(self, part: Part, guard: messages.Guard | None, focus: int) -> executor_wire.Did:
        if self._cancelled.is_set():
            return _not_done("cancelled", "stopped on request before it began")
        seen = None
        if guard is not None:
            pixels = self._published.get(guard.seen_seq)
            if pixels is None:
                return _not_done("stale", f"frame {guard.seen_seq} is too old to compare with; observe anew")
            box = guard.region
            region = pixels[max(0, box.top) : box.bottom, max(0, box.left) : box.right]
            seen = executor_wire.SeenRegion(box, executor_wire.pixel_digest(as_bytes(region)))
        match part:
            case act.OpenApp(name=name):
                return await self._open_app(name)
            case act.OpenUrl(url=url):
                return await self._open(self.box.browse(url))
            case act.WaitUntil():
                await self._wait_until(part)
                return _done()
            case _ if for_executor(part):
                return await self._executor.do(part, seen, focus)
            case _:
                return _done()

    async def _wait_until(self, action: act.WaitUntil) -> None:
        """Wait for any change, or for rest, of which the settling after every action is the end."""
        expect: messages.Expectation = "anywhere" if action.predicate == "changed" else "nothing"
        spec = messages.SettleSpec(expect, response_ms=action.timeout_ms, timeout_ms=action.timeout_ms)
        before = await self.grab() if action.predicate == "changed" else None
        await self._settler.settle(self.grab, spec, before, stop=self._cancelled)

    async def _open_app(self, name: str) -> executor_wire.Did:
        try:
            argv = tuple(shlex.split(name)) or (name,)
        except ValueError as error:
            return _not_done("no_such_app", f"{name!r} is no command: {error}")
        return await self._open(self.box.spawn(argv, wait_window=True))

    async def _open(self, opening: Coroutine[None, None, object]) -> executor_wire.Did:
        """Wait until ``opening`` is done or the action is cancelled; what was started then goes on by itself."""
        opened = asyncio.ensure_future(opening)
        stop = asyncio.ensure_future(self._cancelled.wait())
        try:
            await asyncio.wait([opened, stop], return_when=asyncio.FIRST_COMPLETED)
            if not opened.done():
                return _not_done("cancelled", "stopped on request while it was starting", performed=True)
            opened.result()
            return _done()
        except (NotStarted, EnvironmentLacks) as error:
            return _not_done("no_such_app", str(error))
        finally:
            for task in (opened, stop):
                task.cancel()
            await asyncio.gather(opened, stop, return_exceptions=True)


def _done() -> executor_wire.Did:
    return executor_wire.Did(0, "", "", "", performed=True, act_ms=0.0)


def _not_done(reason: executor_wire.RefusalReason, message: str, performed: bool = False) -> executor_wire.Did:
    return executor_wire.Did(0, reason, message[:2000], "", performed, act_ms=0.0)


def _refused(did: executor_wire.Did) -> Effect:
    return Effect("refused", did.reason, did.message, output=did.output, performed=did.performed)

"""Waiting until the screen has come to rest after an action: never a fixed sleep, never for ever, never too early.

The screen is captured at up to 60 Hz and compared with the capture before. Three times bound the wait, all in `SettleSpec`:

- ``quiet_ms``: nothing has really changed for so long, and what was expected has happened: settled. So many captures as
  60 Hz gives in that time must have shown it: on a busy machine, where captures are slow and so is drawing, it takes longer.
- ``response_ms``: so long a first response is waited for. With ``expect="anywhere"`` a response is a real change outside
  the *local* regions: where the action was aimed, and where the one before was aimed. There the pressed look, the focus
  ring, the caret and hovering show, at the new place and at the one that is left; none of that is a response. With
  ``local`` any real change will do, and at most 350 ms are waited for one. With ``nothing`` none is waited for.
- ``timeout_ms``: the end in any case.

What moves by itself (`motion.py`) neither is a response nor disturbs the quiet; the verdict then is ``periodic``. A spinner
that the action itself brought up has to be learnt first (1 s), and until ``response_ms`` is over it does not end the wait.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import numpy as np

from edgeagent_harness.outside.seeing.motion import Motion
from edgeagent_harness.outside.seeing.tiles import TILE_PX, Mask, Pixels, changed_pixels, clear, tiles_of
from edgeagent_harness.protocol import actions as act
from edgeagent_harness.protocol.effects import SettleReport, SettleVerdict
from edgeagent_harness.protocol.geometry import Rect
from edgeagent_harness.protocol.messages import SettleSpec

POLL_S = 1 / 60
LOCAL_RESPONSE_S = 0.35
_FEEDBACK_MARGIN_PX = 16
"""How far a focus ring, a shadow or a ripple reaches beyond the target."""
_POINT_REACH_PX = (40, 24)
"""Half the width and height of what a bare point is taken to aim at."""


class Clock(Protocol):
    """Time, injected."""

    def monotonic_s(self) -> float: ...

    async def sleep(self, seconds: float) -> None: ...


class SystemClock:
    """The real one."""

    def monotonic_s(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class HasPixels(Protocol):
    """A captured frame. Its array must not be written to afterwards; the same array again says that nothing changed."""

    @property
    def pixels(self) -> Pixels: ...


S = TypeVar("S", bound=HasPixels)


@dataclass(frozen=True, slots=True)
class Settled(Generic[S]):
    """The frame that the screen came to rest at."""

    shot: S
    report: SettleReport
    local: tuple[Rect, ...]
    """Where a change counted as mere feedback; for `effect.judge`."""
    own_motion: tuple[Rect, ...]
    """What moves by itself; for `effect.judge`."""


class Settler:
    """One per desktop: remembers what moves by itself and where the last action was aimed."""

    def __init__(self, width: int, height: int, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._screen = Rect(0, 0, width, height)
        self._motion = Motion(-(-height // TILE_PX), -(-width // TILE_PX))
        self._targets: tuple[Rect, ...] = ()

    async def settle(
        self,
        capture: Callable[[], Awaitable[S]],
        spec: SettleSpec,
        before: S | None = None,
        targets: tuple[Rect, ...] = (),
        stop: asyncio.Event | None = None,
    ) -> Settled[S]:
        """Wait for rest. ``before`` is the frame from just before the action (None: no action, mere observation); ``targets`` is
        where it was aimed (see `targets_of`). Setting ``stop`` ends the wait at the next capture with verdict ``cancelled``."""
        local = tuple(rect.grow(_FEEDBACK_MARGIN_PX, self._screen) for rect in (*targets, *self._targets))
        if targets:
            self._targets = targets
        wait = _Wait(self._motion, spec, local, self._clock.monotonic_s(), acted=before is not None)
        latest = before
        while True:
            now_s = self._clock.monotonic_s()
            shot = await capture()
            if latest is not None and shot.pixels is not latest.pixels:
                wait.look(latest.pixels, shot.pixels, now_s)
            latest = shot
            verdict = "cancelled" if stop and stop.is_set() else wait.verdict(now_s)
            if verdict:
                return Settled(shot, wait.report(verdict, self._clock.monotonic_s()), local, self._motion.own_regions())
            await self._clock.sleep(max(0.0, wait.next_look_s(now_s) - self._clock.monotonic_s()))


class _Wait:
    """The state of one wait."""

    def __init__(self, motion: Motion, spec: SettleSpec, local: tuple[Rect, ...], now_s: float, *, acted: bool) -> None:
        self._motion = motion
        self._spec = spec
        self._local = local
        self._began_s = now_s
        self._captures = 0
        self._quiet_captures = 0
        self._ignored_some = False
        self._responded: Mask = np.zeros(motion.changed_at.shape, np.bool_)
        """``(rows, columns)``: tiles with a real change that counts as a response."""
        motion.begin(now_s, acted=acted)

    def look(self, before: Pixels, after: Pixels, now_s: float) -> None:
        """Take in a new frame."""
        mask = changed_pixels(before, after)
        if not mask.any():
            return
        real = self._motion.observe(after, mask, now_s)
        if real.any():
            self._quiet_captures = -1
        changed = tiles_of(mask)
        # A tile that has just been found to move by itself was no response either.
        self._responded &= ~(changed & ~real)
        self._ignored_some |= bool((changed & ~real).any())
        counted = tiles_of(clear(mask, self._local)) if self._spec.expect == "anywhere" else changed
        self._responded |= real & counted

    def _quiet_captures_left(self) -> int:
        """How many captures without a real change are still wanted."""
        return int(self._spec.quiet_ms / 1000 / POLL_S) - self._quiet_captures

    def _quiet_since_s(self) -> float:
        return max(self._began_s, float(self._motion.changed_at.max()))

    def _response_due_s(self) -> float:
        """When waiting for a first response ends."""
        if self._spec.expect == "nothing" or self._responded.any():
            return self._began_s
        patience_s = self._spec.response_ms / 1000
        return self._began_s + (min(patience_s, LOCAL_RESPONSE_S) if self._spec.expect == "local" else patience_s)

    def _rest_due_s(self) -> float:
        """When the screen counts as settled if nothing more happens."""
        return max(self._quiet_since_s() + self._spec.quiet_ms / 1000, self._response_due_s())

    def verdict(self, now_s: float) -> SettleVerdict | None:
        """How the wait ended, or None: not yet."""
        self._captures += 1
        self._quiet_captures += 1
        if now_s >= self._rest_due_s() and self._quiet_captures_left() <= 0:
            return "periodic" if self._ignored_some else "still"
        return "timeout" if now_s >= self._began_s + self._spec.timeout_ms / 1000 else None

    def next_look_s(self, now_s: float) -> float:
        """When to capture again: at the next tick, or when rest or the end is due before it."""
        due_s = (self._rest_due_s(), self._began_s + self._spec.timeout_ms / 1000)
        return min([now_s + POLL_S, *(at_s for at_s in due_s if at_s > now_s)])

    def report(self, verdict: SettleVerdict, now_s: float) -> SettleReport:
        changed_at = self._motion.changed_at
        return SettleReport(
            verdict=verdict,
            waited_ms=(now_s - self._began_s) * 1000,
            quiet_ms=(now_s - self._quiet_since_s()) * 1000,
            captures=self._captures,
            changed_once=bool(np.isfinite(changed_at).any()),
        )


def targets_of(action: act.Action, guarded: Rect | None, screen: Rect) -> tuple[Rect, ...]:
    """Where ``action`` is aimed: the guarded region (it is what the model aimed at), else a box around each of its points."""
    points = [point for single in _singles(action) for point in _points(single)]
    boxes = [_around(*point.pixel()).intersect(screen) for point in points]
    return tuple([guarded, *boxes[1:]] if guarded and boxes else boxes)


def _singles(action: act.Action) -> tuple[act.SingleAction, ...]:
    return action.actions if isinstance(action, act.Batch) else (action,)


def _points(action: act.SingleAction) -> tuple[act.Point, ...]:
    match action:
        case act.Move(point=point) | act.Click(point=point) | act.LongPress(point=point):
            return (point,)
        case act.Drag(path=path):
            return path
        case _:
            return ()


def _around(x: int, y: int) -> Rect:
    reach_x, reach_y = _POINT_REACH_PX
    return Rect(x - reach_x, y - reach_y, x + reach_x, y + reach_y)

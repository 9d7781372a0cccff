"""Where windows were when a run ended, and putting them back on the desktop that the session goes on with.

What a desktop says of its windows is written by the programs in it, and what a log says by whoever sent it: bounded by their
type, shown as data, and never more than a wish to a window manager inside of a sandbox.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol, runtime_checkable

import msgspec

from edgeagent import events
from edgeagent.errors import EdgeAgentError
from edgeagent.ports import Desktop
from edgeagent.words import one_line, quote
from edgeagent_harness.protocol.messages import Arranged, SettleSpec
from edgeagent_harness.protocol.windows import PlacedWindow

TRIES = 4
"""A window manager, or the program itself, may take a window elsewhere at first."""
_TELL_TIMEOUT_S = 3.0
_Key = Callable[[PlacedWindow], object]
_ALIKE: tuple[_Key, ...] = (
    lambda window: (window.window_class, window.title),
    lambda window: (window.window_class, window.title.lstrip("*")),
    lambda window: window.window_class,
)
"""By what a window is known again, the surest first: a title changes with what is in the window."""


@runtime_checkable
class ArrangingDesktop(Desktop, Protocol):
    """A desktop that tells of its windows, and moves them."""

    async def arrange(self, windows: tuple[PlacedWindow, ...] = ()) -> Arranged: ...


async def noted(desktop: object, size_px: tuple[int, int], titles: bool = True) -> events.WindowsLeft | None:
    """What is open on ``desktop``; None: it does not say. Without ``titles`` where those could hold what is painted over."""
    if not isinstance(desktop, ArrangingDesktop):
        return None
    with contextlib.suppress(EdgeAgentError, TimeoutError):  # the run has ended, whatever becomes of its desktop now
        async with asyncio.timeout(_TELL_TIMEOUT_S):
            told = await desktop.arrange()
        windows = (msgspec.structs.replace(window, id=0, title=window.title if titles else "") for window in told.windows)
        return events.WindowsLeft(*size_px, tuple(windows), told.besides)
    return None


def left_by(facts: Iterable[events.EventData]) -> events.WindowsLeft | None:
    """What the last run of ``facts`` left open; None: it is not known, or not what the session stands at now."""
    left: events.WindowsLeft | None = None
    for fact in facts:
        if isinstance(fact, events.WindowsLeft):
            left = fact
        elif isinstance(fact, events.RunStarted | events.Forked | events.Rewound):
            left = None
    return left


async def put_back(desktop: ArrangingDesktop, left: events.WindowsLeft, size_px: tuple[int, int]) -> str:
    """Have the windows of ``left`` where they were, as far as they are there and the screen of ``size_px`` has room.

    Says what became of them, in words; empty: there were none. Raises `DesktopLost`.
    """
    if not left.windows:
        return ""
    goals = [fitted(window, (left.width, left.height), size_px) for window in left.windows]
    pairs: list[tuple[PlacedWindow, PlacedWindow]] = []
    for _ in range(TRIES):
        listed = (await desktop.arrange()).windows
        pairs = known_again(goals, listed)
        if all(_is_at(goal, there) for goal, there in pairs) and _in_order([there for _, there in pairs], listed):
            break
        await desktop.arrange(tuple(msgspec.structs.replace(goal, id=there.id) for goal, there in pairs))
        await desktop.observe(SettleSpec(expect="nothing"))
    else:
        pairs = known_again(goals, (await desktop.arrange()).windows)
    return _words(left, goals, pairs, size_px)


def fitted(window: PlacedWindow, there_px: tuple[int, int], here_px: tuple[int, int]) -> PlacedWindow:
    """``window`` of a screen of ``there_px``, on one of ``here_px``: as it was where that is seen on a screen of the same size,
    else made smaller and moved so far that all of it is."""
    width, height = here_px
    seen = -window.width < window.x < width and -window.height < window.y < height
    if seen and there_px == here_px:
        return window
    wide, high = min(window.width, width), min(window.height, height)
    x, y = max(0, min(window.x, width - wide)), max(0, min(window.y, height - high))
    return msgspec.structs.replace(window, x=x, y=y, width=wide, height=high)


def known_again(
    goals: Sequence[PlacedWindow], there: Sequence[PlacedWindow]
) -> list[tuple[PlacedWindow, PlacedWindow]]:  # fmt: skip
    """Each of ``goals`` that is among ``there``, with it, in the order of ``goals``; none is taken twice."""
    found: dict[int, PlacedWindow] = {}
    free = list(there)
    for key in _ALIKE:
        for index, goal in enumerate(goals):
            match = next((one for one in free if key(one) == key(goal)), None) if index not in found else None
            if match is not None:
                found[index] = match
                free.remove(match)
    return [(goals[index], found[index]) for index in sorted(found)]


def _in_order(wanted: Sequence[PlacedWindow], listed: Sequence[PlacedWindow]) -> bool:
    """Whether those ``wanted`` lie above one another as they stand there, whatever else lies between them."""
    places = [listed.index(window) for window in wanted]
    return places == sorted(places)


def _is_at(goal: PlacedWindow, there: PlacedWindow) -> bool:
    if (goal.state, goal.focused) != (there.state, there.focused):
        return False
    return goal.state != "normal" or _place(goal) == _place(there)


def _place(window: PlacedWindow) -> tuple[int, int, int, int]:
    return window.x, window.y, window.width, window.height


def _words(
    left: events.WindowsLeft,
    goals: Sequence[PlacedWindow],
    pairs: Sequence[tuple[PlacedWindow, PlacedWindow]],
    size_px: tuple[int, int],
) -> str:
    at = [goal for goal, there in pairs if _is_at(goal, there)]
    elsewhere = [goal for goal, there in pairs if not _is_at(goal, there)]
    missing = [goal for goal in goals if not any(goal is one for one, _ in pairs)]
    made_fit = sum(goal != window for goal, window in zip(goals, left.windows, strict=True) if any(goal is one for one in at))
    told = [f"{len(at)} of {len(goals)} windows are where they were"]
    if made_fit:
        told.append(f"{made_fit} of them moved or made smaller to fit {size_px[0]}x{size_px[1]}")
    if elsewhere:
        told.append(f"elsewhere: {named(elsewhere)}")
    if missing:
        told.append(f"not open: {named(missing)}")
    return "; ".join(told)


def named(windows: Iterable[PlacedWindow]) -> str:
    """``Mousepad 'a.txt - Mousepad', Chromium``."""
    return ", ".join(_name(window) for window in windows)


def _name(window: PlacedWindow) -> str:
    kind = one_line(window.window_class) or "a window"
    return f"{kind} {quote(window.title)}" if window.title else kind


def described(window: PlacedWindow) -> str:
    """``Mousepad 'a.txt': 400x300 at 50,40, with the keyboard``."""
    where = window.state if window.state != "normal" else f"{window.width}x{window.height} at {window.x},{window.y}"
    return f"{_name(window)}: {where}{', with the keyboard' if window.focused else ''}"

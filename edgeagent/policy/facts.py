"""What is known of one single action when it is judged. Pure."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from os.path import basename
from urllib.parse import urlsplit

from edgeagent_harness.policy.gate_types import WEEKDAYS, Weekday
from edgeagent_harness.policy.names import BadHost, canonical
from edgeagent_harness.protocol import actions as act
from edgeagent_harness.protocol.actions import Action, SingleAction, action_kind
from edgeagent_harness.protocol.geometry import Point
from edgeagent_harness.protocol.windows import WindowFacts

PASSIVE = (
    act.Screenshot, act.Zoom, act.Wait, act.WaitUntil, act.CursorPosition, act.AskUser, act.Memorize, act.Answer, act.Finish,
)  # fmt: skip
"""Actions that do nothing to the desktop."""
PASSIVE_KINDS = frozenset(str(kind.__struct_config__.tag) for kind in PASSIVE)
_TYPED_RUN_CHARS = 400
"""How much of what was typed before is looked at together with what is typed now."""
_MANNERS = ("button", "count", "modifiers", "submit")
_CHORD_KEYS = ("ctrl", "control", "alt", "super", "meta", "win", "cmd")
"""A key held with one of these writes no character."""


@dataclass(frozen=True, slots=True)
class Where:
    """What the sandbox states about its windows and the browser about its pages at one moment."""

    focused: WindowFacts | None = None
    under: tuple[WindowFacts | None, ...] = ()
    """The windows under the action's points, in order."""
    pages: frozenset[str] = frozenset()
    """Hosts of every page and frame that the browser has open, as it states them; empty: not known."""
    browser_pid: int = 0
    """In the sandbox's pid namespace; 0: not known."""
    unanswered: bool = False
    """Whether the browser was asked and did not say: a page can keep it from answering."""


@dataclass(frozen=True, slots=True)
class Facts:
    """One action, without its batch. What is empty is not known, or does not apply."""

    kind: str
    acts: bool
    """Whether it does anything to the desktop."""
    processes: frozenset[str] = frozenset()
    """Names of the processes that it goes to, lower case."""
    applications: frozenset[str] = frozenset()
    """Those and the window classes."""
    titles: frozenset[str] = frozenset()
    hosts: frozenset[str] = frozenset()
    """Of pages that it may go to."""
    sure_hosts: frozenset[str] = frozenset()
    """The same, but empty unless it goes to nothing but pages."""
    any_host: bool = False
    """Whether it may go to a page, and nobody says to which."""
    points: tuple[tuple[int, int], ...] = ()
    text: str = ""
    """What it types, presses, opens or copies."""
    run: str = ""
    """``text`` with what was typed right before it."""
    manner: tuple[str, ...] = ()
    """Button, count, modifiers, and whether Enter is pressed behind a text."""
    secret: str = ""
    """Name of the secret that it types."""
    minute: int = 0
    """Of the local day."""
    weekday: Weekday = "mon"


def facts_of(action: Action, where: Where, typed_before: str, now_s: float) -> Iterator[Facts]:
    """The facts of ``action``, or of each part of a batch in order. ``now_s`` is Unix time, read as local time of day."""
    local = time.localtime(now_s)
    minute, weekday = local.tm_hour * 60 + local.tm_min, WEEKDAYS[local.tm_wday]
    under = list(where.under)
    windows: list[WindowFacts | None] = [where.focused]
    for part in parts_of(action):
        points = tuple(point.pixel() for point in points_of(part))
        if points:  # What is typed after a click goes where the click went.
            windows, under = under[: len(points)], under[len(points) :]
        text = text_of(part)
        processes, applications = _names(part, windows)
        hosts, sure_hosts = _hosts(part, windows, where)
        yield Facts(
            kind=action_kind(part),
            acts=not isinstance(part, PASSIVE),
            processes=processes,
            applications=applications,
            titles=_titles(part, windows),
            hosts=hosts,
            sure_hosts=sure_hosts,
            any_host=where.unanswered and not isinstance(part, act.OpenApp | act.OpenUrl) and any(map(_may_be_browser, windows)),
            points=points,
            text=text,
            run=(typed_before + text)[-_TYPED_RUN_CHARS:],
            manner=manner_of(part),
            secret=(part.secret_ref or "") if isinstance(part, act.Type) else "",
            minute=minute,
            weekday=weekday,
        )
        typed_before = typed_after(typed_before, part)


def parts_of(action: Action) -> tuple[SingleAction, ...]:
    """The single actions of ``action``."""
    return action.actions if isinstance(action, act.Batch) else (action,)


def points_of(action: SingleAction) -> tuple[Point, ...]:
    """Every place that ``action`` touches."""
    match action:
        case act.Click(point=point) | act.Move(point=point) | act.Scroll(point=point) | act.LongPress(point=point):
            return (point,)
        case act.Drag(path=path):
            return path
        case _:
            return ()


def text_of(action: SingleAction) -> str:
    """What ``action`` types, presses (``ctrl+alt+t``), opens or copies."""
    match action:
        case act.Type(text=text) | act.ClipboardWrite(text=text):
            return text
        case act.Key(keys=keys) | act.HoldKey(keys=keys):
            return "+".join(keys)
        case act.KeyDown(key=key) | act.KeyUp(key=key):
            return key
        case act.OpenApp(name=text) | act.OpenUrl(url=text):
            return text
        case _:
            return ""


def manner_of(action: SingleAction) -> tuple[str, ...]:
    """How ``action`` is done, apart from where and with which text."""
    return tuple(f"{name} {getattr(action, name)}" for name in _MANNERS if name in action.__struct_fields__)


def typed_after(before: str, action: SingleAction) -> str:
    """The running text after ``action``: what is typed piece by piece, by keys too, is one text."""
    match action:
        case act.Type(text=text, secret_ref=None):
            return (before + text)[-_TYPED_RUN_CHARS:]
        case act.Key(keys=(key,), repeat=repeat) if len(key) == 1:
            return (before + key * repeat)[-_TYPED_RUN_CHARS:]
        case act.Wait() | act.WaitUntil() | act.Screenshot() | act.Zoom() | act.Move() | act.CursorPosition() | act.Memorize():
            return before
        case _:
            return ""


def characters_of(action: SingleAction) -> int:
    """How many characters ``action`` can enter: typed, pressed as keys, put on the clipboard to be pasted.

    A secret counts as one: its length is nobody's business.
    """
    match action:
        case act.Type(text=text, secret_ref=None) | act.ClipboardWrite(text=text):
            return len(text)
        case act.Type():
            return 1
        case act.Key(keys=keys, repeat=repeat):
            return 0 if any(key.casefold().startswith(_CHORD_KEYS) for key in keys) else repeat
        case act.HoldKey() | act.KeyDown():
            return 1
        case _:
            return 0


def host_of(url: str) -> str:
    """The host of ``url`` in its one spelling; empty where there is none or it is not clear."""
    try:
        return canonical(urlsplit(url).hostname or "").name
    except (BadHost, ValueError):
        return ""


def _titles(action: SingleAction, windows: list[WindowFacts | None]) -> frozenset[str]:
    if isinstance(action, act.OpenApp | act.OpenUrl):
        return frozenset()  # They go to a window that is not there yet.
    return frozenset(window.title for window in windows if window and window.title)


def _names(action: SingleAction, windows: list[WindowFacts | None]) -> tuple[frozenset[str], frozenset[str]]:
    """Names of the processes, and those with the classes. One window that is not known makes the processes unknown."""
    if isinstance(action, act.OpenApp):
        name = frozenset({basename(action.name.split(maxsplit=1)[0]).casefold()} if action.name.strip() else ())
        return name, name
    known = [window for window in windows if window]
    processes = frozenset(window.process.casefold() for window in known if window.process)
    classes = frozenset(window.window_class.casefold() for window in known if window.window_class)
    sure = len(known) == len(windows) and all(window.process for window in known)
    return processes if sure else frozenset(), processes | classes


def _may_be_browser(window: WindowFacts | None) -> bool:
    return window is None or not window.process or "chrom" in f"{window.process} {window.window_class}".casefold()


def _hosts(
    action: SingleAction, windows: list[WindowFacts | None], where: Where
) -> tuple[frozenset[str], frozenset[str]]:  # fmt: skip
    if isinstance(action, act.OpenUrl):
        opened = frozenset(filter(None, (host_of(action.url),)))
        return opened, opened
    browsers = [window for window in windows if window and where.browser_pid and window.pid == where.browser_pid]
    if not browsers:
        return frozenset(), frozenset()
    return where.pages, where.pages if len(browsers) == len(windows) else frozenset()

"""One session with the desktop's portals: asked for, permitted by the user in the desktop's own dialog, used, and ended."""

from __future__ import annotations

import contextlib
import os
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jeepney import DBusAddress

from edgeagent_harness.errors import EnvironmentLacks
from edgeagent_harness.host.portal.bus import Bus, BusError, Signal, owner_of
from edgeagent_harness.host.portal.probe import (
    CURSOR_HIDDEN,
    CURSOR_IN_PICTURE,
    KEYBOARD,
    MEND,
    MONITOR,
    OBJECT,
    PERSISTING_VERSION,
    POINTER,
    PORTAL,
    REMOTE_DESKTOP,
    SCREEN_CAST,
    Offer,
)
from edgeagent_harness.host.portal.token import keep, take

_ANSWER_TIMEOUT_S = 10.0
USER_TIMEOUT_S = 120.0
"""How long the desktop's dialog may stand unanswered."""
_LOOK_S = 0.2
_UNTIL_REVOKED = 2
_SESSION_INTERFACE = "org.freedesktop.portal.Session"


class Refusal(EnvironmentLacks):
    """The user, or the desktop, said no."""


@dataclass(frozen=True, slots=True)
class Stream:
    """A monitor that the user has let us see."""

    node: int
    """Its number on the PipeWire connection, and for input."""
    logical: tuple[int, int] | None
    """Its size in the desktop's own units; None: not told, so it is the picture's."""
    shows_pointer: bool
    """Whether the pointer is in its pictures."""


class Opening:
    """Asks for a session, step by step. Each step's answer comes as a signal of an object of its own."""

    def __init__(self, bus: Bus, offer: Offer, given_up: Callable[[], bool]) -> None:
        """``given_up``: whether nobody waits for the answer any more."""
        self._bus = bus
        self._given_up = given_up
        self._offer = offer
        self.owner = owner_of(bus, PORTAL)
        """The portal's unique name."""
        self._answers: dict[str, tuple[int, dict[str, Any]]] = {}
        self._requests = f"{OBJECT}/request/{bus.name.removeprefix(':').replace('.', '_')}"
        bus.on_signal = self._on_signal
        bus.listen(PORTAL, self._requests, "org.freedesktop.portal.Request")
        bus.listen(PORTAL, f"{OBJECT}/session", _SESSION_INTERFACE)

    def open(self, token_file: Path) -> tuple[str, Stream]:
        """The session's object and its stream. Waits for the user. Raises `EnvironmentLacks`, `Refusal`."""
        try:
            return self._open(token_file)
        except BusError as error:
            raise EnvironmentLacks(f"the desktop's portal: {error}. {MEND}") from error

    def _open(self, token_file: Path) -> tuple[str, Stream]:
        created = self._ask(REMOTE_DESKTOP, "CreateSession", "", (), {"session_handle_token": ("s", _fresh())})
        session = str(created["session_handle"][1])
        devices: dict[str, tuple[str, Any]] = {"types": ("u", KEYBOARD | POINTER)}
        if self._offer.remote_desktop >= PERSISTING_VERSION:
            devices["persist_mode"] = ("u", _UNTIL_REVOKED)
            if token := take(token_file):
                devices["restore_token"] = ("s", token)
        self._ask(REMOTE_DESKTOP, "SelectDevices", "o", (session,), devices)
        cursor = CURSOR_IN_PICTURE if self._offer.cursors & CURSOR_IN_PICTURE else CURSOR_HIDDEN
        sources = {"types": ("u", MONITOR), "multiple": ("b", False), "cursor_mode": ("u", cursor)}
        self._ask(SCREEN_CAST, "SelectSources", "o", (session,), sources)
        started = self._ask(REMOTE_DESKTOP, "Start", "os", (session, ""), {}, USER_TIMEOUT_S)
        if "restore_token" in started:
            keep(token_file, str(started["restore_token"][1]))
        granted = int(started.get("devices", ("u", 0))[1])
        streams = started.get("streams", ("", []))[1]
        if granted & (KEYBOARD | POINTER) != KEYBOARD | POINTER or not streams:
            raise Refusal(
                "the desktop's dialog was answered, but without a monitor, the keyboard or the pointer: choose a monitor, and "
                f"allow interaction as well. {MEND}"
            )
        node, facts = streams[0]
        return session, Stream(int(node), tuple(facts["size"][1]) if "size" in facts else None, cursor == CURSOR_IN_PICTURE)

    def _ask(
        self, portal: DBusAddress, method: str, signature: str, body: tuple[Any, ...], options: dict[str, tuple[str, Any]],
        timeout_s: float = _ANSWER_TIMEOUT_S,
    ) -> dict[str, Any]:  # fmt: skip
        token = _fresh()
        told = self._bus.call(portal, method, f"{signature}a{{sv}}", (*body, {**options, "handle_token": ("s", token)}))
        request = str(told[0])  # portals before 0.9 make up a name of their own
        end = time.monotonic() + timeout_s
        while request not in self._answers:
            if self._given_up():
                raise Refusal("given up before the desktop's dialog was answered")
            if time.monotonic() > end:
                raise Refusal(f"{method}: nobody answered the desktop's dialog within {timeout_s:g} s. {MEND}")
            with contextlib.suppress(TimeoutError):
                self._bus.wait_for(lambda: request in self._answers, _LOOK_S)
        code, results = self._answers.pop(request)
        if code == 1:
            raise Refusal(f"the desktop's dialog was answered with no. {MEND}")
        if code:
            raise Refusal(f"the desktop's portal refused {method} (response {code}). {MEND}")
        return results

    def _on_signal(self, signal: Signal) -> None:
        """Anybody on the bus can send us a signal; only the portal's count."""
        if signal.sender == self.owner and signal.member == "Response" and signal.path.startswith(self._requests):
            code, results = signal.body
            self._answers[signal.path] = (int(code), dict(results))


class PortalSession:
    """A session that was permitted. What is held is known here alone: a portal tells of no key or button."""

    def __init__(self, bus: Bus, path: str, owner: str, on_closed: Callable[[], None]) -> None:
        """``owner``: the portal's unique name. ``on_closed`` is called on another thread."""
        self._bus = bus
        self._session = path
        self._owner = owner
        self._on_closed = on_closed
        bus.on_signal = self._on_signal
        bus.on_lost = on_closed
        bus.read_on()

    def move(self, node: int, x: float, y: float) -> None:
        """Put the pointer to a place of the stream ``node``, in its logical units. Raises `BusError`, as do all of these."""
        self._notify("PointerMotionAbsolute", "udd", (node, x, y))

    def shift(self, right: float, down: float) -> None:
        """Move the pointer on from where it is, in the desktop's logical units."""
        self._notify("PointerMotion", "dd", (right, down))

    def button(self, code: int, down: bool) -> None:
        """``code`` as in Linux's ``input-event-codes.h``."""
        self._notify("PointerButton", "iu", (code, int(down)))

    def turn(self, axis: int, notches: int) -> None:
        """``axis`` 0: down, 1: right."""
        self._notify("PointerAxisDiscrete", "ui", (axis, notches))

    def key(self, keysym: int, down: bool) -> None:
        self._notify("KeyboardKeysym", "iu", (keysym, int(down)))

    def close(self) -> None:
        """End the session; the desktop's indicator goes out."""
        try:
            self._bus.call(DBusAddress(self._session, PORTAL, _SESSION_INTERFACE), "Close")
        except BusError:  # it has ended already
            pass
        finally:
            self._bus.close()

    def _notify(self, what: str, signature: str, body: tuple[Any, ...]) -> None:
        self._bus.call(REMOTE_DESKTOP, f"Notify{what}", f"oa{{sv}}{signature}", (self._session, {}, *body))

    def _on_signal(self, signal: Signal) -> None:
        if (signal.sender, signal.path, signal.member) == (self._owner, self._session, "Closed"):
            self._on_closed()


def hang_up(bus: Bus, session: str) -> None:
    """End a session whose connection nobody else uses any more; the desktop releases what it holds."""
    with contextlib.suppress(BusError):
        bus.post(DBusAddress(session, PORTAL, _SESSION_INTERFACE), "Close")
    bus.close()


def open_pipewire(bus: Bus, session: str) -> int:
    """A connection to PipeWire that shows the session's stream and nothing else: a file descriptor. Raises `BusError`."""
    (file,) = bus.call(SCREEN_CAST, "OpenPipeWireRemote", "oa{sv}", (session, {}))
    return int(file.to_raw_fd())


def _fresh() -> str:
    """A name for one request's object, which others on the bus cannot foresee."""
    return f"edgeagent{os.getpid()}_{secrets.token_hex(8)}"

"""What the desktop's portals offer, asked on the session bus. Nothing is opened and nobody is asked for anything."""

from __future__ import annotations

from dataclasses import dataclass

from jeepney import DBusAddress

from edgeagent_harness.errors import EnvironmentLacks
from edgeagent_harness.host.portal.bus import Bus, BusError, owner_of, property_of, session_address

PORTAL = "org.freedesktop.portal.Desktop"
OBJECT = "/org/freedesktop/portal/desktop"
SCREEN_CAST = DBusAddress(OBJECT, PORTAL, "org.freedesktop.portal.ScreenCast")
REMOTE_DESKTOP = DBusAddress(OBJECT, PORTAL, "org.freedesktop.portal.RemoteDesktop")
MONITOR = 1
"""A source type of ScreenCast."""
KEYBOARD, POINTER = 1, 2
"""Device types of RemoteDesktop."""
CURSOR_HIDDEN, CURSOR_IN_PICTURE = 1, 2
PERSISTING_VERSION = 2
"""From this version on RemoteDesktop can keep a permission."""

_NEEDED_BY = "this is a Wayland session, where host mode goes through the desktop's portals"
BACKENDS = (
    "GNOME: xdg-desktop-portal-gnome; KDE Plasma: xdg-desktop-portal-kde; wlroots and Hyprland have no RemoteDesktop portal in "
    "what Debian ships"
)
MEND = "Or leave --host away: the task is done on a sandboxed desktop, which needs none of this; or log in to an X11 session"


@dataclass(frozen=True, slots=True)
class Offer:
    """Versions and kinds, as the portals state them."""

    screen_cast: int
    remote_desktop: int
    sources: int
    cursors: int
    devices: int


def probe(bus: Bus) -> Offer:
    """What is offered. Raises `EnvironmentLacks` if that is not enough, with what is missing and which package has it."""
    try:
        owner_of(bus, PORTAL)
    except BusError as error:
        raise EnvironmentLacks(
            f"{_NEEDED_BY}, and nothing answers as {PORTAL} on the session bus ({error}). Install xdg-desktop-portal and your "
            f"desktop's part of it ({BACKENDS}), and log in anew. {MEND}"
        ) from error
    screen_cast, remote = _version(bus, SCREEN_CAST), _version(bus, REMOTE_DESKTOP)
    missing = [name for name, version in (("ScreenCast", screen_cast), ("RemoteDesktop", remote)) if not version]
    if missing:
        raise EnvironmentLacks(
            f"{_NEEDED_BY}, and this desktop's offer no {' and no '.join(missing)}. Install your desktop's part of "
            f"xdg-desktop-portal ({BACKENDS}), and log in anew. {MEND}"
        )
    sources, cursors = _mask(bus, SCREEN_CAST, "AvailableSourceTypes"), _mask(bus, SCREEN_CAST, "AvailableCursorModes")
    offer = Offer(screen_cast, remote, sources, cursors, _mask(bus, REMOTE_DESKTOP, "AvailableDeviceTypes"))
    _check(offer)
    return offer


def open_bus() -> Bus:
    """A connection to the user's session bus. Raises `EnvironmentLacks`."""
    address = session_address()
    if not address:
        raise EnvironmentLacks(
            f"{_NEEDED_BY}, and there is no session bus: neither DBUS_SESSION_BUS_ADDRESS is set nor is there a socket at "
            f"$XDG_RUNTIME_DIR/bus. Start this in a terminal of the desktop itself (Debian: dbus-user-session). {MEND}"
        )
    try:
        return Bus.connect(address)
    except BusError as error:
        raise EnvironmentLacks(f"{_NEEDED_BY}, and {error}. Start this in a terminal of the desktop itself. {MEND}") from error


def _check(offer: Offer) -> None:
    lacking = [
        what
        for there, what in (
            (offer.sources & MONITOR, "whole monitors as a source"),
            (offer.devices & KEYBOARD, "a keyboard"),
            (offer.devices & POINTER, "a pointer"),
        )
        if not there
    ]
    if lacking:
        raise EnvironmentLacks(f"{_NEEDED_BY}, and this desktop's lack {', '.join(lacking)} ({BACKENDS}). {MEND}")


def _version(bus: Bus, portal: DBusAddress) -> int:
    """0: there is no such portal."""
    try:
        return int(property_of(bus, portal, "version"))
    except BusError:
        return 0


def _mask(bus: Bus, portal: DBusAddress, name: str) -> int:
    try:
        return int(property_of(bus, portal, name))
    except BusError:  # older than the property
        return 0

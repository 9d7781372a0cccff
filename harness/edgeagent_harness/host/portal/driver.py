"""The driver for Wayland: the desktop's portals show one monitor and take input for it, once its user has said yes."""

from __future__ import annotations

import os
from collections.abc import Callable

from edgeagent_harness.errors import EnvironmentLacks, UsageProblem
from edgeagent_harness.host.drivers import SANDBOX, Choice
from edgeagent_harness.host.portal.bus import BusError
from edgeagent_harness.host.portal.handover import Handover
from edgeagent_harness.host.portal.probe import MEND, open_bus, probe
from edgeagent_harness.host.portal.session import Opening, open_pipewire
from edgeagent_harness.host.portal.stream import check_tools, start
from edgeagent_harness.host.portal.token import token_path
from edgeagent_harness.protocol.geometry import Rect
from edgeagent_harness.protocol.messages import HostSpec

EXECUTOR, GUARDIAN = "portal.executor", "portal.guardian"


def check() -> None:
    """Raise `EnvironmentLacks` unless the portals and GStreamer are there. Nobody is asked anything."""
    bus = open_bus()
    try:
        probe(bus)
    finally:
        bus.close()
    check_tools()


def choose(spec: HostSpec, given_up: Callable[[], bool]) -> Choice:
    """Ask the user, in the desktop's own dialog, for a monitor. Raises `UsageProblem`, `EnvironmentLacks`."""
    _check_keepable(spec)
    bus = open_bus()
    try:
        opening = Opening(bus, probe(bus), given_up)
        session, stream = opening.open(token_path())
        running = start(open_pipewire(bus, session), stream.node)
    except BusError as error:
        bus.close()
        raise EnvironmentLacks(f"the desktop's portal: {error}. {MEND}") from error
    except Exception:
        bus.close()  # which ends a session that was permitted already
        raise
    whole = Rect(0, 0, *running.size_px)
    region = spec.region or whole
    if not region.area or region.intersect(whole) != region:
        bus.close()
        raise UsageProblem(f"the region {region} is empty or lies outside of the monitor that was chosen, which is {whole}")
    stopped, stops = os.pipe()
    bus_fd, serial = bus.hand_over()
    handover = Handover(
        bus_fd, bus.name, serial, session, opening.owner, stream.node, stream.logical or running.size_px, stream.shows_pointer,
        running.pictures, running.log, running.size_px, stopped, stops,
    )  # fmt: skip
    return Choice(region, 0, ("--portal", handover.encoded()), (bus_fd, running.pictures, running.log, stopped, stops))


def _check_keepable(spec: HostSpec) -> None:
    """Refuse what could not be kept: a portal tells of no window, of no monitor's name, and of nobody's keys."""
    if spec.window:
        raise UsageProblem(
            "--window cannot be kept on Wayland: the portal shows a monitor, and tells nobody which windows there are or where, "
            f"so that the others could not be masked. {SANDBOX}, or log in to an X11 session"
        )
    if spec.monitor:
        raise UsageProblem("--monitor is not for Wayland: the desktop's own dialog asks you which monitor. Leave it away")
    if spec.stop_key not in ("", HostSpec().stop_key):
        raise UsageProblem(
            "--stop-key is not for Wayland: no program hears keys there that are meant for others. Leave it away; the desktop's "
            "indicator of a shared screen, Ctrl-C and the terminal app's stop end a run"
        )

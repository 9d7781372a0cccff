"""Which part of the desktop is asked for: a monitor, a region, or all of it. The same for every driver. Pure."""

from __future__ import annotations

from edgeagent_harness.errors import UsageProblem
from edgeagent_harness.host.layout import Layout
from edgeagent_harness.protocol.geometry import Rect
from edgeagent_harness.protocol.messages import HostSpec


def part_of(spec: HostSpec, layout: Layout, desktop: Rect) -> Rect:
    """What ``spec`` asks for, in physical pixels; with a window: all of ``desktop``. Raises `UsageProblem`."""
    if sum((bool(spec.monitor), bool(spec.window), spec.region is not None)) > 1:
        raise UsageProblem("name one of a monitor, a window and a region")
    if spec.region is not None:
        if not spec.region.area or spec.region.intersect(desktop) != spec.region:
            raise UsageProblem(f"the region {spec.region} is empty or lies outside of the desktop, which is {desktop}")
        return spec.region
    if not spec.monitor:
        return desktop
    monitor = layout.named(spec.monitor)
    if monitor is None:
        names = ", ".join(f"{number} ({one.name})" for number, one in enumerate(layout.ordered, start=1))
        raise UsageProblem(f"there is no monitor {spec.monitor!r}; there are {names}")
    shown = monitor.box.intersect(desktop)
    if not shown.area:
        raise UsageProblem(f"the monitor {spec.monitor!r} at {monitor.box} shows nothing of the desktop, which is {desktop}")
    return shown

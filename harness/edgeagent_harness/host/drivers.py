"""Which driver sees and moves the user's desktop. Each is a module; only the chosen one, with its libraries, is imported.

A driver looks the desktop up in the supervisor's process (`Driver`). Two programs of its own then work on it: the executor, which
speaks `executor_wire`, and the guardian, which stops it when the user says so. What runs in those is the driver's affair: on X11
it is the sandbox's own executor; one that has nothing but functions for capture and input implements `seat.port.Seat`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from edgeagent_harness.errors import EnvironmentLacks
from edgeagent_harness.host.wayland import is_wayland
from edgeagent_harness.protocol.geometry import Rect
from edgeagent_harness.protocol.messages import HostSpec

SANDBOX = "Mend: leave --host away, and the task is done on a sandboxed desktop"
"""What anybody can do whose desktop cannot be driven."""
DRIVER_ENV = "EDGEAGENT_TEST_HOST_DRIVER"
"""For tests: ``portable`` drives X11 by what macOS and Windows are driven by."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What was asked for, found."""

    region: Rect
    """What is captured, in physical pixels of the desktop."""
    window: int = 0
    """Id of the one window; 0: no window was asked for."""
    arguments: tuple[str, ...] = ()
    """For the driver's two programs, beside those that all have."""
    fds: tuple[int, ...] = ()
    """Open files that ``arguments`` name, inherited by both programs; whoever starts them closes them here."""


class Driver(Protocol):
    """A module that knows one kind of desktop."""

    @property
    def EXECUTOR(self) -> str:
        """The program that captures and acts: a module of this package, started with what `HostBox` gives it."""
        ...

    @property
    def GUARDIAN(self) -> str:
        """The program that stops it."""
        ...

    def check(self) -> None:
        """Raise `EnvironmentLacks`, with what to do, unless there is such a desktop and all is allowed that a session needs."""
        ...

    def choose(self, spec: HostSpec, given_up: Callable[[], bool]) -> Choice:
        """What ``spec`` asks for on a desktop that `check` let pass. One that asks the user stops asking when ``given_up`` says
        that nobody waits any more. Raises `UsageProblem`, `EnvironmentLacks`."""
        ...


def find() -> Driver:
    """The driver for the desktop that this process runs on. Raises `EnvironmentLacks` where there is none."""
    if sys.platform in ("darwin", "win32") or os.environ.get(DRIVER_ENV) == "portable":
        from edgeagent_harness.host.seat import driver as seat

        return seat
    if is_wayland():
        from edgeagent_harness.host.portal import driver as portal

        return portal
    if not os.environ.get("DISPLAY"):
        raise EnvironmentLacks(f"there is no desktop here: DISPLAY is not set. {SANDBOX}")
    from edgeagent_harness.host.x11 import driver as x11

    return x11


def choose(driver: Driver, spec: HostSpec, given_up: Callable[[], bool]) -> Choice:
    """What ``spec`` asks for on ``driver``'s desktop. Raises `UsageProblem`, `EnvironmentLacks`."""
    driver.check()
    return driver.choose(spec, given_up)

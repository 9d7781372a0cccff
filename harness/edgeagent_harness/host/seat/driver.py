"""The driver for macOS and Windows: capture by mss, input by pyautogui, and the rest by the system's own functions.

It is untried on both; on X11, where tests choose it by `drivers.DRIVER_ENV`, it is tried like the driver for X11.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec

from edgeagent_harness.errors import EnvironmentLacks, UsageProblem
from edgeagent_harness.host.drivers import Choice
from edgeagent_harness.host.parts import part_of
from edgeagent_harness.host.seat.system import System, this_system
from edgeagent_harness.protocol.messages import HostSpec

EXECUTOR, GUARDIAN = "seat.executor", "seat.guardian"
_LIBRARIES = ("mss", "pyautogui", "pyperclip")


def check() -> None:
    """Raise `EnvironmentLacks` for a library or a right that is missing, with what to do."""
    system = this_system()
    system.prepare()
    _check_libraries(system)
    system.check()


def choose(spec: HostSpec, given_up: Callable[[], bool]) -> Choice:
    """What ``spec`` asks for. Raises `UsageProblem`, and `EnvironmentLacks` if the stop key could not be seen."""
    del given_up
    system = this_system()
    if spec.stop_key:
        system.check_keys()
    if spec.window:
        reason = f"--window is not to be had on {system.name}: what lies over a window cannot be told from it there"
        raise UsageProblem(f"{reason}. Name a monitor or a region")
    layout = system.monitors()
    return Choice(part_of(spec, layout, layout.box))


def _check_libraries(system: System) -> None:
    """Raise `EnvironmentLacks` for what is not installed. Nothing is imported: they connect to the desktop when they are."""
    missing = [name for name in (*_LIBRARIES, *system.libraries) if find_spec(name) is None]
    if missing:
        reason = f"host mode on {system.name} needs packages that are not installed: {', '.join(missing)}"
        raise EnvironmentLacks(f"{reason}. Mend: pip install 'edgeagent[host]'")

"""What capture and input by mss and pyautogui leave to the operating system: monitors, rights, what is down, and text."""

from __future__ import annotations

import os
import sys
from typing import Protocol

from edgeagent_harness.errors import EnvironmentLacks
from edgeagent_harness.host.layout import Layout
from edgeagent_harness.protocol.actions import MouseButton


class System(Protocol):
    """One operating system. Places are logical units, as pyautogui takes them; keys are the numbers of pyautogui's own tables."""

    @property
    def name(self) -> str:
        """As it is called in errors."""
        ...

    @property
    def libraries(self) -> tuple[str, ...]:
        """Import names of what is needed here alone."""
        ...

    @property
    def notch(self) -> int:
        """What pyautogui's ``scroll`` is given for one notch of the wheel."""
        ...

    @property
    def turns_sideways(self) -> bool:
        """Whether pyautogui's ``hscroll`` does what it says."""
        ...

    def prepare(self) -> None:
        """What this process must do before it captures anything or asks about monitors."""
        ...

    def check(self) -> None:
        """Raise `EnvironmentLacks`, with what to do, unless the user allows that the screen is seen and driven."""
        ...

    def check_keys(self) -> None:
        """The same for seeing which keys are down, which the stop key needs."""
        ...

    def monitors(self) -> Layout:
        """The monitors as they are now."""
        ...

    def obstacle(self) -> str:
        """Why what is sent now would not arrive, in words; empty: it would."""
        ...

    def keys_down(self) -> set[int]: ...

    def buttons_down(self) -> tuple[MouseButton, ...]: ...

    def click_again(self, button: MouseButton, down: bool, count: int, place: tuple[int, int]) -> bool:
        """Press or release for the ``count``-th time at ``place``; False: a plain press is understood as such."""
        ...

    def can_type(self, char: str) -> bool: ...

    def type_char(self, char: str) -> None:
        """Make ``char``, whatever the keyboard's layout."""
        ...


def this_system() -> System:
    """The one that this process runs on; its module alone is imported. Raises `EnvironmentLacks` where it is too old."""
    try:
        return _opened()
    except (AttributeError, OSError) as error:
        needs = "Mend: macOS 10.15 or later, Windows 10 1703 or later"
        raise EnvironmentLacks(f"the system lacks what host mode calls: {error}. {needs}") from error


def _opened() -> System:
    if sys.platform == "darwin":
        from edgeagent_harness.host.seat.macos import MacOS

        return MacOS()
    if sys.platform == "win32":
        from edgeagent_harness.host.seat.windows import Windows

        return Windows()
    from edgeagent_harness.host.seat.x11 import X11

    return X11(os.environ.get("DISPLAY", ""))

"""Whether the user's desktop is a Wayland session. Of its own, as the app asks too."""

from __future__ import annotations

import os


def is_wayland() -> bool:
    """As the environment has it; X programs may still be shown in one."""
    by_name = os.environ.get("XDG_SESSION_TYPE") == "wayland"
    return by_name or bool(os.environ.get("WAYLAND_DISPLAY") and not os.environ.get("DISPLAY"))

"""Offline mode of this process: no network and no socket but unix ones, from before a screen is seen until it ends.

`enter` is called once, by the command line, while there is a single thread. There is no way back.
"""

from __future__ import annotations

from edgeagent.offline.entering import enter, enter_namespace, is_offline, layers, missing, supervisor_starter
from edgeagent.offline.restarting import require_network, restart_offline

__all__ = [
    "enter",
    "enter_namespace",
    "is_offline",
    "layers",
    "missing",
    "require_network",
    "restart_offline",
    "supervisor_starter",
]

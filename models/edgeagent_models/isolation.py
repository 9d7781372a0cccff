"""What an engine process gives up before it loads anything: the network, sockets, new privileges, and outliving its parent.

Call `isolate` while the process has a single thread: the kernel refuses a new user namespace to a process with more.
"""

from __future__ import annotations

import ctypes
import signal
import sys

from edgeagent_harness.isolation import bpf, giving_up
from edgeagent_models.protocol import NETWORK_NAMESPACE, NO_NEW_PRIVILEGES, SOCKET_FILTER

_PR_SET_PDEATHSIG = 1


def isolate(sockets: bool = False) -> list[str]:
    """Give up everything; returns what this machine did not let us give up, each as ``layer: reason``.

    Either of the first two layers keeps the process off the network; the filter also keeps it from local sockets such as the
    user's D-Bus. ``sockets`` leaves it those, for a program that cannot do without.
    """
    refused = {
        NETWORK_NAMESPACE: giving_up.leave_network(),
        NO_NEW_PRIVILEGES: giving_up.forbid_privileges(),
        SOCKET_FILTER: "it needs sockets of its own" if sockets else giving_up.forbid_calls(bpf.NO_SOCKETS),
    }
    # Last, because a change of credentials clears the signal. The socket's end of file covers a parent that is gone already.
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    return [f"{layer}: {reason}" for layer, reason in refused.items() if reason]

"""A supervisor with something wrong, for `proof_rig.py`: PLANT SOCKET -m edgeagent_harness.outside serve --fd N."""

from __future__ import annotations

import socket
import sys
from collections.abc import Sequence
from typing import Any

from edgeagent_harness.outside import __main__, offline
from edgeagent_harness.outside.containment import sandbox


def leak_into_sandbox(path: str) -> None:
    """Take a socket of the network outside from who listens at ``path``, and let bwrap inherit it."""
    with socket.socket(socket.AF_UNIX) as giver:
        giver.connect(path)
        _, fds, _, _ = socket.recv_fds(giver, 1, 1)
    real = sandbox.start

    def start(argv: Sequence[str], control: socket.socket, given: sandbox.Descriptors, *more: Any) -> object:
        given.passed.append(fds[0])
        return real(argv, control, given, *more)

    sandbox.start = start


if __name__ == "__main__":
    if sys.argv[1] == "sandbox_socket":
        leak_into_sandbox(sys.argv[2])
    else:
        offline.enforce = lambda rules, name: rules
    sys.exit(__main__.main(sys.argv[5:]))

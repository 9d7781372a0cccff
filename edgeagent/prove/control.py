"""The positive controls, as a program: the same attempts from where they must succeed, and from an empty network of our own.

``python -m edgeagent.prove.control KIND TARGETS`` prints the attempts as JSON. The empty network's also show that they do work
within it, against a listener there.
"""

from __future__ import annotations

import ctypes
import fcntl
import socket
import struct
import subprocess
import sys

import msgspec

from edgeagent_harness.isolation import canary, giving_up
from edgeagent_harness.isolation.canary import Canary, Targets

OPEN = "control"
EMPTY = "control in an empty network"
REACHED = "inside: "
"""Precedes what a canary reached within the empty network itself."""
TIMEOUT_S = 30.0
_SIOCSIFFLAGS, _IFF_UP = 0x8914, 1
_PR_SET_PDEATHSIG = 1
_SIGKILL = 9


def run(kind: str, targets: Targets) -> tuple[Canary, str]:
    """Run the control ``kind`` in a process of its own; what it tells, or why there is nothing to tell."""
    command = [sys.executable, "-P", "-m", "edgeagent.prove.control", kind, msgspec.json.encode(targets).decode()]
    try:
        done = subprocess.run(command, capture_output=True, timeout=TIMEOUT_S, check=False)
        return msgspec.json.decode(done.stdout, type=Canary), ""
    except (subprocess.TimeoutExpired, msgspec.MsgspecError) as error:
        return Canary(kind, 0, ()), str(error)


def main() -> int:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, _SIGKILL, 0, 0, 0)
    kind, targets = sys.argv[1], msgspec.json.decode(sys.argv[2], type=Targets)
    found = canary.run(kind, targets) if kind == OPEN else _from_empty_network(targets)
    sys.stdout.write(msgspec.json.encode(found).decode())
    return 0


def _from_empty_network(targets: Targets) -> Canary:
    if refused := giving_up.leave_network():
        return Canary(EMPTY, 0, (canary.Attempt("empty network", False, refused),))
    outward = canary.run(EMPTY, targets)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        fcntl.ioctl(sock.fileno(), _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", _IFF_UP))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = int(listener.getsockname()[1])
        inward = canary.run(EMPTY, Targets(port, 0, port, "nobody listens here"))
    tcp = next(attempt for attempt in inward.attempts if attempt.name == "tcp4")
    return Canary(EMPTY, outward.pid, (*outward.attempts, canary.Attempt(f"{REACHED}tcp4", tcp.made, tcp.outcome)))


if __name__ == "__main__":
    sys.exit(main())

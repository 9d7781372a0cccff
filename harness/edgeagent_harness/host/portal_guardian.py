"""The guardian on a Wayland desktop: hears that the user has ended the session at the desktop, and says so to the supervisor.

The hands are off by then: a portal's session that has ended takes no input, and the desktop has released what was down. No
program sees the pointer or keys of others there, so that neither a corner nor a stop key can be watched for.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import select
import signal
import socket
import sys

from edgeagent_harness.host import portal_handover
from edgeagent_harness.host.portal_handover import Handover


def watch(control: socket.socket, handover: Handover) -> None:
    """Until the supervisor lets go of the control socket."""
    for theirs in (handover.bus_fd, handover.pictures_fd, handover.log_fd, handover.stops_fd):
        os.close(theirs)  # with the last copy of the first the session ends
    control.sendall(b"ready\n")
    executor_pid = int(control.recv(32) or 0)
    watched: list[socket.socket | int] = [control, handover.stopped_fd]
    while True:
        ready, _, _ = select.select(watched, [], [])
        if control in ready and not control.recv(64):
            return
        if handover.stopped_fd in ready:
            watched.remove(handover.stopped_fd)
            if line := os.read(handover.stopped_fd, 200):  # else the executor has ended
                with contextlib.suppress(ProcessLookupError):
                    os.kill(executor_pid, signal.SIGKILL)
                with contextlib.suppress(OSError):
                    control.sendall(line)


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the process's exit code."""
    parser = argparse.ArgumentParser(prog="edgeagent_harness.host.portal_guardian", description=__doc__)
    parser.add_argument("--control-fd", type=int, required=True)
    parser.add_argument("--portal", type=portal_handover.decode, required=True, help="the session that was permitted")
    options, _ = parser.parse_known_args(argv)
    with socket.socket(fileno=options.control_fd) as control:
        watch(control, options.portal)
    return 0


if __name__ == "__main__":
    sys.exit(main())

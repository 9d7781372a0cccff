"""The guardian on a Wayland desktop: hears that the user has ended the session there, and ends it when nobody else does.

When the user ends it, by the desktop's indicator, the hands are off by then: the session takes no input any more, and the desktop
has released what was down. No program sees pointer or keys of others there: neither a corner nor a stop key can be watched for.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import sys

from edgeagent_harness.host.command_lines import for_guardian
from edgeagent_harness.host.portal.bus import Bus
from edgeagent_harness.host.portal.handover import Handover, decode
from edgeagent_harness.host.portal.session import hang_up

_LATER = 1 << 24
"""A serial that the executor, which used the connection before, has not come to."""


def watch(control: socket.socket, handover: Handover) -> None:
    """Until the executor has ended, or the supervisor lets go of the control socket; then there is no session any more."""
    for theirs in (handover.pictures_fd, handover.log_fd, handover.stops_fd):
        os.close(theirs)
    control.sendall(b"ready\n")
    executor_pid = int(control.recv(32) or 0)
    while True:
        ready, _, _ = select.select([control, handover.stopped_fd], [], [])
        if control in ready and not control.recv(64):
            break
        if handover.stopped_fd in ready:
            line = os.read(handover.stopped_fd, 200)
            if not line:  # it has ended
                break
            with contextlib.suppress(ProcessLookupError):
                os.kill(executor_pid, signal.SIGKILL)
            with contextlib.suppress(OSError):
                control.sendall(line)
    hang_up(Bus(socket.socket(fileno=handover.bus_fd), handover.bus_name, _LATER), handover.session)


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the process's exit code."""
    parser = for_guardian("portal.guardian", __doc__)
    parser.add_argument("--portal", type=decode, required=True, help="the session that was permitted")
    options = parser.parse_args(argv)
    with socket.socket(fileno=options.control_fd) as control:
        watch(control, options.portal)
    return 0


if __name__ == "__main__":
    sys.exit(main())

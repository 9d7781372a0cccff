"""A Ray cluster of several machines, played by processes of this one: ``python -m support.ray_machines COUNT COMMAND…``.

Each is what ``ray start`` makes of a machine, at an address of its own: 127.0.0.1, 127.0.0.2, … The command is run with the
cluster's address. The head runs no workers, so that what is lost is never the cluster itself.
"""

from __future__ import annotations

import ctypes
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time

PORT = 6390
START_S = 60.0
ADDRESS = f"127.0.0.1:{PORT}"
SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_AUTH_MODE": "token",
    "RAY_AUTH_TOKEN": secrets.token_hex(32),
    # As docs/teleport.md asks for: by itself Ray looks for 15 s or more until it calls a machine lost.
    "RAY_health_check_initial_delay_ms": "1000",
    "RAY_health_check_period_ms": "1000",
    "RAY_health_check_timeout_ms": "2000",
    "RAY_health_check_failure_threshold": "3",
}


def machine(number: int, *arguments: str) -> subprocess.Popen[bytes]:
    """Returns once it is there: two that start at a time take each other's address."""
    address, port = f"127.0.0.{number}", PORT + number
    argv = [
        sys.executable, "-m", "ray.scripts.scripts", "start", "--block", "--disable-usage-stats", *arguments,
        f"--node-ip-address={address}", f"--node-manager-port={port}", f"--object-store-memory={80 << 20}",
        "--min-worker-port=0", "--max-worker-port=0",
    ]  # fmt: skip
    process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, preexec_fn=_end_with_parent)
    end_s = time.monotonic() + START_S
    while True:
        try:
            socket.create_connection((address, port)).close()
            return process
        except ConnectionRefusedError:
            if time.monotonic() > end_s:
                raise
            time.sleep(0.2)


def main() -> int:
    os.environ.update(SETTINGS)
    with tempfile.TemporaryDirectory(prefix="ray-", dir="/tmp", ignore_cleanup_errors=True) as scratch:
        head = ("--head", f"--port={PORT}", "--num-cpus=0", "--include-dashboard=false", f"--temp-dir={scratch}")
        machines = [machine(1, *head)]
        machines += [machine(2 + number, f"--address={ADDRESS}", "--num-cpus=2") for number in range(int(sys.argv[1]))]
        serving = subprocess.Popen([*sys.argv[2:], "--ray-address", ADDRESS], preexec_fn=_end_with_parent)
        signal.signal(signal.SIGTERM, lambda number, _: serving.send_signal(number))
        try:
            return serving.wait()
        finally:
            for one in machines:
                one.kill()  # with all that it started
                one.wait()


def _end_with_parent() -> None:
    ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)


if __name__ == "__main__":
    sys.exit(main())

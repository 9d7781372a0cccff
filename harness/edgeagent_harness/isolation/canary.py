"""Tries to get out, on request: every process of an offline session makes these attempts against listeners of the prober's.

All of them go to loopback or to an abstract unix socket of the prober; sockets of other families are made and closed again.
As a program (``python -m edgeagent_harness.isolation.canary``, targets as JSON on the command line) it prints its attempts.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import socket
import sys
from collections.abc import Callable

import msgspec

TIMEOUT_S = 1.0
_SYS_IO_URING_SETUP = 425
_IO_URING_PARAMS_BYTES = 120


class Targets(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the prober listens, in the network that the session must not reach."""

    tcp_port: int
    """On 127.0.0.1."""
    tcp6_port: int
    """On ::1; 0 if this machine has no IPv6 loopback."""
    udp_port: int
    abstract: str
    """Name of an abstract unix socket, without its leading NUL."""


class Attempt(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One attempt as the process that made it tells it. What reached the prober, the prober knows by itself."""

    name: str
    made: bool
    """Whether the socket (or ring) could be made at all."""
    outcome: str
    """``sent``, ``made``, or the error's name."""


class Canary(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All attempts of one process."""

    process: str
    """Its class: ``app``, ``engine``, ``supervisor``, ``executor``, ``application``, ``control``."""
    pid: int
    """In its own pid namespace."""
    attempts: tuple[Attempt, ...]


INTERNET = ("tcp4", "tcp6", "udp4")
"""Attempts that would reach a listener; then the families that need no listener."""
FAMILIES: dict[str, tuple[int, int, int]] = {
    "raw": (socket.AF_INET, socket.SOCK_RAW, 1),
    "packet": (socket.AF_PACKET, socket.SOCK_RAW, 0),
    "netlink": (socket.AF_NETLINK, socket.SOCK_RAW, 0),
    "vsock": (getattr(socket, "AF_VSOCK", 40), socket.SOCK_STREAM, 0),
    "bluetooth": (getattr(socket, "AF_BLUETOOTH", 31), socket.SOCK_RAW, 1),
}


def run(process: str, targets: Targets) -> Canary:
    """Make every attempt, as ``process``; never raises."""
    token = process.encode()
    attempts = [
        _try("tcp4", socket.AF_INET, socket.SOCK_STREAM, lambda sock: _reach(sock, ("127.0.0.1", targets.tcp_port), token)),
        _try("udp4", socket.AF_INET, socket.SOCK_DGRAM, lambda sock: _reach(sock, ("127.0.0.1", targets.udp_port), token)),
        _try("abstract", socket.AF_UNIX, socket.SOCK_STREAM, lambda sock: _reach(sock, f"\0{targets.abstract}", token)),
    ]
    if targets.tcp6_port:
        attempts.append(
            _try("tcp6", socket.AF_INET6, socket.SOCK_STREAM, lambda sock: _reach(sock, ("::1", targets.tcp6_port), token))
        )
    attempts += [_try(name, family, kind, _make, protocol) for name, (family, kind, protocol) in FAMILIES.items()]
    return Canary(process, os.getpid(), (*attempts, _io_uring()))


def _try(name: str, family: int, kind: int, use: Callable[[socket.socket], str], protocol: int = 0) -> Attempt:
    try:
        sock = socket.socket(family, kind, protocol)
    except OSError as error:
        return Attempt(name, False, _name(error))
    with sock:
        try:
            sock.settimeout(TIMEOUT_S)
            return Attempt(name, True, use(sock))
        except OSError as error:
            return Attempt(name, True, _name(error))


def _reach(sock: socket.socket, address: tuple[str, int] | str, token: bytes) -> str:
    sock.connect(address)
    sock.sendall(token)
    return "sent"


def _make(_sock: socket.socket) -> str:
    return "made"


def _io_uring() -> Attempt:
    if platform.machine() not in {"x86_64", "aarch64"}:
        return Attempt("io_uring", False, "not tried on this processor")
    libc = ctypes.CDLL(None, use_errno=True)
    fd = libc.syscall(_SYS_IO_URING_SETUP, 1, ctypes.create_string_buffer(_IO_URING_PARAMS_BYTES))
    if fd < 0:
        return Attempt("io_uring", False, errno.errorcode.get(ctypes.get_errno(), "error"))
    os.close(fd)
    return Attempt("io_uring", True, "made")


def _name(error: OSError) -> str:
    return errno.errorcode.get(error.errno or 0, type(error).__name__)


def main() -> int:
    canary = run("application", msgspec.json.decode(sys.stdin.buffer.read(), type=Targets))
    sys.stdout.write(msgspec.json.encode(canary).decode())
    return 0


if __name__ == "__main__":
    sys.exit(main())

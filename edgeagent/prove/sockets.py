"""A descriptor of another process, looked at by borrowing it: what socket it is, whose network it is in, who is at its end.

The tables in /proc list no unbound sockets and only those of one namespace; the socket itself tells everything.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import socket
import struct
from dataclasses import dataclass

_SYS_PIDFD_GETFD = 438
_SIOCGSKNS = 0x894C
"""The network namespace of a socket, as a descriptor."""
_PEER = struct.Struct("3i")
_libc = ctypes.CDLL(None, use_errno=True)

UNKNOWN = 0
"""No namespace has this inode number."""
UNSEEN = -1
"""No process has this number."""


@dataclass(frozen=True, slots=True)
class OpenSocket:
    """One socket that a process holds."""

    fd: int
    family: str
    """``AF_UNIX``, ``AF_INET``, …"""
    network: int
    """Inode of the network namespace that it was made in; `UNKNOWN` where the kernel does not say: then it is not one of ours."""
    peer: int = 0
    """Unix sockets: process that made the other end or listened there; 0: nobody; `UNSEEN`: somebody, and the kernel does not say
    who: a datagram socket connected by name, or a process in another process namespace."""


class Unreadable(Exception):
    """The process may not be looked at."""


def borrow(pidfd: int, number: int) -> int:
    """Our own copy of descriptor ``number`` of the process; -1 if it has none. Raises `Unreadable`."""
    copy = _libc.syscall(_SYS_PIDFD_GETFD, pidfd, number, 0)
    if copy >= 0:
        return copy
    if (code := ctypes.get_errno()) in {errno.EBADF, errno.ESRCH}:
        return -1
    raise Unreadable(os.strerror(code))


def examine(number: int, copy: int) -> OpenSocket:
    """What the socket behind ``copy`` is; ``number`` is how its owner calls it."""
    with socket.socket(fileno=os.dup(copy)) as sock:
        family = sock.getsockopt(socket.SOL_SOCKET, socket.SO_DOMAIN)
        peer = 0
        if family == socket.AF_UNIX:
            peer, _, _ = _PEER.unpack(sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size))
            peer = peer or (UNSEEN if _is_connected(sock) else 0)
        return OpenSocket(number, _family_name(family), _network(sock), peer)


def _is_connected(sock: socket.socket) -> bool:
    try:
        sock.getpeername()
    except OSError:
        return False
    return True


def _network(sock: socket.socket) -> int:
    try:
        namespace = fcntl.ioctl(sock.fileno(), _SIOCGSKNS)
    except OSError:
        return UNKNOWN
    try:
        return os.fstat(namespace).st_ino
    finally:
        os.close(namespace)


def _family_name(family: int) -> str:
    try:
        return socket.AddressFamily(family).name
    except ValueError:
        return f"family {family}"

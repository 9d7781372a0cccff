"""Which open descriptors could carry something off the machine although no new socket can be made."""

from __future__ import annotations

import os
import re
import socket

from edgeagent.errors import EnvironmentProblem

_SOCKET = re.compile(r"socket:\[\d+\]")
_DANGEROUS = ("anon_inode:[io_uring]", "/dev/net/tun", "/dev/vhost-net", "/dev/vhost-vsock", "/dev/vsock", "net:[")


def refuse_network() -> None:
    """Raise `EnvironmentProblem` if whoever started this process left it a descriptor that leads into a network."""
    for number, target in open_descriptors():
        if found := network_of(number, target):
            raise EnvironmentProblem(
                f"offline mode: descriptor {number} is {found}, inherited from whatever started edgeagent",
                f"start it without: edgeagent … {number}>&-",
            )


def open_descriptors() -> list[tuple[int, str]]:
    """Number and target of each open descriptor of this process."""
    found: list[tuple[int, str]] = []
    for name in os.listdir("/proc/self/fd"):
        try:
            found.append((int(name), os.readlink(f"/proc/self/fd/{name}")))
        except OSError:
            continue  # the listing's own
    return found


def network_of(number: int, target: str) -> str:
    """What ``number`` is, if it leads into a network; empty if it does not."""
    if target.startswith(_DANGEROUS):
        return target
    if not _SOCKET.fullmatch(target):
        return ""
    with socket.socket(fileno=os.dup(number)) as sock:
        return "" if sock.family == socket.AF_UNIX else f"an open network socket ({socket.AddressFamily(sock.family).name})"

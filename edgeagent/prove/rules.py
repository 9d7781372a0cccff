"""What a process of an offline session may be and hold. Pure: `Process` in, problems out."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from typing import Literal

from edgeagent.prove.looking import INSIDE, Process
from edgeagent.prove.sockets import UNSEEN, OpenSocket

Rule = Literal[
    "own_network", "no_devices", "no_routes", "no_foreign_sockets", "own_peers", "no_odd_descriptors", "filtered",
    "no_broker", "readable",
]  # fmt: skip
WORDS: dict[Rule, str] = {
    "own_network": "every process is in an empty network namespace, or is kept from making sockets by a filter",
    "no_devices": "the network namespaces of the session have no device but loopback",
    "no_routes": "the network namespaces of the session have no route",
    "no_foreign_sockets": "no process holds a network socket, but for applications those of their own empty network",
    "own_peers": "every local socket ends at a process of the session, or at the prober",
    "no_odd_descriptors": "no process holds a descriptor of another device that could carry data off the machine",
    "filtered": "every process runs under a system call filter",
    "no_broker": "there is no egress broker",
    "readable": "every process and all its descriptors could be looked at",
}
FILTER_MODE = 2
_UNIX = "AF_UNIX"


@dataclass(frozen=True, slots=True)
class Problem:
    """One way in which a process is not as an offline session's must be."""

    rule: Rule
    detail: str


def judge(
    process: Process, outside: int, session: Container[int], exists: Container[int], filter_does: bool = False
) -> list[Problem]:
    """What is wrong with ``process``.

    ``outside``: the network namespace that the prober is in; ``session``: pids that belong to the session or to the prober;
    ``exists``: pids that run now; ``filter_does``: the session's own program got no namespace, so its filter has to do. What is
    outside although the program is not was not born of it, and nothing is known of its filter.
    """
    who = f"{process.kind} {process.pid} ({process.name})"
    problems = [Problem(rule, f"{who} {detail}") for rule, detail in _of_process(process, outside, filter_does)]
    for sock in process.sockets:
        if reason := _of_socket(process, sock, outside):
            problems.append(Problem("no_foreign_sockets", f"{who}, descriptor {sock.fd}: {reason}"))
        elif sock.family == _UNIX and (reason := _of_peer(sock, outside, session, exists)):
            problems.append(Problem("own_peers", f"{who}, descriptor {sock.fd}: {reason}"))
    return problems


def held_by_filter_alone(process: Process, outside: int) -> bool:
    """Whether ``process`` is in the prober's network, and only its filter keeps it from that."""
    return process.network.id == outside and process.kind not in INSIDE and process.seccomp == FILTER_MODE


def _of_process(process: Process, outside: int, filter_does: bool) -> list[tuple[Rule, str]]:
    problems: list[tuple[Rule, str]] = []
    network = process.network
    if network.id == outside:
        if not held_by_filter_alone(process, outside):
            problems.append(("own_network", "is in the network of the prober, without a filter"))
        elif not filter_does:
            problems.append(("own_network", "is in the network of the prober, although the session has one of its own"))
    else:
        extra = [name for name in network.devices if name != "lo"]
        if extra:
            problems.append(("no_devices", f"has {', '.join(extra)} in its network"))
        if network.routes:
            problems.append(("no_routes", f"has routes: {'; '.join(network.routes[:4])}"))
    if process.seccomp != FILTER_MODE:
        problems.append(("filtered", "has no system call filter"))
    if process.kind == "broker":
        problems.append(("no_broker", "is an egress broker"))
    problems.extend(("no_odd_descriptors", f"holds {odd}") for odd in process.odd)
    if process.unreadable:
        problems.append(("readable", f"could not be looked at: {process.unreadable}"))
    return problems


def _of_socket(process: Process, sock: OpenSocket, outside: int) -> str:
    if sock.family == _UNIX:
        return ""
    if sock.network in (0, outside):
        return f"a socket ({sock.family}) of a network outside of the session"
    if process.kind not in ("bwrap", "process 1", "application"):
        return f"a socket ({sock.family}) where none may be"
    if sock.network != process.network.id:
        return f"a socket ({sock.family}) of another network than its own"
    return ""


def _of_peer(sock: OpenSocket, outside: int, session: Container[int], exists: Container[int]) -> str:
    if sock.peer == UNSEEN:
        return "a local socket to somebody who cannot be seen"
    if sock.peer == 0 or sock.peer in session:
        return ""
    if sock.peer in exists:
        return f"a local socket to process {sock.peer}, which is none of the session's"
    # Made by a process that ended before it was seen: harmless if that was within the session's own network.
    return f"a local socket to process {sock.peer}, which has ended" if sock.network in (0, outside) else ""

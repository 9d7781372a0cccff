"""What a process of an offline session may be and hold, rule by rule; and what a verdict needs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edgeagent.prove import checks
from edgeagent.prove.looking import Kind, Network, Process
from edgeagent.prove.rules import judge
from edgeagent.prove.sockets import UNSEEN, OpenSocket
from edgeagent.prove.statement import Check

OUTSIDE, OURS = 1, 2
EMPTY = Network(OURS, ("lo",), ())
GOOD = Process(10, 1, "app", "python3", EMPTY, 2, (OpenSocket(4, "AF_UNIX", OURS, 11),))


def found(
    process: Process, session: tuple[int, ...] = (10, 11), exists: tuple[int, ...] = (10, 11, 99), filter_does: bool = False
) -> set[str]:
    return {problem.rule for problem in judge(process, OUTSIDE, session, exists, filter_does)}


def holding(kind: Kind, sock: OpenSocket) -> Process:
    return replace(GOOD, kind=kind, sockets=(sock,))


def test_a_good_process_has_no_problem() -> None:
    assert found(GOOD) == set()


@pytest.mark.parametrize("kind", ["app", "starter", "supervisor", "engine", "bwrap", "helper"])
def test_the_outside_network_is_only_for_the_filtered_where_there_is_no_other(kind: Kind) -> None:
    outside = replace(GOOD, kind=kind, network=Network(OUTSIDE, ("lo", "eth0"), ("IPv4",)))
    assert found(outside, filter_does=True) == set()
    assert found(outside) == {"own_network"}  # whose filter, and what does it forbid?
    assert {"own_network", "filtered"} <= found(replace(outside, seccomp=0), filter_does=True)


@pytest.mark.parametrize("kind", ["process 1", "executor", "application"])
def test_inside_the_sandbox_the_outside_network_is_for_nobody(kind: Kind) -> None:
    assert "own_network" in found(replace(GOOD, kind=kind, network=Network(OUTSIDE, ("lo",), ())))


def test_devices_and_routes() -> None:
    assert found(replace(GOOD, network=Network(OURS, ("lo", "veth0"), ()))) == {"no_devices"}
    assert found(replace(GOOD, network=Network(OURS, ("lo",), ("IPv6 default by tun0",)))) == {"no_routes"}


@pytest.mark.parametrize("family", ["AF_INET", "AF_INET6", "AF_NETLINK", "AF_PACKET", "AF_VSOCK"])
def test_network_sockets(family: str) -> None:
    for kind in ("app", "engine", "supervisor", "starter", "executor", "helper"):
        assert found(holding(kind, OpenSocket(5, family, OURS))) == {"no_foreign_sockets"}, kind
    assert found(holding("application", OpenSocket(5, family, OURS))) == set()
    for network in (OUTSIDE, 0, 3):
        assert found(holding("application", OpenSocket(5, family, network))) == {"no_foreign_sockets"}, network


@pytest.mark.parametrize(
    ("peer", "network", "wanted"),
    [
        (11, OURS, set[str]()),
        (0, OURS, set[str]()),
        (99, OURS, {"own_peers"}),  # runs, and is none of ours: the session bus, a container daemon
        (77, OURS, set[str]()),  # ended before it was seen, but within the session's network
        (77, OUTSIDE, {"own_peers"}),
        (UNSEEN, OURS, {"own_peers"}),
    ],
)
def test_peers(peer: int, network: int, wanted: set[str]) -> None:
    assert found(holding("app", OpenSocket(5, "AF_UNIX", network, peer))) == wanted


def test_the_rest() -> None:
    assert found(replace(GOOD, odd=("7: /dev/net/tun",))) == {"no_odd_descriptors"}
    assert found(replace(GOOD, unreadable="Operation not permitted")) == {"readable"}
    assert found(replace(GOOD, kind="broker")) == {"no_broker"}
    assert found(replace(GOOD, seccomp=0)) == {"filtered"}


def check(name: str, result: str) -> Check:
    return Check(name, name, result)  # pyright: ignore[reportArgumentType]


def test_only_what_passed_is_proven() -> None:
    assert checks.verdict([]) == "NOT PROVEN"
    assert checks.verdict([check("session.ended", "passed")]) == "PROVEN"
    assert checks.verdict([check("session.ended", "passed"), check("control.devices", "not_available")]) == "PROVEN"
    assert checks.verdict([check("session.ended", "passed"), check("canary.app", "not_available")]) == "NOT PROVEN"
    assert checks.verdict([check("session.ended", "passed"), check("canary.app", "failed")]) == "NOT PROVEN"

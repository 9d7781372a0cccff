"""What `enter` gives up, and what it found that it could not give up."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass

from edgeagent.errors import EnvironmentProblem
from edgeagent.offline import descriptors
from edgeagent.offline.starter import Starter
from edgeagent.settings import OFFLINE_VARIABLE
from edgeagent_harness.isolation import bpf, giving_up

APP_NAMESPACE = "app_network_namespace"
APP_FILTER = "app_socket_filter"
BARE_FAMILIES = (socket.AF_UNIX, socket.AF_NETLINK)
"""Sockets of supervisors and what they start, where there is no namespace. bwrap brings up a loopback by netlink."""
FAMILIES = (*BARE_FAMILIES, socket.AF_INET, socket.AF_INET6)
"""Where there is one: applications may use their own loopback. No namespace would hold others, such as vsock."""


@dataclass(slots=True)
class _State:
    """Of this process; the kernel knows it better, and never forgets."""

    offline: bool = False
    layers: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    starter: Starter | None = None


_state = _State()


def enter() -> None:
    """Give up the network and every socket but unix ones, for ever. Raises `EnvironmentProblem` where that cannot be.

    Needs a single thread. What has to be free of the filter (bwrap) is started from now on by `supervisor_starter`.
    """
    refused = enter_namespace()
    _state.starter = Starter.fork(BARE_FAMILIES if refused else FAMILIES)
    for why in (
        giving_up.forbid_privileges(),
        giving_up.forbid_calls(bpf.WAYS_TO_OTHERS_SOCKETS, (socket.AF_UNIX,)),
    ):
        if why:
            raise EnvironmentProblem(
                f"offline mode: this machine does not let a process give up its sockets: {why}",
                "it needs Linux on x86_64 or aarch64, with seccomp filters",
            )
    _state.layers = (*_state.layers, APP_FILTER)


def enter_namespace() -> str:
    """The first half of `enter`, for commands that hand over to another program; returns why it could not be, or nothing."""
    if len(os.listdir("/proc/self/task")) > 1:
        raise EnvironmentProblem("offline mode must be entered before there are threads", f"set {OFFLINE_VARIABLE}=1 instead")
    descriptors.refuse_network()
    refused = giving_up.leave_network(keep_root=True)
    _state.offline = True
    _state.layers = () if refused else (APP_NAMESPACE,)
    _state.missing = (f"{APP_NAMESPACE}: {refused}",) if refused else ()
    os.environ[OFFLINE_VARIABLE] = "1"
    return refused


def is_offline() -> bool:
    """Whether this process has given up the network."""
    return _state.offline


def layers() -> tuple[str, ...]:
    """Names of what holds this process; empty if it is not offline."""
    return _state.layers


def missing() -> tuple[str, ...]:
    """What this machine did not let it give up, as ``layer: reason``."""
    return _state.missing


def supervisor_starter() -> Starter | None:
    """What starts supervisors; None if this process may do so itself."""
    return _state.starter

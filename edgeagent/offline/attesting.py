"""What an offline run tells a prober that started it: who its processes are, and how each of them failed to get out.

The prober hands down a socket and its listeners' addresses. It believes none of this where it can look for itself.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Literal, Protocol, runtime_checkable

import msgspec

from edgeagent.errors import EnvironmentProblem
from edgeagent.ports import Desktop, Model
from edgeagent_harness.isolation import canary
from edgeagent_harness.isolation.canary import Canary, Targets

PROBER_VARIABLE = "EDGEAGENT_PROBER"
"""Environment variable: a `Prober` as JSON."""
LOOKED = b"+"
PATIENCE_S = 60.0

When = Literal["before", "after"]


class Prober(msgspec.Struct, frozen=True):
    """How to reach the prober, and what to try to reach."""

    fd: int
    targets: Targets


class Moment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything is up: before the first look at the screen, and once more after the last."""

    session: str
    when: When
    app_pid: int
    supervisor_pid: int
    engine_pid: int
    layers: tuple[str, ...]
    canaries: tuple[Canary, ...]


@runtime_checkable
class _AttestingDesktop(Protocol):
    @property
    def supervisor_pid(self) -> int: ...

    async def run_canaries(self, targets: Targets) -> tuple[Canary, ...]: ...


class _Engine(Protocol):
    @property
    def pid(self) -> int: ...

    async def run_canary(self, targets: Targets) -> Canary: ...


@runtime_checkable
class _AttestingModel(Protocol):
    @property
    def engine(self) -> _Engine: ...


@asynccontextmanager
async def attested(
    session: str, desktop: Desktop, model: Callable[[], Model], layers: tuple[str, ...]
) -> AsyncGenerator[None]:  # fmt: skip
    """Tell a prober of ``session`` before and after what happens within; nothing where there is none. ``model`` decides then."""
    prober = _prober()
    if prober is None:
        yield
        return
    await _tell(prober, session, "before", desktop, model(), layers)
    yield
    await _tell(prober, session, "after", desktop, model(), layers)


def _prober() -> Prober | None:
    said = os.environ.get(PROBER_VARIABLE)
    return msgspec.json.decode(said, type=Prober) if said else None


async def _tell(
    prober: Prober, session: str, when: When, desktop: Desktop, model: Model, layers: tuple[str, ...]
) -> None:  # fmt: skip
    if not isinstance(desktop, _AttestingDesktop) or not isinstance(model, _AttestingModel):
        raise EnvironmentProblem("this run cannot be proven: its desktop or its model is none of ours")
    engine = model.engine
    canaries = (
        await asyncio.to_thread(canary.run, "app", prober.targets),
        await engine.run_canary(prober.targets),
        *await desktop.run_canaries(prober.targets),
    )
    moment = Moment(session, when, os.getpid(), desktop.supervisor_pid, engine.pid, layers, canaries)
    await asyncio.to_thread(_exchange, prober.fd, moment)


def _exchange(fd: int, moment: Moment) -> None:
    """Send ``moment``; return when the prober has looked at all processes."""
    with socket.socket(fileno=os.dup(fd)) as sock:
        sock.settimeout(PATIENCE_S)
        try:
            sock.sendall(msgspec.json.encode(moment) + b"\n")
            if sock.recv(1) == LOOKED:
                return
        except OSError as error:
            raise EnvironmentProblem(f"the prober that started this run does not answer: {error}") from error
    raise EnvironmentProblem("the prober that started this run has gone")

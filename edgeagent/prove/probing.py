"""One run, started and watched from outside: everything that the checks are made of."""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from edgeagent.errors import EnvironmentProblem
from edgeagent.offline.attesting import LOOKED, PROBER_VARIABLE, Moment, Prober
from edgeagent.prove import control, looking
from edgeagent.prove.counters import Counters
from edgeagent.prove.listeners import Listeners
from edgeagent.prove.looking import Kind, Process
from edgeagent.prove.watching import Watch
from edgeagent_harness.isolation.canary import Canary
from edgeagent_harness.protocol.wire import MAX_MESSAGE_BYTES

LOOK_EVERY_S = 0.2
SURVIVORS_S = 5.0
"""How long the processes of a run may take to end after it."""
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


@dataclass(slots=True)
class Evidence:
    """What the prober saw and was told."""

    watch: Watch
    itself: Process
    """The prober, looked at as if it were the session's program: it must not pass."""
    controls: tuple[Canary, ...]
    targets_ipv6: bool
    began_s: float
    counters: Counters = field(default_factory=Counters)
    reached: tuple[tuple[str, str], ...] = ()
    """(attempt, who) at the listeners."""
    moments: list[Moment] = field(default_factory=list[Moment])
    kinds: dict[str, set[Kind]] = field(default_factory=dict[str, set[Kind]])
    """Moment -> kinds of processes there were."""
    app_pid: int = 0
    exit_code: int = 0
    left: tuple[str, ...] = ()
    ended_s: float = 0.0


def probe(command: Sequence[str], stdout: int | None = None, env: dict[str, str] | None = None) -> Evidence:
    """Run ``command``, an offline ``edgeagent run``, to its end, and watch everything that it starts.

    ``stdout``: a descriptor for what it prints, by default ours. Raises `EnvironmentProblem` if nothing can be watched.
    """
    listeners = Listeners()
    try:
        controls = tuple(_control(kind, listeners) for kind in (control.OPEN, control.EMPTY))
        ours, theirs = socket.socketpair()
        with ours, _adopting(), _ignoring(signal.SIGINT), _spawned(command, theirs, listeners, stdout, env) as process:
            itself = looking.look(os.getpid(), os.getpid())
            assert itself is not None, "this very process runs"
            evidence = Evidence(Watch(process.pid), itself, controls, bool(listeners.targets.tcp6_port), time.time())
            evidence.app_pid = process.pid
            _follow(process, ours, listeners, evidence)
            evidence.left = tuple(_survivors(evidence.watch))
    finally:
        listeners.close()
    evidence.reached = tuple(listeners.reached)
    evidence.exit_code = process.returncode
    evidence.ended_s = time.time()
    return evidence


@contextlib.contextmanager
def _adopting():  # noqa: ANN202 - a generator
    """Orphans of the run come to this process, in its sight, and are buried by it."""
    prctl = ctypes.CDLL(None).prctl
    before = set(looking.children(os.getpid()))
    if prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise EnvironmentProblem("the prober cannot keep orphans of the run in sight", "it needs Linux 3.4 or later")
    try:
        yield
    finally:
        prctl(_PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)
        for pid in set(looking.children(os.getpid())) - before:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)


def _control(kind: str, listeners: Listeners) -> Canary:
    found, why = control.run(kind, listeners.targets)
    listeners.collect()
    return found if not why else Canary(kind, 0, ())


@contextlib.contextmanager
def _ignoring(number: signal.Signals):  # noqa: ANN202 - a generator
    """Ctrl-C is the run's to answer; the prober stays to say what it saw."""
    before = signal.signal(number, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(number, before)


@contextlib.contextmanager
def _spawned(command: Sequence[str], theirs: socket.socket, listeners: Listeners, stdout: int | None, env: dict[str, str] | None):  # noqa: ANN202
    prober = msgspec.json.encode(Prober(theirs.fileno(), listeners.targets)).decode()
    variables = {**(os.environ if env is None else env), PROBER_VARIABLE: prober}
    with theirs:
        process = subprocess.Popen(
            command, env=variables, stdin=subprocess.DEVNULL, stdout=stdout, pass_fds=(theirs.fileno(),),
            preexec_fn=_heed_interrupts_and_parent,
        )  # fmt: skip
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait()


def _heed_interrupts_and_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)  # without the prober it would go on unwatched


def _follow(process: subprocess.Popen[bytes], channel: socket.socket, listeners: Listeners, evidence: Evidence) -> None:
    channel.setblocking(False)
    waiting = b""
    ended = False
    while not ended:
        ended = _has_ended(process)
        ready, _, _ = select.select([channel] if not ended else [], [], [], 0 if ended else LOOK_EVERY_S)
        if ready:
            waiting += _read(channel)
            if len(waiting) > MAX_MESSAGE_BYTES:
                raise EnvironmentProblem("the run tells the prober more than fits")
        while b"\n" in waiting:
            line, _, waiting = waiting.partition(b"\n")
            moment = _moment(line)
            evidence.moments.append(moment)
            evidence.kinds[moment.when] = evidence.watch.look()
            if moment.when == "before":
                evidence.counters.start(evidence.watch.present(), evidence.watch.outside)
            else:
                evidence.counters.read(evidence.watch.present())
            with contextlib.suppress(OSError):
                channel.sendall(LOOKED)
        evidence.watch.look()
        listeners.collect()


def _moment(line: bytes) -> Moment:
    try:
        return msgspec.json.decode(line, type=Moment)
    except msgspec.MsgspecError as error:
        raise EnvironmentProblem(f"what the run tells the prober makes no sense: {error}", "install matching versions") from error


def _read(channel: socket.socket) -> bytes:
    with contextlib.suppress(BlockingIOError):
        data = channel.recv(65536)
        if not data:
            time.sleep(LOOK_EVERY_S)  # the run has closed its end, and goes on without us
        return data
    return b""


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Whether the run is over. Orphans that come to us are reaped on the way, so that they do not stay as zombies."""
    while (status := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)) is not None:
        if status.si_pid == process.pid:
            process.wait()
            return True
        os.waitpid(status.si_pid, 0)
    return False


def _survivors(watch: Watch) -> list[str]:
    deadline_s = time.monotonic() + SURVIVORS_S
    while left := watch.left():
        if time.monotonic() > deadline_s:
            return left
        with contextlib.suppress(ChildProcessError):
            os.waitpid(-1, os.WNOHANG)
        time.sleep(0.05)
    return []

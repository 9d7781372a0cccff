"""A real backend on loopback in processes of its own, and a client of it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import psutil
from support.lo_only import in_lo_only

from edgeagent.cli.teleport import connect
from edgeagent.cloud.serving import Settings, open_ledger
from edgeagent.cloud.tokens import make_token
from edgeagent.teleport.backends import Connected
from edgeagent.teleport.wire import Standing

TESTS = Path(__file__).parents[1]
RUNNER = "support.form_run:make"
PORT_INSIDE = 8470
HAS_RAY = find_spec("ray") is not None


@dataclass
class Backend:
    """``edgeagent cloud serve``, started, killed and started again at will."""

    data: Path
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    runner: str = RUNNER
    workers: int = 2
    port: int = 0
    ledger: str = ""
    """Another database than SQLite in ``data``."""
    blobs: str = ""
    """Another place for chunks than a folder in ``data``."""
    engine: str = "local"
    """``ray``: all of it in a network namespace with lo only, and reached through a door."""
    machines: int = 0
    """With ``ray``: a cluster of so many is started beside it, and joined."""
    door: socket.socket | None = None
    further: tuple[str, ...] = ()
    """More of the command line."""
    before: tuple[str, ...] = ()
    """A program of Python that is run instead, and that runs it: with its arguments."""
    process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Returns once it listens; the port stays the same when it is started again."""
        paths = os.pathsep.join((str(TESTS), os.environ.get("PYTHONPATH", "")))
        argv = [
            sys.executable, "-m", "edgeagent", "cloud", "serve", "--data", str(self.data),
            "--port", str(PORT_INSIDE if self.engine == "ray" else self.port), "--engine", self.engine,
            "--workers", str(self.workers), "--runner", self.runner, "--rate", "10000",
            "--ledger", self.ledger, "--blobs", self.blobs, *self.further,
        ]  # fmt: skip
        environment = {**os.environ, "PYTHONPATH": paths, **self.environment}
        argv = [sys.executable, *self.before, *argv[1:]]
        passed: list[int] = []
        if self.engine == "ray":
            if self.machines:
                argv = [sys.executable, "-m", "support.ray_machines", str(self.machines), *argv]
            self.door = self.door or socket.create_server(("127.0.0.1", 0))
            argv, passed = in_lo_only(argv, self.door, PORT_INSIDE), [self.door.fileno()]
        self.process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, env=environment, pass_fds=passed)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert "http://" in line, f"it did not start: {line!r}"
        self.port = self.door.getsockname()[1] if self.door else int(line.rsplit(":", 1)[1])

    def kill(self) -> None:
        """As a loss of power would."""
        assert self.process is not None
        self.process.kill()
        self._wait()

    def stop(self) -> None:
        """As a signal would."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(signal.SIGTERM)
            self._wait()

    def worker_processes(self) -> list[psutil.Process]:
        """Of those that it runs now, wherever in the tree of its processes."""
        assert self.process is not None
        found: list[psutil.Process] = []
        for one in psutil.Process(self.process.pid).children(recursive=True):
            with contextlib.suppress(psutil.Error):
                if "edgeagent.cloud.worker" in one.cmdline():
                    found.append(one)
        return found

    def kill_above_worker(self, victim: str) -> None:
        """The Ray actor that holds the one worker there is, or the machine that it is on, with everything there."""
        [worker] = self.worker_processes()
        above = worker.parents()
        name = "ray::" if victim == "actor" else "raylet"
        top = next(one for one in above if name in " ".join(one.cmdline()[:1]))
        for one in [top] if victim == "actor" else [top, *top.children(recursive=True)]:
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()

    def _wait(self) -> None:
        assert self.process is not None
        assert self.process.stdout is not None
        self.process.wait(30)
        self.process.stdout.close()
        self.process = None

    @property
    def settings(self) -> Settings:
        return Settings(self.data, ledger=self.ledger, blobs=self.blobs)

    def token(self, tenant: str = "acme", *scopes: str) -> str:
        engine = open_ledger(self.settings)
        try:
            return make_token(engine, tenant, scopes or ("read", "write"), 1)
        finally:
            engine.dispose()

    async def connected(self, tenant: str = "acme") -> Connected:
        """A client's memory of it."""
        url = f"http://127.0.0.1:{self.port}"
        unknown = Connected(url, self.token(tenant), "", "")
        async with connect(unknown) as api:
            shown = await api.backend()
        return Connected(url, unknown.token, shown.signer, shown.recipient, models=shown.models)


@contextlib.contextmanager
def backend(data: Path, environment: Mapping[str, str], **settings: str | int | tuple[str, ...]) -> Iterator[Backend]:
    """One for the duration of a ``with`` block."""
    made = Backend(data, environment, **settings)  # type: ignore[arg-type]
    made.start()
    try:
        yield made
    finally:
        if made.process:
            made.stop()
        if made.door:
            made.door.close()


async def until(
    standing_of: Callable[[], Awaitable[Standing]], wanted: Callable[[Standing], bool], timeout_s: float = 30.0
) -> Standing:
    """Ask until ``wanted(standing)`` holds."""
    end_s = time.monotonic() + timeout_s
    while True:
        standing = await standing_of()
        if wanted(standing):
            return standing
        if time.monotonic() > end_s:
            raise AssertionError(f"still {standing}")
        await asyncio.sleep(0.05)

"""An engine that survives its process: when it dies it is started again with the same model, and the request is asked anew."""

from __future__ import annotations

import asyncio
import sys
import time
from collections import deque
from collections.abc import Callable

from edgeagent.engine.channel import OnDelta
from edgeagent.engine.process import EngineKind, EngineProcess
from edgeagent.errors import EngineError, EngineLost, ModelUnusable, SandboxRefused
from edgeagent.machine import private_mb
from edgeagent_harness.isolation.canary import Canary, Targets
from edgeagent_models.protocol import (
    NETWORK_NAMESPACE,
    NO_NEW_PRIVILEGES,
    SOCKET_FILTER,
    CanaryRan,
    CloseSequence,
    EngineReply,
    EngineRequest,
    Load,
    Loaded,
    OpenSequence,
    RunCanary,
)

MAX_RESTARTS = 3
"""Within `RESTART_WINDOW_S`; a process that dies more often than that stays dead."""
RESTART_WINDOW_S = 60.0
BACKOFF_S = 0.2
"""Before the second restart in the window; doubled for each one more. The first is at once."""


class Engine:
    """A model in a supervised process. ``on_restart`` is told why, each time it was started again.

    Sequences are opened again after a restart, empty: what a session remembers is in the app's log, and each request carries
    the whole prompt. So a request that was under way is simply asked once more, and the user sees nothing but the notice.
    """

    def __init__(self, kind: EngineKind, load: Load, on_restart: Callable[[str], None]) -> None:
        self._kind: EngineKind = kind
        self._load = load
        self._on_restart = on_restart
        self._process: EngineProcess | None = None
        self._sequences: list[str] = []
        self._restarting = asyncio.Lock()
        self._restarts_s: deque[float] = deque(maxlen=MAX_RESTARTS)
        self.loaded: Loaded | None = None

    @property
    def pid(self) -> int:
        """Of the process that runs now."""
        return self._running().pid

    def frees_mb(self) -> float:
        """Memory that comes back when this engine is closed, in MB."""
        return private_mb(self._process.pid) if self._process else 0.0

    async def start(self) -> Loaded:
        """Spawn the process and load the model. Raises `ModelUnusable`, or `SandboxRefused` where a layer is missing."""
        self._process = await EngineProcess.start(self._kind)
        try:
            self.loaded = await self._load_into(self._process)
            return self.loaded
        except BaseException:
            await self.close()
            raise

    async def open_sequence(self, name: str) -> None:
        await self.request(OpenSequence(0, name))
        self._sequences.append(name)

    async def close_sequence(self, name: str) -> None:
        if name in self._sequences:
            self._sequences.remove(name)
        await self.request(CloseSequence(0, name))

    async def request(self, request: EngineRequest, on_delta: OnDelta | None = None) -> EngineReply:
        """Ask; if the process dies meanwhile, restart it and ask once more (``on_delta`` then starts from the beginning).

        Raises `EngineLost` when it dies again on the same request, or died too often.
        """
        process = self._running()
        try:
            return await process.request(request, on_delta)
        except EngineLost as lost:
            await self._restart(process, lost)
        return await self._running().request(request, on_delta)

    async def run_canary(self, targets: Targets) -> Canary:
        """Have the process try to reach a prober's listeners."""
        reply = await self.request(RunCanary(0, targets))
        if not isinstance(reply, CanaryRan):
            raise EngineError(f"the engine answered a canary with {type(reply).__name__}")
        return reply.canary

    async def close(self) -> None:
        """End the process."""
        if self._process is not None:
            process, self._process = self._process, None
            await process.close()

    async def _restart(self, dead: EngineProcess, lost: EngineLost) -> None:
        """Replace ``dead``; nothing if another request did it already."""
        async with self._restarting:
            if self._process is not dead:
                return
            await dead.close()
            await self._wait_turn(lost)
            process = await EngineProcess.start(self._kind)
            try:
                self.loaded = await self._load_into(process)
                for name in self._sequences:
                    await process.request(OpenSequence(0, name))
            except BaseException:
                # Not taken over half-ready: whoever asks next finds the dead one, and starts anew.
                await process.close()
                raise
            self._process = process
        self._on_restart(str(lost))

    async def _wait_turn(self, lost: EngineLost) -> None:
        now_s = time.monotonic()
        recent = [at_s for at_s in self._restarts_s if now_s - at_s < RESTART_WINDOW_S]
        if len(recent) >= MAX_RESTARTS:
            raise EngineLost(
                f"{lost}; it was restarted {len(recent)} times within {RESTART_WINDOW_S:g} s",
                "run edgeagent doctor; if the model is new, try another quantization or a smaller context",
            ) from lost
        self._restarts_s.append(now_s)
        if recent:
            await asyncio.sleep(BACKOFF_S * 2 ** (len(recent) - 1))

    async def _load_into(self, process: EngineProcess) -> Loaded:
        try:
            reply = await process.request(self._load)
        except EngineLost as lost:
            raise ModelUnusable(
                f"{self._load.path or 'the embedded model'} cannot be loaded: {lost}",
                "the file may be damaged, or need more memory than there is",
            ) from lost
        if not isinstance(reply, Loaded):
            raise EngineError(f"the engine answered a load with {type(reply).__name__}")
        check_layers(reply)
        return reply

    def _running(self) -> EngineProcess:
        if self._process is None:
            raise EngineLost("the engine is not running")
        return self._process


def check_layers(loaded: Loaded) -> None:
    """A network namespace, or else the filter on sockets, keeps an engine off the network; without either it may not run."""
    missing = {layer.split(":")[0] for layer in loaded.missing_layers}
    if NO_NEW_PRIVILEGES in missing or {NETWORK_NAMESPACE, SOCKET_FILTER} <= missing:
        mend = "allow unprivileged user namespaces, or run on x86_64 or aarch64 with seccomp; see edgeagent doctor"
        raise SandboxRefused(
            f"this machine does not let the engine's process give up the network: {'; '.join(loaded.missing_layers)}",
            mend if sys.platform == "linux" else "run edgeagent in a Linux virtual machine",
        )

"""Has every kind of process on this side try to get out: the supervisor itself, the executor, and an application inside."""

from __future__ import annotations

import asyncio
import os

import msgspec

from edgeagent_harness.errors import PeerMisbehaved
from edgeagent_harness.isolation import canary
from edgeagent_harness.outside.containment.runtime import LIBRARY_INSIDE, Runtime
from edgeagent_harness.outside.desktop import SparingBox
from edgeagent_harness.outside.executor import Executor

_TIMEOUT_S = 20.0
_MAX_OUTPUT_BYTES = 64 * 1024
_PROGRAM = (
    f"import sys; sys.path.insert(0, {LIBRARY_INSIDE!r}); from edgeagent_harness.isolation.canary import main; sys.exit(main())"
)


async def run(box: SparingBox, executor: Executor, runtime: Runtime, targets: canary.Targets) -> tuple[canary.Canary, ...]:
    """Attempts of the supervisor, of the executor and of an application."""
    own = await asyncio.to_thread(canary.run, "supervisor", targets)
    return (own, await executor.canary(targets), await _application(box, runtime, targets))


async def _application(box: SparingBox, runtime: Runtime, targets: canary.Targets) -> canary.Canary:
    read_end, write_end = os.pipe()
    told_end, tell_end = os.pipe()
    null = os.open(os.devnull, os.O_RDWR)
    open_fds = {read_end, write_end, told_end, tell_end, null}

    def close(*fds: int) -> None:
        for fd in fds:
            os.close(fd)
            open_fds.remove(fd)

    argv = (runtime.python, "-S", "-P", "-B", "-c", _PROGRAM)
    try:
        _, spawned = await box.spawn(argv, wait_window=False, stdio=(told_end, write_end, null))
        close(told_end, write_end)
        # It waits for its targets: what a policy calls a violation is tried by nobody else, and only now.
        with box.sparing(spawned.pid):
            os.write(tell_end, msgspec.json.encode(targets))
            close(tell_end)
            async with asyncio.timeout(_TIMEOUT_S):
                output = await _read(read_end)
        said = msgspec.json.decode(output, type=canary.Canary)
    except (TimeoutError, BrokenPipeError, msgspec.MsgspecError) as error:
        raise PeerMisbehaved(f"the canary inside gave no answer: {error or 'timeout'}") from error
    finally:
        close(*open_fds)
    return msgspec.structs.replace(said, process="application")


async def _read(fd: int) -> bytes:
    """What is written to the pipe ``fd`` until its end, or until it is too much."""
    reader = asyncio.StreamReader()
    pipe = os.fdopen(os.dup(fd), "rb", buffering=0)  # closed by the transport
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
    data = b""
    try:
        while len(data) <= _MAX_OUTPUT_BYTES and (chunk := await reader.read(4096)):
            data += chunk
    finally:
        transport.close()
    return data

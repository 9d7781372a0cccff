"""An offline session to be proven, as a program: a real engine and a real sandbox; and, planted, one thing that is wrong with it.

python proof_rig.py PLANT SCRATCH. The session ends when SCRATCH/go exists; SCRATCH/going says that it waits for that.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from edgeagent import offline, supervising
from edgeagent.offline import descriptors, entering, starter
from edgeagent_harness.isolation import giving_up

HERE = Path(__file__).parent
WAIT_S = 20.0


def plant(name: str, scratch: Path) -> None:
    """Spoil what ``name`` says, before offline mode is entered."""
    match name:
        case "none" | "device" | "late_process":
            return
        case "filtered_helper":
            KEPT.append(subprocess.Popen(["sleep", "60"], preexec_fn=set_harmless_filter))
        case "app_socket":
            leak(scratch)
        case "engine_socket":
            leak_into_engine(leak(scratch))
        case "sandbox_socket" | "supervisor_outside":
            planted_supervisor(name, scratch)
        case "app_filter":
            spoil_filter_of_app()
        case "no_namespace":
            refuse_namespace_to_app()
        case "engine_outside":
            refuse_namespace_to_app()
            spoil_filter_of_app()
            planted_engine()
        case _:
            raise SystemExit(f"no plant {name}")


def leak(scratch: Path) -> socket.socket:
    """A TCP connection of the network outside, kept open; nobody looks for it."""
    descriptors.refuse_network = lambda: None
    listener = socket.create_server(("127.0.0.1", 0))
    kept = socket.create_connection(listener.getsockname())
    KEPT.extend((listener, kept))
    return kept


KEPT: list[object] = []


def set_harmless_filter() -> None:
    giving_up.forbid_privileges()
    giving_up.forbid_calls(("bpf",))


def refuse_namespace_to_app() -> None:
    """As a machine does whose AppArmor lets only bwrap make user namespaces: no leak, the filter has to do."""
    giving_up.leave_network = lambda keep_root=False: "planted"


def spoil_filter_of_app() -> None:
    """The app sets no filter on itself; its starter, forked before, does as always."""
    real = giving_up.forbid_calls
    app = os.getpid()
    giving_up.forbid_calls = lambda *given: "" if os.getpid() == app else real(*given)


def leak_into_engine(kept: socket.socket) -> None:
    real = asyncio.create_subprocess_exec

    async def leaky(*argv: str, pass_fds: list[int], **given: Any) -> asyncio.subprocess.Process:
        return await real(*argv, pass_fds=[*pass_fds, kept.fileno()], **given)

    asyncio.create_subprocess_exec = leaky


def planted_engine() -> None:
    real = asyncio.create_subprocess_exec

    async def outside(*argv: str, **given: Any) -> asyncio.subprocess.Process:
        return await real(argv[0], str(HERE / "planted_engine.py"), *argv[2:], **given)

    asyncio.create_subprocess_exec = outside


def planted_supervisor(name: str, scratch: Path) -> None:
    def command(fd: int) -> list[str]:
        return [sys.executable, str(HERE / "planted_supervisor.py"), name, str(scratch / "socket"), "-m",
                "edgeagent_harness.outside", "serve", "--fd", str(fd)]  # fmt: skip

    supervising.supervisor_command = starter.supervisor_command = command
    if name == "supervisor_outside":
        early = fork_unfiltered()
        entering.Starter.fork = classmethod(lambda cls, families: early)  # pyright: ignore[reportAttributeAccessIssue]
        descriptors.refuse_network = lambda: None


def fork_unfiltered() -> starter.Starter:
    """A starter in the network outside, without a filter."""
    real, giving_up.forbid_calls = giving_up.forbid_calls, lambda *given: ""
    try:
        return starter.Starter.fork(())
    finally:
        giving_up.forbid_calls = real


def main(name: str, scratch: Path) -> None:
    plant(name, scratch)
    offline.enter()
    from edgeagent.engine import EmbeddedModel, open_model
    from edgeagent.ports import Model, Prompt, Reply
    from edgeagent.runner import ModelChoice, Runner, RunRequest
    from edgeagent.testing import AllowAll, as_reply
    from edgeagent_harness.protocol.actions import Finish
    from edgeagent_harness.protocol.messages import DesktopSpec

    class Waiting(EmbeddedModel):
        async def complete(self, prompt: Prompt) -> Reply:
            (scratch / "going").touch()
            end_s = time.monotonic() + WAIT_S
            while not (scratch / "go").exists() and time.monotonic() < end_s:  # noqa: ASYNC110
                await asyncio.sleep(0.05)  # another process makes the file
            return as_reply(Finish(reason="nothing to do"))

    @asynccontextmanager
    async def real_engine(choice: ModelChoice, seed: int, restarted: Callable[[str], None]) -> AsyncGenerator[Model]:
        async with open_model("embedded", "", seed, restarted) as model:
            assert isinstance(model, EmbeddedModel)
            yield Waiting(model.engine, "session")

    runner = Runner(gate=AllowAll(), open_model=real_engine)
    asyncio.run(runner.start(RunRequest("nothing", DesktopSpec(320, 240, offline=True))))


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main(sys.argv[1], Path(sys.argv[2]))

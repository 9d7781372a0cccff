"""`exec` and `shell`: run a command in a sandbox as an application would run there."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Sequence

from edgeagent_harness.errors import PolicyViolated, SandboxGone
from edgeagent_harness.outside.containment.launch import Sandbox
from edgeagent_harness.outside.plan import NotStarted, Plan
from edgeagent_harness.outside.terminal import Relay
from edgeagent_harness.protocol.audit import Entry

_NOT_FOUND = 127


async def run(plan: Plan, argv: Sequence[str], on_audited: Callable[[Entry], None]) -> int:
    """Run ``argv`` with this process's standard streams; returns what a shell would say of its end."""
    exited: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def on_exited(_request_id: int, code: int) -> None:
        if not exited.done():
            exited.set_result(code)

    box = Sandbox(on_exited, on_audited)
    try:
        await box.start(plan)
        relay = Relay()
        with relay.running():
            await box.spawn(tuple(argv), wait_window=False, stdio=relay.stdio, terminal=relay.controlling)
            await asyncio.wait([exited, box.gone], return_when=asyncio.FIRST_COMPLETED)
        if box.violated or not exited.done():
            raise (PolicyViolated if box.violated else SandboxGone)(await box.gone)
        code = exited.result()
        return 128 - code if code < 0 else code
    except NotStarted as error:
        print(f"edgeagent sandbox: {error}", file=sys.stderr)
        return _NOT_FOUND
    finally:
        await box.kill()

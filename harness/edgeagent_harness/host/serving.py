"""From a request to start on the user's own desktop to a running supervisor."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from dataclasses import replace

import msgspec

from edgeagent_harness.errors import HarnessError
from edgeagent_harness.host import drivers
from edgeagent_harness.host.box import HostBox
from edgeagent_harness.outside.launch import Plan
from edgeagent_harness.outside.supervisor import Supervisor
from edgeagent_harness.protocol import messages, stream
from edgeagent_harness.protocol.messages import HostSpec


def serve(app: socket.socket, start: messages.Start, spec: HostSpec, make_plan: Callable[[messages.DesktopSpec], Plan]) -> int:
    """Serve the app until it is done. The policy's containment does not hold here; its gate is the app's own."""
    try:
        driver = drivers.find()
        choice = drivers.choose(driver, spec)
        bare = msgspec.structs.replace(start.spec, home="", shared_dirs=(), host=None)
        plan = replace(make_plan(bare), width=choice.region.width, height=choice.region.height)
    except HarnessError as error:
        stream.send(app, messages.Failed(start.id, error.code, str(error)[:4000]))
        return 1
    asyncio.run(_supervise(app, start, plan, lambda on_exited: HostBox(spec, driver, choice, on_exited)))
    return 0


async def _supervise(
    app: socket.socket, start: messages.Start, plan: Plan, open_box: Callable[[Callable[[int, int], None]], HostBox]
) -> None:
    await Supervisor(app, plan, start, lambda on_exited, _on_audited: open_box(on_exited)).run()

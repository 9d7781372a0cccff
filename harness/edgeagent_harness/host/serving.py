"""From a request to start on the user's own desktop to a running supervisor."""

from __future__ import annotations

import asyncio
import hashlib
import select
import socket
import sys
from collections.abc import Callable

from edgeagent_harness.errors import HarnessError, UsageProblem
from edgeagent_harness.host import drivers
from edgeagent_harness.host.box import HostBox
from edgeagent_harness.outside.containment.runtime import Runtime
from edgeagent_harness.outside.containment.sandbox import Binds
from edgeagent_harness.outside.plan import Plan
from edgeagent_harness.outside.supervisor import Supervisor
from edgeagent_harness.policy.parse import parse
from edgeagent_harness.protocol import messages, stream
from edgeagent_harness.protocol.geometry import Rect
from edgeagent_harness.protocol.messages import HostSpec


def serve(app: socket.socket, start: messages.Start, spec: HostSpec) -> int:
    """Serve the app until it is done. The policy's containment does not hold here; its gate is the app's own."""
    try:
        driver = drivers.find()
        choice = drivers.choose(driver, spec, lambda: bool(select.select([app], [], [], 0)[0]))
        plan = _plan(start.spec, choice.region)
    except HarnessError as error:
        stream.send(app, messages.Failed(start.id, error.code, str(error)[:4000]))
        return 1
    asyncio.run(_supervise(app, start, plan, lambda on_exited: HostBox(spec, driver, choice, on_exited)))
    return 0


def _plan(spec: messages.DesktopSpec, region: Rect) -> Plan:
    """Nothing is bound and nothing is limited; what a policy says is checked like any other. Raises `UsageProblem`."""
    if spec.offline:
        raise UsageProblem("offline mode cannot be honoured here: the user's own desktop has a network")
    rules = parse(spec.policy_yaml, spec.policy_name)
    digest = hashlib.sha256(spec.policy_yaml.encode()).hexdigest()
    name = spec.policy_name if spec.policy_yaml else "locked"
    nothing = Runtime(sys.executable, (), ())
    return Plan(region.width, region.height, Binds("", (), (), (), ()), rules, nothing, policy_name=name, policy_sha256=digest)


async def _supervise(
    app: socket.socket, start: messages.Start, plan: Plan, open_box: Callable[[Callable[[int, int], None]], HostBox]
) -> None:
    await Supervisor(app, plan, start, lambda on_exited, _on_audited: open_box(on_exited)).run()

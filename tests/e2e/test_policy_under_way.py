"""A policy is edited, extended and broken while a real run goes on: the sandbox's programs feel it at once; a person is told."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest
from support import policy_run
from support.egress_world import OTHER_WEB, WEB, world

from edgeagent.recording.audit_trail import AUDIT_NAME
from edgeagent_harness.audit import verify
from edgeagent_harness.policy.files import profile_text

pytestmark = pytest.mark.sandbox


async def test_endpoints_come_and_go_under_way(tmp_path: Path) -> None:
    policy, root = tmp_path / "my.yaml", tmp_path / "sessions"
    policy.write_text(profile_text("web"))
    root.mkdir()
    async with world(tmp_path, {"allowed.example": [WEB], "evil.example": [OTHER_WEB]}) as internet:
        argv = (*internet.enter(), sys.executable, policy_run.__file__, str(root), str(policy))
        process = await asyncio.create_subprocess_exec(*argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        async with asyncio.timeout(100):
            out, problems = await process.communicate()
    assert process.returncode == 0, problems.decode()
    run = json.loads(out)
    session = run["session"]
    mend = "(not among network.egress.endpoints); to allow it: edgeagent policy allow"
    assert run["outcome"] == "done"
    told = run["told"]
    # One edit, told by the supervisor (endpoints) and by the app (what is for later): each when it knows.
    told[4:6] = sorted(told[4:6])
    assert told == [
        *(f"denied: {host}:80 {mend} {host}:80 --session {session}" for host in policy_run.HOSTS),
        "the policy was read anew",
        "allowed by the user: evil.example:80",
        "the policy was read anew",
        "the policy was read anew; resource_limits: takes effect at the next start",
        f"the policy's old endpoints still hold: {policy}, line 1: unknown key 'nonsense'; known here: "
        "agent_profile, audit, enforcement, execution_environment, gate, network, on_violation, redaction, resource_limits, "
        "secrets, system_calls, teleport, version",
    ]
    assert verify(root / session / AUDIT_NAME).problems == []

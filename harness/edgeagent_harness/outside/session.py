"""From a request to start to a running sandbox and its supervisor: plan it, drop root, go on as an ordinary user."""

from __future__ import annotations

import asyncio
import hashlib
import os
import socket
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from edgeagent_harness.audit import AuditDamaged, AuditLog
from edgeagent_harness.errors import HarnessError, UsageProblem
from edgeagent_harness.outside import command, offline
from edgeagent_harness.outside.containment import cgroups, homes, policy_check, rootdrop, runtime
from edgeagent_harness.outside.containment.launch import Sandbox
from edgeagent_harness.outside.containment.sandbox import Binds
from edgeagent_harness.outside.plan import Plan
from edgeagent_harness.outside.supervisor import Supervisor
from edgeagent_harness.policy import files
from edgeagent_harness.policy.parse import parse
from edgeagent_harness.policy.would_deny import WouldDeny
from edgeagent_harness.protocol import messages, stream
from edgeagent_harness.protocol.audit import Entry


def execute(argv: Sequence[str], home: str, policy: str, audit_file: Path | None, be_offline: bool) -> int:
    """Run ``argv`` in a sandbox of its own, audited in ``audit_file`` if there is one; returns its exit code."""
    chosen = files.load(policy) if policy else files.PolicyText("locked", "")
    plan = make_plan(messages.DesktopSpec(home=home, policy_yaml=chosen.text, policy_name=chosen.name, offline=be_offline))
    for hidden in filter(None, (chosen.path, audit_file)):
        _check_hidden(str(hidden), plan.binds)
    # Opened before root is dropped: who runs the sandbox may not even be able to see it.
    log = _open_audit(audit_file)
    with cgroups.group_for(plan.policy) as group:
        return rootdrop.run(lambda ready: _run_command(ready, argv, log), replace(plan, group=group))


def _run_command(plan: Plan, argv: Sequence[str], log: AuditLog | None) -> int:
    let_through = WouldDeny()

    def audited(entry: Entry) -> None:
        if log:
            log.append(entry)
        let_through.add(entry)

    try:
        return asyncio.run(command.run(plan, argv, audited))
    finally:
        for line in let_through.lines():
            print(f"edgeagent sandbox: without `log` in on_violation this would have been denied: {line}", file=sys.stderr)


def _open_audit(path: Path | None) -> AuditLog | None:
    if path is None:
        return None
    try:
        return AuditLog(path)
    except (OSError, AuditDamaged) as error:
        raise UsageProblem(f"the audit file {path} cannot be written: {error}. Name a new one") from error


def make_plan(spec: messages.DesktopSpec) -> Plan:
    """What ``spec`` and its policy come to. Raises `UsageProblem`."""
    rules = parse(spec.policy_yaml, spec.policy_name)
    if spec.offline:
        rules = offline.enforce(rules, spec.policy_name)
    found = runtime.find()
    policy_check.check(rules, spec.policy_name, found.host_paths)
    home = homes.check(spec.home, "home", found.host_paths) if spec.home else ""
    _check_apart(home, rules.read_write)
    shared = tuple((homes.check_shared(path), os.path.normpath(path)) for path in spec.shared_dirs)
    binds = Binds(home, rules.read_only, rules.read_write, shared, rules.tmpfs)
    width, height = rules.width or spec.width, rules.height or spec.height
    name = spec.policy_name if spec.policy_yaml else "locked"
    digest = hashlib.sha256(spec.policy_yaml.encode()).hexdigest()
    return Plan(width, height, binds, rules, found, spec.session_bus, spec.accept_missing, name, digest)


def _check_hidden(file: str, binds: Binds) -> None:
    """The sandbox must see neither its policy nor what is written down of it."""
    shown = (binds.home, *binds.read_only, *binds.read_write, *(source for source, _ in binds.shared))
    for directory in filter(None, shown):
        if os.path.commonpath((directory, os.path.realpath(file))) == directory:
            raise UsageProblem(f"{file} lies in {directory}, which the sandbox sees; keep policy and audit somewhere else")


def _check_apart(home: str, writable: tuple[str, ...]) -> None:
    """Root lends each of them as a whole, and takes it back as a whole."""
    for path in writable if home else ():
        if os.path.commonpath((home, path)) in (home, path):
            raise UsageProblem(f"the home {home} and the writable directory {path} lie one in the other; name separate ones")


def serve_desktop(app: socket.socket, start: messages.Start) -> int:
    """Serve the app a sandboxed desktop until it is done; returns an exit code."""
    try:
        plan = make_plan(start.spec)
        with cgroups.group_for(plan.policy) as group:
            return rootdrop.run(lambda ready: _supervise(app, ready, start), replace(plan, group=group), app)
    except HarnessError as error:
        stream.send(app, messages.Failed(start.id, error.code, str(error)[:4000]))
        return 1


def _supervise(app: socket.socket, plan: Plan, start: messages.Start) -> int:
    async def supervise() -> None:
        await Supervisor(app, plan, start, Sandbox).run()

    asyncio.run(supervise())
    return 0

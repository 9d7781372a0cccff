"""The policy of a run while it goes on: its file is watched, and what the user allows is handed on.

Only ``network.egress.endpoints`` changes under a running sandbox. A broken edit keeps the old ones, and says so.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import os
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol, runtime_checkable

import msgspec

from edgeagent.errors import DesktopError, EnvironmentProblem, UsageError
from edgeagent.policy.allowed import ALLOWED_NAME, allowed_in
from edgeagent.policy.loading import policy_file, read_policy
from edgeagent_harness.errors import UsageProblem
from edgeagent_harness.policy import files
from edgeagent_harness.policy.hosts import endpoint_text
from edgeagent_harness.policy.types import Endpoint, Policy
from edgeagent_harness.protocol import audit
from edgeagent_harness.protocol.messages import DesktopSpec

_POLL_S = 0.25
"""A change is acted on once it has stood for one poll: editors write in more than one go."""
_MAX_REASON = 500
_SECTIONS = {
    "profile": "agent_profile", "width": "execution_environment", "height": "execution_environment",
    "read_only": "execution_environment", "read_write": "execution_environment", "tmpfs": "execution_environment",
    "browser_sandbox": "execution_environment", "egress": "network", "extra_denied": "system_calls",
    "re_permitted": "system_calls", "executor_denied": "system_calls", "limits": "resource_limits",
    "violations": "on_violation", "accept_missing": "enforcement",
}  # fmt: skip
"""Field of a policy -> the section of its file."""

Signature = tuple[int, int, int, int]
"""Device, inode, size, time of change (ns): another one is another content."""
_MISSING: Signature = (0, 0, 0, 0)


@runtime_checkable
class PermittingDesktop(Protocol):
    """A sandbox whose endpoints can be changed. What it changes, its supervisor lists in the audit."""

    async def reload(self, policy_yaml: str) -> None: ...

    async def allow_endpoint(self, endpoint: Endpoint) -> None: ...


def with_current_policy(spec: DesktopSpec) -> DesktopSpec:
    """``spec`` of a recorded session with its policy as the file is now; one that cannot be used is told by whoever watches it.

    Raises `EnvironmentProblem` if the policy forbids the network to this program now, which did not give it up, and `UsageError`
    if it names another audit log: a session has one, which its recording vouches for.
    """
    file = policy_file(spec.policy_name) if spec.policy_yaml else None
    if file is None:
        return spec
    try:
        text = files.read_file(file)
        now, before = read_policy(text, spec.policy_name), read_policy(spec.policy_yaml, spec.policy_name)
    except (UsageProblem, UsageError):
        return spec
    if now.egress.mode == "offline" and before.egress.mode != "offline" and not spec.offline:
        mend = "go on with: edgeagent --offline sessions resume ID"
        raise EnvironmentProblem(f"{file} says offline now, and this program is not", mend)
    if now.audit.path != before.audit.path:
        mend = f"write path: {before.audit.path} again, or start a new session"
        raise UsageError(f"{file}: audit.path is {now.audit.path!r} now; this session is audited in {before.audit.path}", mend)
    return msgspec.structs.replace(spec, policy_yaml=text)


class LivePolicy:
    """The policy of one run. Each sandbox that it starts, starts with the same; then its endpoints are brought up to date."""

    def __init__(self, spec: DesktopSpec, session: Path, audited: Callable[[audit.Entry], None]) -> None:
        self._name = spec.policy_name
        self._file = policy_file(spec.policy_name) if spec.policy_yaml else None
        self._session = session
        self._audited = audited
        self._started_text = self._text = spec.policy_yaml
        self.policy = read_policy(spec.policy_yaml, self._name)
        """What every sandbox of this run is started with."""
        self._endpoints = self.policy.egress.endpoints
        self._allowed: set[Endpoint] = set()
        self._refusal = ""
        """What was told last of a file that cannot be used; empty once it can."""

    @asynccontextmanager
    async def watching(self, desktop: object) -> AsyncGenerator[None]:
        """Watch for the duration of a ``with`` block. What cannot be written down ends the block with its error."""
        if not isinstance(desktop, PermittingDesktop):
            yield
            return
        self._text, self._endpoints = self._started_text, self.policy.egress.endpoints
        self._allowed.clear()
        body = asyncio.current_task()
        task = asyncio.create_task(self._watch(desktop))
        task.add_done_callback(lambda done: body.cancel() if body and not done.cancelled() and done.exception() else None)
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait([task])
            if task.done() and not task.cancelled() and (error := task.exception()):
                raise error

    async def _watch(self, desktop: PermittingDesktop) -> None:
        """Until cancelled, or the sandbox is gone: whoever works with it is told of that."""
        watches = [_Watch(self._session / ALLOWED_NAME, lambda: self._take_allowed(desktop))]
        if self._file:
            watches.append(_Watch(self._file, lambda: self._take_file(desktop)))
        with contextlib.suppress(DesktopError):
            while True:
                for watch in watches:
                    try:
                        await watch.look()
                    except (UsageProblem, UsageError) as problem:
                        self._refuse(str(problem))
                await asyncio.sleep(_POLL_S)

    async def _take_file(self, desktop: PermittingDesktop) -> None:
        text = self._read()
        policy = read_policy(text, self._name)
        refused, self._refusal = self._refusal, ""
        if text == self._text and not refused:
            return
        endpoints, later = policy.egress.endpoints, self._later(policy)
        self._text = text
        changed = self.policy.egress.mode == "allowlist" and endpoints != self._endpoints
        if changed:
            await desktop.reload(text)
            self._endpoints = endpoints
        if later:
            reason = f"{', '.join(later)}: takes effect at the next start"
            self._audited(audit.PolicyChanged(True, reason, endpoints=self._listed()))
        elif refused and not changed:
            self._audited(
                audit.PolicyChanged(True, "it can be read again; the endpoints are as before", endpoints=self._listed())
            )

    async def _take_allowed(self, desktop: PermittingDesktop) -> None:
        for endpoint in allowed_in(self._session):
            if endpoint in self._allowed:
                continue
            self._allowed.add(endpoint)
            mode = self.policy.egress.mode
            if mode != "allowlist":
                raise UsageError(f"{endpoint_text(endpoint)} cannot be allowed: network.egress.mode is {mode!r} in this session")
            await desktop.allow_endpoint(endpoint)

    def _read(self) -> str:
        return files.read_file(self._file) if self._file else self._text

    def _later(self, policy: Policy) -> list[str]:
        """Sections of the file that say something else than the running sandbox was started with, endpoints aside."""
        old, new = (
            dataclasses.replace(one, egress=dataclasses.replace(one.egress, endpoints=())) for one in (self.policy, policy)
        )
        fields = (field.name for field in dataclasses.fields(Policy) if field.compare)
        return sorted({_SECTIONS.get(name, name) for name in fields if getattr(old, name) != getattr(new, name)})

    def _refuse(self, reason: str) -> None:
        if reason != self._refusal:
            self._refusal = reason
            self._audited(audit.PolicyChanged(False, reason[:_MAX_REASON], endpoints=self._listed()))

    def _listed(self) -> tuple[str, ...]:
        return tuple(endpoint_text(endpoint) for endpoint in self._endpoints)


class _Watch:
    """Calls back when a file is another than it was, once that has stood for one look. A missing file is one too."""

    def __init__(self, path: Path, changed: Callable[[], Awaitable[None]]) -> None:
        self._path = path
        self._changed = changed
        self._seen: Signature | None = None
        self._told: Signature | None = None

    async def look(self) -> None:
        """One look."""
        try:
            status = os.stat(self._path)
            now = (status.st_dev, status.st_ino, status.st_size, status.st_ctime_ns)
        except OSError:
            now = _MISSING
        stands, self._seen = now == self._seen, now
        if stands and now != self._told:
            self._told = now
            await self._changed()

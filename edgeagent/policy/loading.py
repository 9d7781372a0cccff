"""The policy of a run: found by its name or path, read, and kept where the sandbox cannot reach it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from edgeagent.errors import UsageError
from edgeagent.settings import config_path
from edgeagent_harness.errors import UsageProblem
from edgeagent_harness.policy import files
from edgeagent_harness.policy.files import PolicyText
from edgeagent_harness.policy.parse import parse
from edgeagent_harness.policy.types import Policy
from edgeagent_harness.protocol.messages import DesktopSpec


def load_policy(choice: str) -> tuple[PolicyText, Policy]:
    """The profile or file ``choice`` and what it says; empty: the locked default. Raises `UsageError`."""
    if not choice:
        return PolicyText("locked", ""), Policy()
    try:
        found = files.load(choice)
        return found, parse(found.text, found.name)
    except UsageProblem as problem:
        raise UsageError(str(problem)) from problem


def read_policy(text: str, name: str) -> Policy:
    """What ``text`` says; ``name`` is what errors call it. Raises `UsageError`."""
    try:
        return parse(text, name)
    except UsageProblem as problem:
        raise UsageError(str(problem)) from problem


def policy_file(name: str) -> Path | None:
    """The file of the policy that is called ``name``, if it is no profile."""
    return Path(name) if os.path.isabs(name) else None


def keep_apart(spec: DesktopSpec, policy: Policy, sessions: Path, agent_file: str = "") -> None:
    """Raise `UsageError` if the sandbox of ``spec`` would see its policy's or its agent's file, the program's settings and keys,
    or the records of sessions."""
    file = policy_file(spec.policy_name) if spec.policy_yaml else None
    private = [(sessions.parent / "keys", "the key that statements are signed with"), (config_path().parent, "the settings")]
    for path, option in _visible(spec, policy):
        if file and any(_within(inner, path) for inner in (os.path.realpath(file), str(file))):
            raise UsageError(f"{option} {path} shows the policy {file} to the sandbox", "keep the policy somewhere else")
        if agent_file and any(_within(inner, path) for inner in (os.path.realpath(agent_file), agent_file)):
            raise UsageError(f"{option} {path} shows the agent {agent_file} to the sandbox", "keep the agent somewhere else")
        for hidden, what in private:
            real = os.path.realpath(hidden)
            if _within(real, path) or _within(path, real):
                raise UsageError(f"{option} {path} shows {what} to the sandbox", "name a directory made for the sandbox")
        if _within(os.path.realpath(sessions), path) or _is_record(path, os.path.realpath(sessions)):
            raise UsageError(f"{option} {path} shows recorded sessions to the sandbox", "name a directory made for the sandbox")


def _visible(spec: DesktopSpec, policy: Policy) -> Iterator[tuple[str, str]]:
    """(directory without symlinks, what names it) of each host directory that can be seen inside."""
    if spec.home:
        yield os.path.realpath(spec.home), "--home"
    yield from ((os.path.realpath(path), "the shared directory") for path in spec.shared_dirs)
    yield from ((os.path.realpath(path), "filesystem.read_only") for path in policy.read_only)
    yield from ((os.path.realpath(path), "filesystem.read_write") for path in policy.read_write)


def _is_record(path: str, sessions: str) -> bool:
    """Whether ``path`` is a session's directory or lies in one, its home aside."""
    if not _within(path, sessions):
        return False
    parts = os.path.relpath(path, sessions).split("/")
    return len(parts) < 2 or parts[1] != "home"


def _within(path: str, top: str) -> bool:
    return path == top or path.startswith(f"{top.rstrip('/')}/")

"""From what the user wrote to a run, with every part of it checked."""

from __future__ import annotations

from edgeagent import offline
from edgeagent.cli.offline import settle_offline
from edgeagent.cli.run import application, existing, page
from edgeagent.errors import UsageError
from edgeagent.policy.loading import load_policy
from edgeagent.runner import RunRequest
from edgeagent.tui.choices import model_choice
from edgeagent.tui.task_input import with_files
from edgeagent.tui.wanted import Wanted
from edgeagent_harness.protocol.messages import DesktopSpec


def run_request(task: str, wanted: Wanted) -> RunRequest:
    """The run that does ``task``. Raises `UsageError` or `EnvironmentProblem` saying what is wrong with which part."""
    page(wanted.url)
    text, policy = load_policy(wanted.policy)
    if policy.egress.mode == "offline" and not offline.is_offline():
        raise UsageError(f"{text.name} is an offline policy", "leave, and start again with: edgeagent --offline")
    settle_offline(False, policy.egress, text.name, wanted.url)
    spec = DesktopSpec(
        applications=(application(wanted.applications, wait_window=not wanted.url),) if wanted.applications else (),
        url=wanted.url,
        home=existing(wanted.home, "folder", "directory"),
        policy_yaml=text.text,
        policy_name=text.name,
        offline=offline.is_offline(),
    )
    return RunRequest(with_files(task), spec, model_choice(wanted.model or "embedded"), mode=wanted.mode)

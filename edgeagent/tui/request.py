"""From what the user wrote to a run, with every part of it checked."""

from __future__ import annotations

from dataclasses import replace

from edgeagent import offline
from edgeagent.agents.agent import Agent
from edgeagent.agents.applying import Said, completed
from edgeagent.agents.reading import load
from edgeagent.cli.offline import settle_offline
from edgeagent.cli.run import application, chosen, existing, page, require_file
from edgeagent.errors import UsageError
from edgeagent.policy.loading import load_policy
from edgeagent.policy.narrowing import narrowed, stricter
from edgeagent.runner import RunRequest
from edgeagent.tui.choices import model_words
from edgeagent.tui.task_input import with_files
from edgeagent.tui.wanted import Wanted
from edgeagent_harness.protocol.messages import DesktopSpec


def run_request(task: str, wanted: Wanted) -> RunRequest:
    """The run that does ``task``. Raises `UsageError` or `EnvironmentProblem` saying what is wrong with which part.

    The mode that was chosen beforehand is one at the least: where the policy or the agent permits less, that holds.
    """
    agent = load(wanted.agent)
    model, mmproj = model_words(wanted.model)
    applications = (wanted.applications,) if wanted.applications else ()
    said = completed(Said(applications, wanted.url, wanted.home, model, mmproj, policy=wanted.policy), agent)
    page(said.url)
    require_file(said.url, said.home, said.applications)
    text, policy = load_policy(said.policy)
    if policy.egress.mode == "offline" and not offline.is_offline():
        raise UsageError(f"{text.name} is an offline policy", "leave, and start again with: edgeagent --offline")
    settle_offline(False, policy.egress, text.name, said.url)
    spec = DesktopSpec(
        applications=tuple(application(command, wait_window=not said.url) for command in said.applications),
        url=said.url,
        home=existing(said.home, "folder", "directory"),
        policy_yaml=text.text,
        policy_name=text.name,
        offline=offline.is_offline(),
    )
    choice = chosen(said.model or "embedded", said.mmproj, said.family)
    mode = stricter(narrowed(policy, agent).gate.mode, wanted.mode)
    return RunRequest(with_files(task), spec, choice, said.limits, mode=mode, agent=agent)


def giving_way(wanted: Wanted, begun: Wanted, agent: Agent | None) -> Wanted:
    """``wanted`` with nothing said where it is as it was ``begun`` by the settings and ``agent`` says something else."""
    if agent is None:
        return wanted
    model = "" if agent.model and wanted.model == begun.model else wanted.model
    policy = "" if agent.policy and wanted.policy == begun.policy else wanted.policy
    return replace(wanted, model=model, policy=policy, mode=stricter(wanted.mode, agent.mode or None))

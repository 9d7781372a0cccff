"""What an agent means, in plain words: for the command line, the terminal app and plain mode."""

from __future__ import annotations

from collections.abc import Iterator

from edgeagent.agents.agent import Agent
from edgeagent.agents.reading import is_own

_MODES = {
    "plan": "only looks; nothing is done",
    "ask": "asks before each action that no rule decides",
    "bounded": "does only what a rule of the policy allows",
    "auto": "does what no rule decides",
}
_EMBEDDED = ("", "embedded")


def in_words(agent: Agent) -> Iterator[tuple[str, str]]:
    """(what, how) of everything that ``agent`` says, what it may do first."""
    if agent.description:
        yield "does", agent.description
    if agent.actions:
        yield "may do", f"{', '.join(agent.actions)}; nothing else, whatever the policy allows"
    if agent.ask:
        yield "asks before", f"{', '.join(agent.ask)}; in every mode"
    if agent.mode:
        yield "mode", f"{agent.mode}: {_MODES[agent.mode]}; where the policy's mode permits less, that"
    if limits := ", ".join(_limits(agent)):
        yield "at most", limits
    if agent.policy:
        yield "policy", agent.policy
    if agent.model:
        yield "model", " ".join(filter(None, (agent.model, agent.mmproj)))
    if start := ", ".join(_start(agent)):
        yield "starts with", start
    if agent.prompt.strip():
        yield "prompt", agent.prompt.strip()
        if agent.model in _EMBEDDED:
            yield "", "(the embedded model goes by the task alone: it does not read this)"
    yield "file", agent.source if is_own(agent) else f"{agent.source} (not in your own folder: it cannot widen anything)"


def _limits(agent: Agent) -> Iterator[str]:
    limits = agent.limits
    for value, words in (
        (limits.max_steps, "actions"),
        (limits.timeout_s, "s a run"),
        (limits.max_tokens, "tokens"),
        (limits.max_typed_characters, "typed characters"),
        (limits.max_files_written, "files written"),
    ):
        if value:
            yield f"{value:.15g} {words}"


def _start(agent: Agent) -> Iterator[str]:
    yield from agent.start.apps
    if agent.start.url:
        yield agent.start.url
    if agent.start.home:
        yield f"the home {agent.start.home}"

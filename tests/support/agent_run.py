"""A form that is filled in as an agent: the model tries what the agent forbids, and notes what it is told."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from support import form_run

from edgeagent.action import Action
from edgeagent.agents.agent import Agent, AgentLimits
from edgeagent.limits import Limits
from edgeagent.ports import Model, Prompt, Reply
from edgeagent.runner import ModelChoice, Runner
from edgeagent.sessions.store import SessionStore
from edgeagent.testing import as_reply
from edgeagent_harness.protocol.actions import Key
from edgeagent_harness.protocol.messages import DesktopSpec

PROMPT = "Write dates as 2026-11-30."
AGENT = Agent("forms", prompt=PROMPT, actions=("click", "type"), limits=AgentLimits(max_steps=9))
POLICY = "gate: {limits: {max_typed_characters: 40}}"
REQUEST = replace(form_run.REQUEST, agent=AGENT, desktop=DesktopSpec(320, 220, policy_yaml=POLICY), limits=Limits(max_steps=9))
TRIES = (2, 6)
"""After so many steps it presses a key, which the agent does not permit, until it is refused."""
TOLD_VARIABLE = "EDGEAGENT_TOLD"


def step(prompt: Prompt) -> Reply | Action:
    """As `form_run.step`, but for the tries."""
    history = prompt.history
    line = json.dumps({"pid": os.getpid(), "steps": len(history.steps), "told": history.told, "feedback": history.feedback})
    with Path(os.environ[TOLD_VARIABLE]).open("a") as file:
        file.write(line + "\n")
    if len(history.steps) in TRIES and not history.feedback:
        return as_reply(Key(("ctrl", "s")))
    return form_run.step(prompt)


@asynccontextmanager
async def open_model(choice: ModelChoice, seed: int, restarted: Callable[[str], None]) -> AsyncGenerator[Model]:
    yield form_run.PacedModel(step)


def make(store: SessionStore) -> Runner:
    """What workers run."""
    return Runner(store, open_desktop=form_run.open_desktop, open_model=open_model)

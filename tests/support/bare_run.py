"""A session in a real sandbox whose model closes what is in front, or leaves it, and then waits."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

from support.form_run import PacedModel

from edgeagent.action import Action
from edgeagent.limits import Limits
from edgeagent.ports import Model, Prompt, Reply
from edgeagent.runner import ModelChoice, Runner, RunRequest
from edgeagent.sessions.store import SessionStore
from edgeagent_harness.protocol.actions import Finish, Key, Wait
from edgeagent_harness.protocol.messages import Application, DesktopSpec

STEPS = 6
CLOSED, OPEN = "close what is in front", "leave it"


def request(task: str, *programs: Application) -> RunRequest:
    return RunRequest(task, DesktopSpec(400, 300, applications=programs), limits=Limits(timeout_s=120))


def step(prompt: Prompt) -> Reply | Action:
    done = len(prompt.history.steps)
    if done == 0 and prompt.task == CLOSED:
        return Key(("alt", "F4"))
    return Wait(50) if done < STEPS else Finish("done", "looked")


@asynccontextmanager
async def open_model(choice: ModelChoice, seed: int, restarted: Callable[[str], None]) -> AsyncGenerator[Model]:
    yield PacedModel(step)


def make(store: SessionStore) -> Runner:
    """What workers run: real sandboxes."""
    return Runner(store, open_model=open_model)

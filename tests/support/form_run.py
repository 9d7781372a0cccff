"""A form of ten steps on a desktop in memory: what is typed is gone with the desktop, and each submission is counted outside.

`make` is what workers are started with; `EDGEAGENT_WITNESS` names the file that stands for the receiving server.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from edgeagent.action import Action
from edgeagent.ports import Deed, Model, Prompt, Reply
from edgeagent.runner import ModelChoice, Runner, RunRequest
from edgeagent.sessions.store import SessionStore
from edgeagent.testing import Button, Checkbox, FakeDesktop, ScriptedModel, TextField, as_reply
from edgeagent_harness.protocol.actions import Click, Finish, Type
from edgeagent_harness.protocol.geometry import Rect
from edgeagent_harness.protocol.messages import DesktopSpec, Guard, SettleSpec
from edgeagent_models.protocol import Element

FIELDS = [Rect(10, 10 + 30 * row, 200, 32 + 30 * row) for row in range(4)]
BOX, SUBMIT = Rect(10, 130, 100, 146), Rect(10, 160, 100, 182)
TEXTS = ("Ada", "Lovelace", "ada@example.org", "London")
WITNESS_VARIABLE = "EDGEAGENT_WITNESS"
PACE_VARIABLE = "EDGEAGENT_PACE_S"
HOLD_VARIABLE = "EDGEAGENT_HOLD"
"""Names a file with a number of steps: while it is there, the model decides on no more."""
STEPS = 10
_MAX_HELD_S = 120.0


class WitnessedDesktop(FakeDesktop):
    """Writes down what took place, with the process that did it; a submission with what was in the form."""

    def __init__(self) -> None:
        fields = [TextField(f"field {row}", box) for row, box in enumerate(FIELDS)]
        super().__init__([*fields, Checkbox("agree", BOX), Button("Submit", SUBMIT)], 320, 220)

    async def perform(self, action: Action, settle: SettleSpec, guard: Guard | None = None) -> Deed:
        deed = await super().perform(action, settle, guard)
        if deed.effect.performed and isinstance(action, Click) and SUBMIT.contains(*action.point.pixel()):
            texts = [self.widget(TextField, f"field {row}").text for row in range(4)]
            _submitted([*texts, self.widget(Checkbox, "agree").checked])
        return deed


def _submitted(form: list[object]) -> None:
    with Path(os.environ[WITNESS_VARIABLE]).open("a") as file:
        file.write(json.dumps({"pid": os.getpid(), "form": form}) + "\n")


def step(prompt: Prompt) -> Reply | Action:
    """The next step of the form, by how many were done."""
    done = len(prompt.history.steps)
    if done < 8:
        row = done // 2
        target = Element(0, "text_field", FIELDS[row])
        action: Action = Type(TEXTS[row]) if done % 2 else Click(FIELDS[row].centre)
    elif done == 8:
        action, target = Click(BOX.centre), Element(0, "checkbox", BOX)
    elif done == 9:
        action, target = Click(SUBMIT.centre), Element(0, "button", SUBMIT)
    else:
        return Finish("done", "sent")
    reply = as_reply(action)
    return Reply(reply.text, target=target)


class PacedModel(ScriptedModel):
    """Takes its time, as `EDGEAGENT_PACE_S` and `EDGEAGENT_HOLD` say."""

    async def complete(self, prompt: Prompt) -> Reply:
        async with asyncio.timeout(_MAX_HELD_S):
            while _held(len(prompt.history.steps)):  # noqa: ASYNC110 - a file tells nobody when it goes
                await asyncio.sleep(0.05)
        await asyncio.sleep(float(os.environ.get(PACE_VARIABLE, "0")))
        return await super().complete(prompt)


def _held(steps: int) -> bool:
    try:
        return steps >= int(Path(os.environ[HOLD_VARIABLE]).read_text())
    except (KeyError, FileNotFoundError):
        return False


@asynccontextmanager
async def open_desktop(spec: DesktopSpec) -> AsyncGenerator[WitnessedDesktop]:
    yield WitnessedDesktop()


@asynccontextmanager
async def open_model(choice: ModelChoice, seed: int, restarted: Callable[[str], None]) -> AsyncGenerator[Model]:
    yield PacedModel(step)


def make(store: SessionStore) -> Runner:
    """What workers run."""
    return Runner(store, open_desktop=open_desktop, open_model=open_model)


REQUEST = RunRequest("fill in the form and send it", DesktopSpec(320, 220))

"""Two windows in a real sandbox: put somewhere by their user, exchanged by the model at its third step; it waits otherwise."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
from support.form_run import PacedModel

from edgeagent.action import Action
from edgeagent.limits import Limits
from edgeagent.ports import Desktop, Model, Prompt, Reply
from edgeagent.runner import ModelChoice, Runner, RunRequest
from edgeagent.sessions.store import SessionStore
from edgeagent.teleport.windows import ArrangingDesktop
from edgeagent_harness.protocol.actions import Finish, Key, Wait
from edgeagent_harness.protocol.messages import Application, DesktopSpec, SettleSpec

SIZE_PX = (800, 600)
PLACES = ((60, 40, 520, 320), (250, 200, 530, 380))
"""x, y, width, height of the lower and of the upper window."""
STEPS = 6


def request(home: Path, browser: bool) -> RunRequest:
    """Two editors, or an editor and a browser."""
    home.mkdir(parents=True)
    files = ("erste Liste ä.txt",) if browser else ("erste Liste ä.txt", "second.txt")
    for name in files:
        (home / name).write_text(f"This is {name}\n")
    editors = tuple(Application(("sh", "-c", f'exec mousepad --disable-server "$HOME/{name}"')) for name in files)
    spec = DesktopSpec(*SIZE_PX, str(home), editors, "about:blank" if browser else "")
    return RunRequest("leave the windows where they are", spec, limits=Limits(timeout_s=120))


def step(prompt: Prompt) -> Reply | Action:
    match len(prompt.history.steps):
        case 2:
            return Key(("alt", "Tab"))
        case done if done < STEPS:
            return Wait(50)
        case _:
            return Finish("done", "waited")


@asynccontextmanager
async def put_in_place(desktop: Desktop) -> AsyncGenerator[None]:
    """As its user would, before the first step: the window opened last is the upper one."""
    assert isinstance(desktop, ArrangingDesktop)
    there = (await desktop.arrange()).windows
    assert len(there) == 2
    for _ in range(2):
        moved = (
            msgspec.structs.replace(window, x=x, y=y, width=width, height=height, state="normal", focused=window is there[-1])
            for window, (x, y, width, height) in zip(there, PLACES, strict=True)
        )
        await desktop.arrange(tuple(moved))
        await desktop.observe(SettleSpec(expect="nothing"))
    yield


@asynccontextmanager
async def open_model(choice: ModelChoice, seed: int, restarted: Callable[[str], None]) -> AsyncGenerator[Model]:
    yield PacedModel(step)


def make(store: SessionStore) -> Runner:
    """What workers run: real sandboxes."""
    return Runner(store, open_model=open_model)

"""Going back in a session: what that undoes, and what nothing can undo, is said before it is done."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

from textual.app import App

from edgeagent.clock import SystemClock
from edgeagent.sessions.branching import Undone, rewind, undone_by_rewind
from edgeagent.sessions.store import SessionStore
from edgeagent.tui.dialog import ConfirmScreen
from edgeagent.tui.rows import not_done
from edgeagent.words import describe

_MAX_TOLD = 8
_HOMES = {
    "restored": "The sandbox's home is put back to what it was then.",
    "as_it_is": "The sandbox's home stays as it is: it was not kept at that step, or is a folder of yours.",
}


async def rewound(app: App[None], directory: Path, step: int) -> bool:
    """Rewind the session in ``directory`` to ``step`` if the user says so; whether it was. In a worker.

    Raises `EdgeAgentError` for a step that is not there, and for a session that cannot be changed.
    """
    store = SessionStore(directory.parent)
    undone = await asyncio.to_thread(undone_by_rewind, store, directory.name, step)
    if not await app.push_screen_wait(question(undone, step)):
        return False
    await asyncio.to_thread(rewind, store, directory.name, step, SystemClock())
    return True


def question(undone: Undone, step: int) -> ConfirmScreen:
    """Whether to go back to ``step``, and what that comes to."""
    title = f"Go back to step {step}?" if step else "Go back to the beginning?"
    return ConfirmScreen(title, list(undone_lines(undone)), "Go back", "Stay")


def undone_lines(undone: Undone) -> Iterator[str]:
    """What a rewind comes to, a line each."""
    count = len(undone.steps)
    yield f"{not_done(count)}; {'it stays' if count == 1 else 'they stay'} recorded:"
    shown = undone.steps if len(undone.steps) <= _MAX_TOLD else undone.steps[: _MAX_TOLD - 1]
    for step in shown:
        yield f"  {step.number}  {describe(step.action, step.target)}"
    if len(shown) < len(undone.steps):
        yield f"  … and {len(undone.steps) - len(shown)} more"
    yield _HOMES[undone.home]
    yield "Applications are started again; what they had not saved is gone."
    if undone.not_undoable:
        yield "Cannot be undone:"
        yield from (f"  {effect}" for effect in undone.not_undoable)
    else:
        yield "Nothing outside of the home is known to have changed."

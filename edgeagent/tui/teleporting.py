"""Moving a session from the terminal app: whether it may leave, which backend it goes to, and the screen that shows it."""

from __future__ import annotations

import asyncio
from pathlib import Path

from textual.app import App

from edgeagent.errors import EdgeAgentError
from edgeagent.sessions.whereabouts import whereabouts
from edgeagent.teleport.backends import backend, backends
from edgeagent.teleport.pushing import require_permitted
from edgeagent.tui.connect_screen import ConnectScreen
from edgeagent.tui.dialog import Choice, ChoiceScreen, TellScreen
from edgeagent.tui.teleport_screen import Ended, TeleportScreen
from edgeagent.tui.working import RunThread

_ANOTHER = "+"
"""The choice of a backend that was not connected to yet; no name can be that."""


async def teleported(app: App[None], directory: Path, run: RunThread | None, held: bool) -> Ended:
    """Hand the session in ``directory`` over, if its user says so. In a worker.

    ``run`` works on it now; ``held``: before an action.
    """
    try:
        await asyncio.to_thread(require_permitted, directory)
        name = await _which(app, directory)
        if name is None:
            return "not moved"
        screen = TeleportScreen(directory, name, backend(name).url, "push", run, held)
    except EdgeAgentError as error:
        await app.push_screen_wait(TellScreen("It cannot be moved", refusal_lines(error)))
        return "not moved"
    return await app.push_screen_wait(screen)


async def taken_back(app: App[None], directory: Path, name: str) -> bool:
    """Fetch the session in ``directory`` from the backend called ``name``; whether it is here then. In a worker."""
    try:
        screen = TeleportScreen(directory, name, backend(name).url, "pull")
    except EdgeAgentError as error:
        await app.push_screen_wait(TellScreen("It cannot be taken back", refusal_lines(error)))
        return False
    return await app.push_screen_wait(screen) == "moved"


async def _which(app: App[None], directory: Path) -> str | None:
    """The backend that the user chooses; the one that a hand-over which was cut off was to. Raises `UsageError`."""
    now = whereabouts(directory)
    if now.phase == "handing_over":
        return now.remote
    known = backends()
    if not known:
        return await app.push_screen_wait(ConnectScreen())
    if len(known) == 1:
        return next(iter(known))
    choices = [Choice(name, name, one.url) for name, one in known.items()]
    choices.append(Choice(_ANOTHER, "another one …", "a backend that was not connected to yet"))
    chosen = await app.push_screen_wait(ChoiceScreen("Which backend?", choices, now.remote))
    return await app.push_screen_wait(ConnectScreen()) if chosen == _ANOTHER else chosen


def refusal_lines(error: EdgeAgentError) -> list[str]:
    """The reason, and the way out."""
    return [f"{str(error).rstrip('.')}.", "", *error.hint.splitlines()]

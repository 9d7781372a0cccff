"""Asked before anything leaves this machine for a model elsewhere."""

from __future__ import annotations

from textual.app import App

from edgeagent.remote_names import is_remote, remote_name
from edgeagent.tui.dialog import ConfirmScreen


async def may_leave(app: App[None], model: str) -> bool:
    """Whether ``model`` may be shown the screens; only of one elsewhere the user is asked. In a worker."""
    if not is_remote(model):
        return True
    lines = (f"From here on {remote_name(model).notice()}.",)
    return await app.push_screen_wait(ConfirmScreen("This leaves your machine", lines, "Send it"))

"""Workers on a desktop in memory that use their backend's own models: `make` is what they are started with."""

from __future__ import annotations

from support.form_run import open_desktop

from edgeagent.runner import Runner
from edgeagent.sessions.store import SessionStore


def make(store: SessionStore) -> Runner:
    """The model is whatever the backend has for the session's."""
    return Runner(store, open_desktop=open_desktop)

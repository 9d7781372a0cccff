"""A real GGUF model on a desktop in memory: what workers of a backend run that has one."""

from __future__ import annotations

from support import form_run

from edgeagent.runner import Runner
from edgeagent.sessions.store import SessionStore


def make(store: SessionStore) -> Runner:
    """The session's own model, with its engine."""
    return Runner(store, open_desktop=form_run.open_desktop)

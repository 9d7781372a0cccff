"""Takes a session in from a bundle: made aside, checked, and only then put among the sessions."""

from __future__ import annotations

import os
from pathlib import Path

from edgeagent import events
from edgeagent.clock import SystemClock
from edgeagent.engine.expected import expected_fingerprint
from edgeagent.errors import BundleRefused, SessionError
from edgeagent.ports import Clock
from edgeagent.recording.log import LOG_NAME, EventLog
from edgeagent.recording.log_reading import read_log
from edgeagent.recording.problems import recording_problem
from edgeagent.sessions.store import SessionStore
from edgeagent.teleport.engine_state import lay_out, leave_out, settle_in
from edgeagent.teleport.foreign import require_harmless
from edgeagent.teleport.manifest import Manifest
from edgeagent.teleport.plan import model_of
from edgeagent.teleport.unpacking import MAX_BYTES, ChunkSource, Progress, remove, unpack

STAGING_NAME = "arriving"
"""Beside the sessions, on the same file system."""


def take_in(
    store: SessionStore,
    manifest: Manifest,
    source: ChunkSource,
    origin: str,
    clock: Clock | None = None,
    max_bytes: int = MAX_BYTES,
    progress: Progress | None = None,
    trusted: bool = False,
    known: bool = False,
) -> Path:
    """The directory of the new session. ``origin`` is what its log says it came from; ``trusted``: it may ask for things of this
    machine's own (`edgeagent.teleport.foreign`). ``known``: so is whoever signed it, so that an engine may take its state.

    Raises `SessionError` if there is one of that id, `BundleRefused` if the bundle is not sound; then nothing is left of it.
    """
    target = store.root / manifest.session
    if os.path.lexists(target):
        raise SessionError(
            f"there is a session {manifest.session} already", f"`edgeagent sessions rm {manifest.session}` removes it"
        )
    staging = store.root.parent / STAGING_NAME / f"{manifest.session}.{os.getpid()}"
    remove(staging)
    unpack(manifest, source, staging, max_bytes, progress)
    try:
        if not trusted:
            require_harmless(event.data for event in read_log(staging / LOG_NAME).events)
    except BundleRefused:
        remove(staging)
        raise
    if known:
        lay_out(manifest, source, staging)
    else:
        leave_out(manifest, staging, "whoever signed the bundle is not known here")
    log, contents = EventLog.open(staging / LOG_NAME, manifest.session, clock or SystemClock())
    with log:
        model = model_of(event.data for event in contents.events)
        state = settle_in(staging, manifest.session, lambda: expected_fingerprint(model.model, model.mmproj, model.family))
        log.append(events.TakenBack(origin, 0, state))
        log.sync()
    try:
        store.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.rename(staging, target)
    except OSError as error:
        remove(staging)
        raise recording_problem(error, target) from error
    return target

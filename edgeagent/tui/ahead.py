"""A session that ended, into which its user begins to type: its model is loaded while they do."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

from edgeagent.errors import EdgeAgentError
from edgeagent.recording.log import LOG_NAME
from edgeagent.recording.log_reading import read_log
from edgeagent.sessions.whereabouts import whereabouts


async def expect_to_go_on(directory: Path) -> None:
    """Have the engine of the session in ``directory`` ready. Where it cannot be, whoever goes on is told why."""
    with contextlib.suppress(EdgeAgentError, OSError):
        await asyncio.to_thread(_expect, directory)


def _expect(directory: Path) -> None:
    from edgeagent.engine import expect
    from edgeagent.teleport.plan import model_of

    if whereabouts(directory).here:
        now = model_of(event.data for event in read_log(directory / LOG_NAME).events)
        expect(now.model, now.mmproj, now.family, directory.name)

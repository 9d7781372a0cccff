"""The `Sink` of a run whose home is kept after each step: read while the model thinks, done before anything else is acted on."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from edgeagent import events
from edgeagent.errors import RecordingError
from edgeagent.homes.kept import KeptHomes, KeptNow
from edgeagent.ports import Sink
from edgeagent.screen import Screen


class KeepingSink:
    """Keeps ``home`` (None: it is not the session's own) when an effect is noted; the next intent waits for it."""

    def __init__(self, sink: Sink, directory: Path, home: Path | None) -> None:
        self._sink = sink
        self._homes = KeptHomes(directory)
        self._home = home
        self._under_way: asyncio.Task[events.HomeKept] | None = None

    async def emit(self, data: events.EventData) -> None:
        if isinstance(data, events.Intent | events.RunEnded | events.DesktopWasLost):
            await self._finish()
        await self._sink.emit(data)
        match data:
            case events.Observed() if self._homes.first and self._under_way is None:
                self._begin(0)
            case events.Acted(step=step) | events.Reconciled(step=step):
                await self._finish()
                self._begin(step)
            case _:
                pass

    async def keep_frame(self, screen: Screen) -> str:
        return await self._sink.keep_frame(screen)

    async def flush(self) -> None:
        await self._sink.flush()

    async def close(self) -> None:
        """Wait for what is under way."""
        try:
            await self._finish()
        finally:
            self._homes.close()

    def _begin(self, step: int) -> None:
        if self._home is not None:
            self._under_way = asyncio.create_task(asyncio.to_thread(self._keep, self._home, step))

    def _keep(self, home: Path, step: int) -> events.HomeKept:
        began_s = time.perf_counter()
        try:
            kept = self._homes.keep(home, step)
        except (OSError, RecordingError) as error:  # it must not end a run whose own recording still goes on
            kept = KeptNow(0, 0, 0, (f"the home could not be kept: {error}",))
        return events.HomeKept(step, kept.files, kept.changed, kept.bytes_stored, _ms_since(began_s), kept.left_out)

    async def _finish(self) -> None:
        under_way, self._under_way = self._under_way, None
        if under_way is not None:
            fact = await asyncio.shield(under_way)
            if fact.changed or fact.left_out:
                await self._sink.emit(fact)


def _ms_since(began_s: float) -> float:
    return round((time.perf_counter() - began_s) * 1000, 3)

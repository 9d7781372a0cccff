"""The sink of a run: scrubbed of secrets, written down, timed, and told to whoever listens."""

from __future__ import annotations

from collections.abc import Callable

from edgeagent import events
from edgeagent.ports import Sink
from edgeagent.screen import Screen
from edgeagent.timings import StepTimings, TimingFold

Listener = Callable[[events.EventData], None]


class NotingSink:
    """The session's recording, told to listeners as well and timed."""

    def __init__(
        self,
        sink: Sink,
        listeners: list[Listener],
        on_frame: Callable[[str, Screen], None] | None,
        scrub: Callable[[events.EventData], events.EventData],
    ) -> None:
        self._sink = sink
        self._scrub = scrub
        self._listeners = listeners
        self._on_frame = on_frame
        self._fold = TimingFold()
        self.timings: list[StepTimings] = []

    async def emit(self, data: events.EventData) -> None:
        """Write ``data`` down, then tell it: without any secret's value, whoever put it there."""
        data = self._scrub(data)
        await self._sink.emit(data)
        timings = self._fold.advance(data)
        if timings is not None:
            self.timings.append(timings)
        for listener in self._listeners:
            listener(data)

    async def keep_frame(self, screen: Screen) -> str:
        frame = await self._sink.keep_frame(screen)
        if self._on_frame is not None:
            self._on_frame(frame, screen)
        return frame

    async def flush(self) -> None:
        await self._sink.flush()

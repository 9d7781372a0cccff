"""The `Sink` of a run with redaction: whenever what is masked changes, it is written down what was, and by which rule."""

from __future__ import annotations

from edgeagent import events
from edgeagent.ports import Sink
from edgeagent.redaction.screens import RedactingDesktop
from edgeagent.redaction.texts import Patterns
from edgeagent.screen import Screen


class MaskNoting:
    """Wraps the recording."""

    def __init__(self, sink: Sink, patterns: Patterns) -> None:
        self._sink = sink
        self._patterns = patterns
        self._areas: tuple[events.MaskedArea, ...] = ()
        self.desktop: RedactingDesktop | None = None
        """Whose screens are kept."""

    async def emit(self, data: events.EventData) -> None:
        await self._sink.emit(data)
        if self._patterns.taken_out:
            texts = dict(self._patterns.taken_out)
            self._patterns.taken_out.clear()
            await self._sink.emit(events.Masked(texts=texts))

    async def keep_frame(self, screen: Screen) -> str:
        frame = await self._sink.keep_frame(screen)
        areas = self.desktop.areas_of(screen) if self.desktop is not None else self._areas
        if areas != self._areas:
            self._areas = areas
            await self._sink.emit(events.Masked(frame, areas))
        return frame

    async def flush(self) -> None:
        await self._sink.flush()

"""Reads a recorded session: on read-only directories, while a writer is active, and as far as it goes when damaged."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from edgeagent.errors import RecordingDamaged, RecordingError
from edgeagent.events import Acted, Event, Intent, Observed, Reconciled
from edgeagent.history import History, Step, fold
from edgeagent.recording.frame_index import PACK_NAME
from edgeagent.recording.frames import Frame, FrameReader
from edgeagent.recording.log import LOG_NAME
from edgeagent.recording.log_reading import Damage, LogContents, read_log
from edgeagent.recording.tiles import content_id

SHOWN = (Observed, Intent, Acted, Reconciled)
"""The events that name a screen."""


@dataclass(frozen=True, slots=True)
class SessionReader:
    """One session on disk, as it was when opened."""

    directory: Path
    contents: LogContents
    frames: FrameReader

    @classmethod
    def open(cls, directory: Path) -> SessionReader:
        """Read the session in ``directory``. Raises `RecordingError` only if there is no log at all."""
        try:
            contents = read_log(directory / LOG_NAME)
            return cls(directory, contents, FrameReader(directory))
        except OSError as error:
            raise RecordingError(
                f"cannot read {directory / LOG_NAME}: {error.strerror}", "is this the directory of a session?"
            ) from error

    def events(self) -> list[Event]:
        """All events that could be read, oldest first."""
        return list(self.contents.events)

    def history(self) -> History:
        """What the model remembers of it."""
        return fold(event.data for event in self.contents.events)

    def steps(self) -> tuple[Step, ...]:
        """The executed actions with their effects."""
        return self.history().steps

    def frame(self, frame_id: str) -> Frame:
        """The frame of this content id, exact to the bit. Raises `RecordingDamaged` if it cannot be read."""
        return self.frames.read(frame_id)

    def damage(self) -> list[Damage]:
        """Everything that is not as it was written; a torn tail is no damage."""
        return [*self.contents.damage, *self.frames.damage, *self._missing_frames()]

    def altered_frames(self) -> list[Damage]:
        """Screens that do not have the pixels that the events' names for them say, as one damage. Looks at each pixel: slow."""
        altered = [name for name in self._named_frames() if not self._is_genuine(name)]
        return [Damage(0, f"{PACK_NAME}: {len(altered)} of the screens are not those that were recorded")] if altered else []

    def _is_genuine(self, frame_id: str) -> bool:
        try:
            found = self.frame(frame_id)
        except RecordingDamaged:
            return False
        return content_id(found.width, found.height, found.pixels) == frame_id

    def _named_frames(self) -> dict[str, None]:
        named = (event.data for event in self.contents.events if isinstance(event.data, SHOWN))
        return dict.fromkeys(fact.frame for fact in named if fact.frame)

    def _missing_frames(self) -> list[Damage]:
        """Screens that events name and that the pack does not hold, as one damage."""
        missing = [name for name in self._named_frames() if name not in self.frames]
        return [Damage(0, f"{PACK_NAME}: {len(missing)} of the screens are not there")] if missing else []

    def close(self) -> None:
        self.frames.close()

    def __enter__(self) -> SessionReader:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

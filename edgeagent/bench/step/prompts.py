"""What a recorded session asked its model, to be asked again: the same screens, the same histories."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from edgeagent import events
from edgeagent.errors import UsageError
from edgeagent.history import History, advance
from edgeagent.ports import Prompt
from edgeagent.recording.reader import SessionReader
from edgeagent.screen import Screen
from edgeagent.timings import StepTimings, step_timings
from edgeagent_harness.protocol.frames import FrameInfo


@dataclass(frozen=True, slots=True)
class Recorded:
    """The questions of one session in order, and what its steps cost outside the model when it was recorded."""

    session: str
    prompts: tuple[Prompt, ...]
    timings: tuple[StepTimings, ...]


@dataclass(frozen=True, slots=True)
class Asking:
    """The model was asked with this history, looking at this frame."""

    history: History
    frame: str


def askings(facts: Iterable[events.EventData]) -> list[Asking]:
    """Every time that the model was asked, one for each executed step: of replies to the same step the last counts. Pure."""
    history, frame = History(), ""
    found: dict[int, Asking] = {}
    for fact in facts:
        if isinstance(fact, events.Replied) and frame:
            found[history.next_step] = Asking(history, frame)
        history = advance(history, fact)
        if isinstance(fact, events.Observed | events.Acted | events.Reconciled):
            frame = fact.frame
    return list(found.values())


def recorded(reader: SessionReader, steps: int) -> Recorded:
    """The first ``steps`` questions of the session (0: all). Raises `UsageError` if it has fewer."""
    facts = [event.data for event in reader.events()]
    asked = askings(facts)
    name = reader.directory.name
    if not asked:
        raise UsageError(f"session {name} has no step to replay", "name one that has: edgeagent sessions list")
    if steps > len(asked):
        raise UsageError(f"session {name} asked its model {len(asked)} times, not {steps}", f"use --steps {len(asked)} or less")
    chosen = asked[:steps] if steps else asked
    task = asked[-1].history.task
    prompts = tuple(Prompt(task, _screen(reader, asking.frame, place), asking.history) for place, asking in enumerate(chosen))
    return Recorded(name, prompts, tuple(step_timings(facts))[: len(chosen)])


def _screen(reader: SessionReader, frame_id: str, place: int) -> Screen:
    frame = reader.frame(frame_id)
    return Screen(FrameInfo(place, frame.width, frame.height, 0), frame.pixels)

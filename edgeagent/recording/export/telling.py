"""Folds a session's events into its `Story`. Damaged logs are told as far as they go."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import msgspec

from edgeagent import events
from edgeagent.events import Event
from edgeagent.recording.export.notes import notes_of
from edgeagent.recording.export.phases import added, model_phases, settle_phases, with_rest
from edgeagent.recording.export.story import Ending, Note, StepStory, Story
from edgeagent.recording.log_reading import Damage
from edgeagent.recording.reader import SessionReader
from edgeagent.words import describe
from edgeagent_harness.protocol.effects import Effect
from edgeagent_harness.protocol.messages import DesktopSpec
from edgeagent_models.protocol import Usage

_YEAR_9999_S = 253_370_764_800.0
_DIED = "the program died while this was under way; the screen was looked at again"


@dataclass(slots=True)
class _Telling:
    """What is known so far. The fields after ``steps`` belong to the step that is being told."""

    created: events.SessionCreated
    started: events.RunStarted = field(default_factory=lambda: events.RunStarted("new"))
    runs: int = 0
    run_began_s: float = 0.0
    worked_s: float = 0.0
    steps: list[StepStory] = field(default_factory=list[StepStory])
    ended: events.RunEnded | None = None
    open: StepStory | None = None
    frame: str = ""
    notes: list[Note] = field(default_factory=list[Note])
    phases: dict[str, float] = field(default_factory=dict[str, float])
    reply: events.Replied | None = None
    usage: Usage = field(default_factory=Usage)
    time_s: float = 0.0
    model: str = ""
    """Which decides."""
    marked_s: float = 0.0
    """When the step that is being told began: the last effect, the first look, or the start of the run."""

    def take(self, event: Event) -> None:
        self.time_s = time_s = possible_time(event)
        match event.data:
            case events.RunStarted() as started:
                self._start(started, time_s)
            case events.Observed(frame=frame):
                # A run's first look belongs to its start, not to a step: `edgeagent.timings` counts the same way.
                self.frame, self.marked_s = frame, time_s
            case events.Replied() as reply:
                self.reply = reply
                self.usage = _sum(self.usage, reply.usage)
                self._spend(model_phases(reply.timings_ms))
            case events.Verdict(judge_ms=judge_ms) as verdict:
                self._spend({"judge_ms": judge_ms})
                if not verdict.allow:
                    self.notes.append(Note("warning", "Refused by the gate", verdict.reason or verdict.rule))
            case events.Intent() as intent:
                self._open(intent, time_s)
            case events.Acted() as acted:
                self._close(acted, time_s)
            case events.Reconciled(screen_changed=changed, frame=frame):
                self._reconcile(Effect("unverifiable" if changed else "suspected_noop", message=_DIED), frame, time_s)
            case events.RunEnded() as ended:
                self.ended = ended
            case events.Rewound(to_step=to_step) as rewound:
                self._rewind(to_step)
                self.notes.extend(notes_of(rewound))
            case other:
                if isinstance(other, events.SessionCreated | events.ModelChanged):
                    self.model = other.model
                self.notes.extend(notes_of(other))
        if self.runs:
            self.worked_s = max(self.worked_s, time_s - self.run_began_s)

    def _start(self, started: events.RunStarted, time_s: float) -> None:
        if self.runs:
            self.notes.append(Note("info", _TAKEN_UP.get(started.reason, started.reason)))
        # Time between runs does not count: the new run's clock starts where the old one's stopped.
        self.run_began_s = time_s - self.worked_s
        self.runs += 1
        self.started, self.ended, self.marked_s = started, None, time_s

    def _spend(self, phases: dict[str, float]) -> None:
        self.phases = added(self.phases, phases)

    def _open(self, intent: events.Intent, time_s: float) -> None:
        if self.open:
            self._keep(self.open)
        reply = self.reply or events.Replied("")
        self.open = StepStory(
            intent.step, intent.action, intent.thought, intent.target, None, intent.frame, "", reply.text, self.usage,
            reply.score, self.phases, time_s, time_s, tuple(self.notes), self.model if intent.by == "model" else "",
        )  # fmt: skip
        self._begin_next()

    def _close(self, acted: events.Acted, time_s: float) -> None:
        if self.open is None:
            self.notes.append(Note("error", f"Effect of step {acted.step} without its intent", acted.effect.status))
            return
        spent = {"act_ms": acted.act_ms, "capture_ms": acted.capture_ms, "record_ms": acted.record_ms}
        phases = added(added(self.open.phases_ms, spent), settle_phases(acted.settle))
        phases = with_rest(phases, (time_s - self.marked_s) * 1000)
        self._keep(replace(self.open, effect=acted.effect, frame_after=acted.frame, phases_ms=phases, ended_s=time_s))
        self.frame, self.marked_s = acted.frame, time_s

    def _reconcile(self, effect: Effect, frame: str, time_s: float) -> None:
        if self.open:
            self._keep(replace(self.open, effect=effect, frame_after=frame, notes=(*self.open.notes, *self.notes)))
            self._begin_next()
        self.frame, self.marked_s = frame, time_s

    def _rewind(self, to_step: int) -> None:
        """Steps that were taken back are told in words alone."""
        if self.open:
            self._keep(self.open)
        dropped = [step for step in self.steps if step.number > to_step]
        self.steps = [step for step in self.steps if step.number <= to_step]
        told = "; ".join(f"{step.number}. {describe(step.action, step.target)}" for step in dropped)
        self.notes.append(Note("info", "Taken back", told or "nothing"))

    def _keep(self, step: StepStory) -> None:
        self.steps.append(step)
        self.open = None

    def _begin_next(self) -> None:
        self.notes, self.phases, self.reply, self.usage = [], {}, None, Usage()

    def ending(self) -> Ending:
        if self.open:
            self._keep(self.open)
        ended, reply = self.ended, self.reply.text if self.reply else ""
        return Ending(
            ended.outcome if ended else "", ended.message if ended else "", ended.answer if ended else "", _thought(reply),
            reply, self.frame, with_rest(self.phases, 0.0), self.usage, tuple(self.notes), self.time_s,
        )  # fmt: skip


_TAKEN_UP = {
    "resumed": "Taken up again",
    "desktop_restarted": "The desktop was started again",
    "forked": "Forked from another session",
    "new": "Started again",
}


def tell(reader: SessionReader) -> Story:
    """The story of the session that ``reader`` has open."""
    recorded = reader.events()
    first = recorded[0] if recorded else None
    telling = _Telling(_created(recorded))
    for event in recorded:
        telling.take(event)
    ending, created = telling.ending(), telling.created
    return Story(
        session=first.session if first else reader.directory.name,
        agent=first.agent if first else "",
        parent=first.parent if first else "",
        task=created.task,
        model=created.model,
        works_as=created.agent.name if created.agent else "",
        version=created.version,
        seed=created.seed,
        width_px=created.desktop.width,
        height_px=created.desktop.height,
        machine=telling.started.machine,
        start_ms=telling.started.start_ms,
        layers=telling.started.layers,
        missing_layers=telling.started.missing_layers,
        began_s=possible_time(first) if first else 0.0,
        worked_s=telling.worked_s,
        runs=telling.runs,
        steps=tuple(telling.steps),
        ending=ending,
        damage=_damage(reader),
    )


def possible_time(event: Event) -> float:
    """When ``event`` was written; a log of unknown origin can hold a time that no calendar has."""
    return min(max(event.time, 0.0), _YEAR_9999_S)


def _damage(reader: SessionReader) -> tuple[Damage, ...]:
    """What is not as it was written, and what this version cannot read."""
    skipped = reader.contents.skipped
    newer = [Damage(0, f"{skipped} events of a newer format cannot be read by this version")] if skipped else []
    return (*reader.damage(), *newer)


def _created(recorded: list[Event]) -> events.SessionCreated:
    """The first event, or what can be said when it is lost."""
    for event in recorded:
        if isinstance(event.data, events.SessionCreated):
            return event.data
    return events.SessionCreated("(the record of the task is lost)", "", DesktopSpec(), "")


def _sum(left: Usage, right: Usage) -> Usage:
    return Usage(
        left.prompt_tokens + right.prompt_tokens,
        left.cached_tokens + right.cached_tokens,
        left.image_tokens + right.image_tokens,
        left.output_tokens + right.output_tokens,
    )


class _Thought(msgspec.Struct, frozen=True):
    thought: str = ""


def _thought(reply: str) -> str:
    try:
        return msgspec.json.decode(reply, type=_Thought).thought
    except msgspec.MsgspecError:
        return ""

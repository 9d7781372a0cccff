"""Facts as rows of the timeline: what was done, what came of it, what it cost. Pure; live and recorded sessions share it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from edgeagent import events
from edgeagent.recording.export.marks import Mark, action_marks, effect_marks
from edgeagent.timings import TimingFold, phases_line
from edgeagent.words import describe, effect_words, printable
from edgeagent_harness.policy.hosts import endpoint_text
from edgeagent_harness.policy.types import Endpoint
from edgeagent_harness.protocol import audit

Tone = Literal["plain", "good", "unsure", "bad", "user", "end"]

_EFFECT_TONES: dict[str, Tone] = {
    "confirmed": "good", "partial": "good", "unverifiable": "unsure", "suspected_noop": "unsure", "refused": "bad",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Row:
    """One entry of the timeline."""

    key: str
    """Rows with the same key replace each other: a step is told when it begins and again when it is done."""
    title: str
    tone: Tone = "plain"
    detail: str = ""
    cost: str = ""
    frame: str = ""
    """Content id of the screen to show for it."""
    marks: tuple[Mark, ...] = ()
    before: str = ""
    """Content id of the screen that the action was decided on."""
    before_marks: tuple[Mark, ...] = ()
    place: str = ""
    """``HOST:PORT`` that was denied to the sandbox, and that the user could permit."""


class Timeline:
    """Folds facts into rows."""

    def __init__(self) -> None:
        self._timings = TimingFold()
        self._step: Row | None = None
        self._notices = 0
        self._last: Row | None = None
        """The step whose screen notices are shown with."""
        self.doing = "starting the sandbox and the model"
        """What is going on at the moment, in words."""
        self.denied = ""
        """The place that was denied last."""
        self.steps = 0
        self.last_ms = 0.0

    def advance(self, fact: events.EventData) -> Row | None:
        """The row that ``fact`` adds or changes."""
        timings = self._timings.advance(fact)
        match fact:
            case events.Intent():
                title = f"{fact.step}  {describe(fact.action, fact.target)}"
                marks = action_marks(fact.action, fact.target)
                self.doing = describe(fact.action, fact.target)
                self._step = Row(
                    f"step-{fact.step}", title, detail=printable(fact.thought), frame=fact.frame, marks=marks,
                    before=fact.frame, before_marks=marks,
                )  # fmt: skip
                return self._step
            case events.Acted() if self._step is not None:
                self.doing, self.steps = "deciding", fact.step
                self.last_ms = timings.total_ms if timings else 0.0
                done = replace(
                    self._step, title=f"{self._step.title} → {effect_words(fact.effect)}",
                    tone=_EFFECT_TONES.get(fact.effect.status, "plain"), cost=phases_line(timings) if timings else "",
                    frame=fact.frame, marks=effect_marks(fact.effect),
                )  # fmt: skip
                self._step, self._last = None, done
                return done
            case events.Observed() | events.RunStarted():
                self.doing = "deciding"
                return None
            case _:
                return self._notice(fact)

    def _notice(self, fact: events.EventData) -> Row | None:
        told = _told(fact)
        if told is None:
            return None
        return self._row(*told)

    def audited(self, entry: audit.Entry) -> Row | None:
        """The row that an entry of the audit adds: what was denied, and what the user permitted."""
        told = _audited(entry)
        if told is None:
            return None
        place = _permissible(entry)
        self.denied = place or self.denied
        return replace(self._row(*told), place=place)

    def _row(self, tone: Tone, title: str) -> Row:
        self._notices += 1
        last = self._last
        if last is None:
            return Row(f"notice-{self._notices}", title, tone)
        return Row(f"notice-{self._notices}", title, tone, frame=last.frame, before=last.before)


def _permissible(entry: audit.Entry) -> str:
    match entry:
        case audit.Connection(decision="denied", client="sandbox", host=host, port=port) if host and port:
            return endpoint_text(Endpoint(host, port))
        case _:
            return ""


def _audited(entry: audit.Entry) -> tuple[Tone, str] | None:
    match entry:
        case audit.Connection(decision="denied", host=host, port=port, reason=reason):
            return "bad", f"network: {printable(host)}:{port} denied, {printable(reason)}"
        case audit.Connection(decision="would_deny", host=host, port=port):
            return "unsure", f"network: {printable(host)}:{port} would be denied"
        case audit.SystemCall(decision="denied", call=call, command=command):
            return "bad", f"system call {call} by {printable(command)} denied"
        case audit.LimitPassed(limit=limit, used=used, allowed=allowed, unit=unit):
            return "bad", f"limit on {limit} passed: {used:g} of {allowed:g} {unit}".rstrip()
        case audit.PolicyChanged(accepted=accepted, reason=reason):
            return ("plain" if accepted else "bad"), f"policy {'read anew' if accepted else 'not read anew'}: {printable(reason)}"
        case audit.UserAllowed(host=host, port=port, scope=scope):
            return "user", f"you permitted {printable(host)}:{port} ({scope})"
        case _:
            return None


def _told(fact: events.EventData) -> tuple[Tone, str] | None:
    match fact:
        case events.SessionCreated(task=task):
            return "user", printable(task)
        case events.UserMessage(text=text):
            return "user", f"you: {printable(text)}"
        case events.Verdict(allow=False, reason=reason):
            return "bad", f"denied: {printable(reason)}"
        case events.Malformed(error=error):
            return "unsure", f"not an action: {printable(error)}"
        case events.DesktopWasLost(reason=reason):
            return "bad", f"the sandbox was lost: {printable(reason)}"
        case events.EngineRestarted(reason=reason):
            return "unsure", f"the engine was restarted: {printable(reason)}"
        case events.Reconciled(step=step, screen_changed=changed):
            seen = "the screen has changed since" if changed else "the screen is as before"
            return "unsure", f"step {step} was under way when the program died; {seen}; it is not repeated"
        case events.LogRepaired(bytes_cut=count):
            return "unsure", f"the recording ended in half an event: {count} bytes were cut off and kept"
        case events.Memorized(fact=text):
            return "plain", f"remembers: {printable(text)}"
        case events.RunEnded(outcome=outcome, message=message, answer=answer):
            return "end", f"{outcome}: {printable(answer or message)}".rstrip(": ")
        case _:
            return None

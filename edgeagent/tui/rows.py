"""Facts as rows of the timeline: what was done, what came of it, what it cost. Pure; live and recorded sessions share it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from edgeagent import events
from edgeagent.counts import counted, less_told
from edgeagent.recording.export.marks import Mark, action_marks, effect_marks
from edgeagent.remote_names import model_name
from edgeagent.timings import TimingFold, phases_line
from edgeagent.tui.metrics import Metrics
from edgeagent.words import describe, effect_words, printable, restored_words, with_more
from edgeagent_harness.policy.hosts import endpoint_text
from edgeagent_harness.policy.types import Endpoint
from edgeagent_harness.protocol import audit

Tone = Literal["plain", "good", "unsure", "bad", "user", "end"]

_EFFECT_TONES: dict[str, Tone] = {
    "confirmed": "good", "partial": "good", "unverifiable": "unsure", "suspected_noop": "unsure", "refused": "bad",
}  # fmt: skip


STARTING = "starting the sandbox and the model"


@dataclass(frozen=True, slots=True)
class Row:
    """One entry of the timeline."""

    key: str
    """Rows with the same key replace each other: a step is told when it begins and again when it is done."""
    title: str
    tone: Tone = "plain"
    detail: str = ""
    cost: str = ""
    total_ms: float = 0.0
    tokens: str = ""
    """What the model read and wrote for it."""
    step: int = 0
    """Number of the step; 0: none."""
    frame: str = ""
    """Content id of the screen to show for it."""
    marks: tuple[Mark, ...] = ()
    before: str = ""
    """Content id of the screen that the action was decided on."""
    before_marks: tuple[Mark, ...] = ()
    place: str = ""
    """``HOST:PORT`` that was denied to the sandbox, and that the user could permit."""
    pending: bool = False
    """About to be done, or being done."""

    @property
    def spoken(self) -> str:
        """On one line, without its tokens."""
        return ". ".join(filter(None, (" ".join(self.title.split()), self.detail, self.cost)))

    @property
    def lines(self) -> tuple[str, ...]:
        """All of it in words."""
        return tuple(filter(None, (self.title, self.detail, self.cost, self.tokens)))


class Timeline:
    """Folds facts into rows."""

    def __init__(self) -> None:
        self._timings = TimingFold()
        self._step: Row | None = None
        self._notices = self._rewinds = 0
        self._last: Row | None = None
        """The step whose screen notices are shown with."""
        self.doing = STARTING
        """What is going on at the moment, in words."""
        self._held = ""
        """Why it is held, while it is; what is done meanwhile changes nothing about that."""
        self.denied = ""
        """The place that was denied last."""
        self.metrics = Metrics()
        self.mode = ""
        self.model = ""
        self.layers: tuple[str, ...] = ()
        self.missing_layers: tuple[str, ...] = ()
        self.steps = 0
        self.last_ms = 0.0

    def advance(self, fact: events.EventData) -> Row | None:
        """The row that ``fact`` adds or changes."""
        timings = self._timings.advance(fact)
        self.metrics.advance(fact)
        match fact:
            case events.Intent():
                whose = "you: " if fact.by == "user" else ""
                title = f"{fact.step}  {whose}{describe(fact.action, fact.target)}"
                marks = action_marks(fact.action, fact.target)
                self.doing = describe(fact.action, fact.target)
                self._step = Row(
                    self._key(fact.step), title, detail=printable(fact.thought) if fact.by == "model" else "",
                    tokens=self.metrics.tokens_line() if fact.by == "model" else "", step=fact.step,
                    frame=fact.frame, marks=marks, before=fact.frame, before_marks=marks, pending=True,
                )  # fmt: skip
                return self._step
            case events.Acted() if self._step is not None:
                self.doing, self.steps = self._held or "deciding", fact.step
                self.last_ms = timings.total_ms if timings else 0.0
                done = replace(
                    self._step, title=f"{self._step.title} → {effect_words(fact.effect)}",
                    tone=_EFFECT_TONES.get(fact.effect.status, "plain"),
                    cost=phases_line(timings) if timings else "", total_ms=self.last_ms,
                    frame=fact.frame, marks=effect_marks(fact.effect), pending=False,
                )  # fmt: skip
                self._step, self._last = None, done
                return done
            case events.RunStarted(layers=layers, missing_layers=missing):
                self.doing, self._held = "deciding", ""
                self.layers, self.missing_layers = layers, missing
                return None
            case events.Observed():
                self.doing = "deciding"
                return None
            case events.StateChanged(state=state, why=why):
                self._held = why if state != "running" else ""
                self.doing = self._held or "deciding"
                return self._notice(fact)
            case events.Rewound(to_step=step):
                self.steps, self._rewinds = step, self._rewinds + 1
                return self._notice(fact)
            case events.SessionCreated(mode=mode, model=model, agent=agent):
                self.mode, self.model = mode or (agent.mode if agent else ""), model
                return self._notice(fact)
            case events.ModeChanged(mode=mode):
                self.mode = mode
                return self._notice(fact)
            case events.ModelChanged(model=model):
                self.model, self.doing = model, "deciding"
                return self._notice(fact)
            case _:
                return self._notice(fact)

    def _key(self, step: int) -> str:
        """A step that counts as not done stays to be seen beside the one that was done in its place."""
        return f"step-{step}" + (f"-{self._rewinds}" if self._rewinds else "")

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

    def model_kept(self, model: str, why: str) -> Row:
        """The row that says why ``model``, which the user wants to decide, does not."""
        self.doing = "deciding"
        return self._row("bad", printable(f"{model_name(model)} cannot decide: {why}; {model_name(self.model)} goes on"))

    def _row(self, tone: Tone, title: str) -> Row:
        self._notices += 1
        last = self._last
        if last is None:
            return Row(f"notice-{self._notices}", title, tone)
        return Row(f"notice-{self._notices}", title, tone, frame=last.frame, before=last.before)


def not_done(later_steps: int) -> str:
    """What becomes of the steps behind one that is gone back to."""
    return "1 later step counts as not done" if later_steps == 1 else f"{later_steps} later steps count as not done"


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
        case events.SessionCreated(task=task, agent=agent):
            return "user", printable(f"{task} (works as {agent.name})" if agent else task)
        case events.UserMessage(text=text):
            return "user", f"you: {printable(text)}"
        case events.Verdict(allow=False, reason=reason):
            return "bad", f"denied: {printable(reason)}"
        case events.Verdict(allow=True, instead=instead) if instead is not None:
            return "user", f"you put another action in its place: {describe(instead)}"
        case events.ModeChanged(mode=mode):
            return "user", f"you changed the mode to {mode}"
        case events.ModelChanged(model=model, before=before):
            until = f", until here {model_name(before.model)} did" if before else ""
            return "user", printable(f"from here on {model_name(model)} decides{until}")
        case events.StateChanged(why=why) if why.startswith("the user has "):
            return "user", f"you have{why.removeprefix('the user has')}"
        case events.Forked(source=source, at_step=step):
            return "user", f"forked from {source} after step {step}"
        case events.Rewound(to_step=step, steps_dropped=dropped):
            return "user", f"you went back to step {step}: {not_done(dropped)}"
        case events.HandedOver(to=to, engine_state=state):
            return "user", with_more(f"handed over to {printable(to)}", state)
        case events.TakenBack(source=source, engine_state=state):
            return "user", with_more(f"taken back from {printable(source)}", state)
        case events.Restored(how=how, steps=steps, why=why, windows=windows):
            return "plain", f"the screen is {restored_words(how, steps, why, windows)}"
        case events.Approved(action=action):
            return "user", f"you permitted, once: {describe(action)}"
        case events.Compacted(why=why):
            return "plain", f"{less_told(fact)}: {printable(why)}"
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
            return "unsure", f"the recording ended in half an event: {counted(count, 'byte')} cut off and kept"
        case events.Memorized(fact=text):
            return "plain", f"remembers: {printable(text)}"
        case events.RunEnded(outcome=outcome, message=message, answer=answer):
            return "end", f"{outcome}: {printable(answer or message)}".rstrip(": ")
        case _:
            return None

"""What the model remembers: a pure fold over the events."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from edgeagent import events
from edgeagent_harness.protocol.actions import Action
from edgeagent_harness.protocol.effects import Effect
from edgeagent_models.protocol import Element


@dataclass(frozen=True, slots=True)
class Step:
    """One executed action, with the screen before and after (content ids in the frame store)."""

    number: int
    action: Action
    effect: Effect
    thought: str = ""
    target: Element | None = None
    frame_before: str = ""
    frame_after: str = ""
    said: int = 0
    """How much the user had said by then."""
    kept: int = 0
    """How many facts the model had asked to keep by then."""


@dataclass(frozen=True, slots=True)
class History:
    """The session so far. ``feedback`` is what the model must be told about its last reply (malformed, denied)."""

    task: str = ""
    steps: tuple[Step, ...] = ()
    feedback: str = ""
    memory: str = ""
    user_messages: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()
    """What the model asked to keep."""
    tokens: int = 0
    """That the model used so far, in and out."""
    rejected_in_a_row: int = 0
    """Replies since the last action that were no action, or that the gate denied."""
    tried_before: int = 0
    """Steps that the user has seen to lead nowhere, or not: taken before a run was resumed, or before something was said."""
    pending: events.Intent | None = None
    """An intent without effect: what was under way when a process died."""
    ended: events.RunEnded | None = None
    fresh_desktop: bool = False
    """The desktop was started anew since the last action: files are kept, what applications had not saved is gone."""
    moved: Literal["", "exact", "replayed", "reopened"] = ""
    """The session came to another machine since the last action, and how its screen was restored."""
    told: str = ""
    """What the session's agent adds to the system prompt."""

    @property
    def next_step(self) -> int:
        return len(self.steps) + 1


def fold(facts: Iterable[events.EventData], start: History | None = None) -> History:
    """``start`` (default: empty) moved on by ``facts``."""
    history = start or History()
    for fact in facts:
        history = advance(history, fact)
    return history


def advance(history: History, fact: events.EventData) -> History:
    """``history`` after one more ``fact``."""
    match fact:
        case events.SessionCreated(task=task, agent=agent):
            return replace(history, task=task, told=agent.told if agent else "")
        case events.RunStarted(reason="new"):
            return replace(history, ended=None)
        case events.RunStarted(reason=reason):
            # What a model noted of its progress was about applications that are gone; it goes by the new screen.
            rejected = 0 if reason == "resumed" else history.rejected_in_a_row  # whoever resumes wants it tried again
            fresh = bool(history.steps or history.pending)
            tried = len(history.steps) if reason in ("resumed", "forked") else history.tried_before
            return replace(
                history, ended=None, memory="", fresh_desktop=fresh, rejected_in_a_row=rejected, tried_before=tried
            )  # fmt: skip
        case events.Replied(memory=memory, usage=usage):
            tokens = history.tokens + usage.prompt_tokens + usage.output_tokens
            return replace(history, memory=memory, feedback="", tokens=tokens)
        case events.Malformed(error=error):
            return replace(history, feedback=error, rejected_in_a_row=history.rejected_in_a_row + 1)
        case events.Verdict(allow=False, reason=reason):
            return replace(history, feedback=reason, rejected_in_a_row=history.rejected_in_a_row + 1)
        case events.Intent():
            return replace(history, pending=fact, rejected_in_a_row=0)
        case events.Acted(effect=effect, frame=frame) if history.pending:
            return replace(_with_step(history, history.pending, effect, frame), fresh_desktop=False, moved="")
        case events.Reconciled(screen_changed=changed, frame=frame) if history.pending:
            effect = Effect(
                "unverifiable" if changed else "suspected_noop",
                message="the program died while this was under way; the screen was looked at again",
            )
            return _with_step(history, history.pending, effect, frame)
        case events.Restored(how=how, memory=memory):
            fresh = history.fresh_desktop and how == "reopened"
            return replace(history, memory=memory, fresh_desktop=fresh, moved=how)
        case events.ModelChanged():
            return replace(history, memory="")  # in its own words, for itself alone
        case events.UserMessage(text=text):
            return replace(history, user_messages=(*history.user_messages, text), tried_before=len(history.steps))
        case events.Memorized(fact=kept):
            return replace(history, facts=(*history.facts, kept))
        case events.RunEnded():
            return replace(history, ended=fact)
        case events.Forked():
            return replace(history, ended=None)
        case events.Rewound(to_step=step):
            return _rewound(history, step)
        case _:
            return history


def _rewound(history: History, to_step: int) -> History:
    """Only the first ``to_step`` steps, and what was said and kept by then. What was spent stays spent."""
    steps = history.steps[:to_step]
    said, kept = (steps[-1].said, steps[-1].kept) if steps else (0, 0)
    return History(
        task=history.task,
        told=history.told,
        steps=steps,
        user_messages=history.user_messages[:said],
        facts=history.facts[:kept],
        tokens=history.tokens,
        tried_before=len(steps),
    )


def _with_step(history: History, intent: events.Intent, effect: Effect, frame_after: str) -> History:
    step = Step(
        intent.step, intent.action, effect, intent.thought, intent.target, intent.frame, frame_after,
        said=len(history.user_messages), kept=len(history.facts),
    )  # fmt: skip
    return replace(history, steps=(*history.steps, step), pending=None)

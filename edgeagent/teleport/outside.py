"""Which recorded actions may have had an effect outside of the sandbox: those are never done again. Pure.

Nobody can know what a button on a page does. So an action counts as harmless only where it fills something in, or does nothing
at all; whatever else was done counts as possibly having had an effect.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from edgeagent import events
from edgeagent.policy.facts import parts_of
from edgeagent_harness.protocol import actions as act
from edgeagent_harness.protocol.actions import Action, SingleAction
from edgeagent_models.protocol import Element, Role

_INERT = (act.Screenshot, act.Zoom, act.Wait, act.WaitUntil, act.CursorPosition, act.Move, act.Scroll, act.AskUser, act.Memorize)
_FILLED_IN: frozenset[Role] = frozenset({"text_field", "checkbox", "radio", "select", "option", "slider"})
"""Pressing one of these changes only what it says."""
_EDITING_KEYS = frozenset({"backspace", "delete", "left", "right", "up", "down", "home", "end"})


@dataclass(frozen=True, slots=True)
class Done:
    """A performed action, with the screens before and after it (content ids)."""

    action: Action
    frame_before: str
    frame_after: str


@dataclass(slots=True)
class _Stretch:
    """What was done since the screen was last known to be a fresh desktop's."""

    done: list[Done] = field(default_factory=list[Done])
    sure: bool = True
    """Whether all of it is harmless."""
    in_field: bool = False
    """Whether the keyboard is in a field, for all that is known: elsewhere a letter may be a command."""
    pending: events.Intent | None = None

    def take(self, fact: events.EventData) -> None:
        match fact:
            case events.Intent():
                self.pending = fact
            case events.Acted(effect=effect, frame=frame) if self.pending:
                intent, self.pending = self.pending, None
                if effect.performed:
                    self.done.append(Done(intent.action, intent.frame, frame))
                    self._judge(intent.action, intent.target)
            case events.Reconciled():
                self.sure, self.pending = False, None
            case _:
                pass

    def _judge(self, action: Action, target: Element | None) -> None:
        for part in parts_of(action):
            self.sure = self.sure and is_harmless(part, target, self.in_field)
            if isinstance(part, act.Click):
                self.in_field = target is not None and target.role == "text_field"


def is_harmless(action: SingleAction, target: Element | None, in_field: bool) -> bool:
    """Whether doing ``action`` again changes nothing but what is filled in on the screen."""
    match action:
        case act.Type(text=text, submit=submit, secret_ref=secret):
            return in_field and not submit and secret is None and text.isprintable()
        case act.Key(keys=(key,)):
            return in_field and (key.casefold() in _EDITING_KEYS or len(key) == 1)
        case act.Click(button="left", modifiers=()):
            return target is not None and target.role in _FILLED_IN
        case _:
            return isinstance(action, _INERT)


def replayable(facts: Iterable[events.EventData]) -> tuple[Done, ...] | None:
    """What was done to make the screen what it is, if all of it is harmless.

    None: some of it may have had an effect outside, or it is not known whether it happened.
    """
    now, before = _Stretch(), _Stretch()
    for fact in facts:
        match fact:
            case events.RunStarted():
                now, before = _Stretch(), now
                before.sure = before.sure and before.pending is None
            case events.Restored(how="replayed"):
                now = before
                now.pending = None
            case _:
                now.take(fact)
    return tuple(now.done) if now.sure and now.pending is None else None

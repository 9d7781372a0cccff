"""What an action is judged to have done where nothing on the screen changed: known before it is done. Pure."""

from __future__ import annotations

from edgeagent_harness.protocol import actions as act
from edgeagent_harness.protocol.effects import Effect, EffectStatus

WITHOUT_EFFECT = (act.Screenshot, act.Zoom, act.Wait, act.WaitUntil, act.CursorPosition, act.ClipboardRead)
"""They change nothing by themselves."""
QUIET = (act.Move, act.MouseDown, act.MouseUp, act.KeyDown, act.KeyUp, act.ClipboardWrite)
"""They may rightly change nothing that can be seen."""
MESSAGES: dict[EffectStatus, str] = {
    "suspected_noop": "nothing on the screen changed",
    "unverifiable": "this action need not change the screen",
}


def without_change(action: act.Action) -> Effect:
    """The effect of ``action`` if nothing changes; of those that read something without what they read."""
    status = status_without_change(most_visible(action))
    return Effect(status, message=MESSAGES.get(status, ""))


def status_without_change(action: act.SingleAction) -> EffectStatus:
    """What it means of ``action`` that the screen stayed as it was."""
    if isinstance(action, WITHOUT_EFFECT):
        return "confirmed"
    return "unverifiable" if isinstance(action, QUIET) else "suspected_noop"


def most_visible(action: act.Action) -> act.SingleAction:
    """The part of a batch that would have changed the screen most; what comes last counts."""
    if not isinstance(action, act.Batch):
        return action
    for hidden in (WITHOUT_EFFECT + QUIET, WITHOUT_EFFECT):
        shown = [single for single in action.actions if not isinstance(single, hidden)]
        if shown:
            return shown[-1]
    return action.actions[-1]

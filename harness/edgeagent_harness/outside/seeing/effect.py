"""What an action did, judged from the frame before it and the settled frame after it.

Changes where the screen moves by itself (carets, spinners) never count. Of the rest:

- Reading the clipboard or the pointer, waiting and looking are ``confirmed``: they have no effect to be seen.
- Moving the pointer, holding and releasing keys or buttons, and writing the clipboard are ``unverifiable``: they may rightly
  change nothing, and a hover look proves nothing.
- Anything else that changed nothing is a ``suspected_noop``.
- A click, drag or press whose response was expected anywhere but that changed only what lies at its target (or at the
  target before: hover, focus ring, pressed look) is ``partial``.
- Anything else that changed something is ``confirmed``.

A batch is judged as its most visible action: one that must change something if there is one.
"""

from __future__ import annotations

from edgeagent_harness.outside.seeing.settle import S, Settled
from edgeagent_harness.outside.seeing.tiles import Pixels, changed_pixels, clear, regions_of
from edgeagent_harness.protocol import actions as act
from edgeagent_harness.protocol.effects import Effect, EffectStatus
from edgeagent_harness.protocol.messages import Expectation
from edgeagent_harness.protocol.no_change import MESSAGES, QUIET, WITHOUT_EFFECT, most_visible, status_without_change

_POINTED = (act.Click, act.Drag, act.LongPress)
_MESSAGES: dict[EffectStatus, str] = {
    "partial": "only the target itself changed (hover, focus or pressed look); no response was seen elsewhere",
    **MESSAGES,
}


def judge(action: act.Action, before: Pixels, settled: Settled[S], expect: Expectation, output: str = "") -> Effect:
    """The effect of ``action``, all of whose events were sent. ``output`` is what the executor read, if anything."""
    mask = clear(changed_pixels(before, settled.shot.pixels), settled.own_motion)
    changed = regions_of(mask)
    only_feedback = expect == "anywhere" and not clear(mask, settled.local).any()
    status = _status(most_visible(action), bool(changed), only_feedback)
    message = _MESSAGES.get(status, "")
    if settled.report.verdict == "timeout":
        message = f"{message}; the screen was still changing".removeprefix("; ")
    return Effect(status, message=message, changed=changed, output=output)


def _status(action: act.SingleAction, changed: bool, only_feedback: bool) -> EffectStatus:
    if not changed or isinstance(action, WITHOUT_EFFECT + QUIET):
        return status_without_change(action)
    return "partial" if only_feedback and isinstance(action, _POINTED) else "confirmed"

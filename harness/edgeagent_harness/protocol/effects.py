"""What an action did, judged from pixels; never from the absence of an exception."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from edgeagent_harness.protocol.geometry import Rect

EffectStatus = Literal["confirmed", "partial", "unverifiable", "suspected_noop", "refused"]
RefusalReason = Literal[
    "", "stale", "unsupported", "out_of_bounds", "bad_key", "no_such_app", "cancelled", "invalid", "forbidden"
]  # fmt: skip
SettleVerdict = Literal["still", "periodic", "timeout", "cancelled"]


class SettleReport(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the screen came to rest after an action."""

    verdict: SettleVerdict
    waited_ms: float
    """From the action to the settled frame."""
    quiet_ms: float
    """Since the last change that counted, part of ``waited_ms``."""
    captures: int
    changed_once: bool
    """Whether anything changed at all beyond what was ignored."""


class Effect(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The result of one action, told to the model and recorded as an event of its own."""

    status: EffectStatus
    reason: RefusalReason = ""
    """Set when ``status`` is ``refused``. ``stale``: the target's pixels changed since they were seen; observe anew.
    ``forbidden``: a secret may not be typed there."""
    message: Annotated[str, msgspec.Meta(max_length=2000)] = ""
    changed: Annotated[tuple[Rect, ...], msgspec.Meta(max_length=64)] = ()
    """Regions that differ between the frame before the action and the settled one."""
    output: Annotated[str, msgspec.Meta(max_length=100_000)] = ""
    """What was read: the clipboard, the pointer's position."""
    performed: bool = True
    """False when nothing was sent to the desktop (refused before the first event)."""

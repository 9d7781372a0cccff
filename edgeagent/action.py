"""Pure: a model's reply -> an action in physical pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import msgspec

from edgeagent.errors import ReplyMalformed
from edgeagent.ports import Reply
from edgeagent_harness.protocol.actions import (
    Action,
    Answer,
    AskUser,
    Batch,
    Click,
    Drag,
    Finish,
    LongPress,
    Move,
    Scroll,
    SingleAction,
)  # fmt: skip
from edgeagent_harness.protocol.frames import FrameInfo
from edgeagent_harness.protocol.geometry import CoordinateFrame, Point

MODEL_GRID = 1000
"""The ``model`` frame counts from 0 to this, whatever the picture's size."""

Pointed: TypeAlias = Move | Click | Scroll | LongPress


class _CanonicalReply(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    action: Action
    thought: str = ""


@dataclass(frozen=True, slots=True)
class Parsed:
    """A reply that is an action, with every point in physical pixels on the screen."""

    action: Action
    thought: str


def parse(reply: Reply, info: FrameInfo) -> Parsed:
    """Read ``reply.text``, JSON ``{"thought": str, "action": {...}}`` with points in ``reply.frame``.

    Raises `ReplyMalformed` saying what is wrong, in words that the model can act on.
    """
    if reply.problem:
        raise ReplyMalformed(reply.problem)
    try:
        canonical = msgspec.json.decode(reply.text, type=_CanonicalReply)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise ReplyMalformed(f"the reply is not a valid action: {error}") from error
    return Parsed(to_physical(canonical.action, reply.frame, info), canonical.thought)


def to_physical(action: Action, frame: CoordinateFrame, info: FrameInfo) -> Action:
    """``action`` with its points (counted in ``frame``) moved to physical pixels; `ReplyMalformed` if one is off the screen."""
    if not isinstance(action, Batch):
        return _single(action, frame, info)
    if any(isinstance(part, Answer | AskUser | Finish) for part in action.actions):
        raise ReplyMalformed("a batch cannot hold answer, ask_user or finish: send it as an action of its own")
    return Batch(tuple(_single(part, frame, info) for part in action.actions))


def _single(action: SingleAction, frame: CoordinateFrame, info: FrameInfo) -> SingleAction:
    match action:
        case Move() | Click() | Scroll() | LongPress():
            return _with_point(action, frame, info)
        case Drag():
            return msgspec.structs.replace(action, path=tuple(physical_point(point, frame, info) for point in action.path))
        case _:
            return action


def _with_point(action: Pointed, frame: CoordinateFrame, info: FrameInfo) -> Pointed:
    return msgspec.structs.replace(action, point=physical_point(action.point, frame, info))


def physical_point(point: Point, frame: CoordinateFrame, info: FrameInfo) -> Point:
    """``point`` in physical pixels. The sandbox's logical pixels and the image as taken are its physical pixels."""
    x, y = point.x, point.y
    if frame == "model":
        # The grid's far edge maps onto the last pixel, not one past it.
        x, y = x * (info.width - 1) / MODEL_GRID, y * (info.height - 1) / MODEL_GRID
    if not (0 <= x < info.width and 0 <= y < info.height):
        raise ReplyMalformed(f"the point ({point.x:g}, {point.y:g}) is outside the screen of {info.width}x{info.height}")
    return Point(x, y, "physical", point.display)

"""A second question about a screen that stays: what it costs to say so in words, or to send a part of it beside the whole.

The first question is asked as in training, one picture and one question. No training of the tiny model had what follows,
and none that a picture is sent again: that is measured too, so that what words cost is told apart from what a second turn costs.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import cv2
import numpy as np

from edgeagent.engine.conversation import UNCHANGED
from edgeagent.engine.pictures import as_image
from edgeagent.engine.watchdog import Engine
from edgeagent.screen import Screen
from edgeagent_harness.protocol.actions import Click
from edgeagent_harness.protocol.frames import FrameInfo
from edgeagent_models.families.family import UnreadableReply
from edgeagent_models.families.grid import View
from edgeagent_models.families.tiny import TINY
from edgeagent_models.protocol import ChatMessage, Complete, Completed, ImagePart, Part, Sampling, TextPart
from vlm_training.papers import NEAR, distance
from vlm_training.scenes import Painter, Scene, Thing

FACTOR_PX = 32
CROP_PX = 320, 224
"""The least size that the model was trained at."""
SEQUENCE = "a"


class Pair(NamedTuple):
    """A screen and two questions about things of different kinds on it."""

    scene: Scene
    first: str
    second: str
    wanted: Thing
    """What the second question asks for."""


def pairs(seed: int, sizes: Sequence[tuple[int, int]], count: int) -> Iterator[Pair]:
    """``count`` of them, of ``sizes`` (width, height) in turns."""
    rng, found = random.Random(seed), 0
    while found < count:
        width, height = sizes[found % len(sizes)]
        view = TINY.view(width, height, FACTOR_PX)
        shrunk = (width * height / (view.sent_width * view.sent_height)) ** 0.5  # things stay as large as in training
        things = (scene := Painter(rng, width, height, shrunk, held_out=True).scene()).things
        if len({thing.kind for thing in things}) > 1:
            wanted = rng.choice(things)
            other = rng.choice([thing for thing in things if thing.kind != wanted.kind])
            yield Pair(scene, other.question(rng), wanted.question(rng), wanted)
            found += 1


async def shares(engine: Engine, papers: Sequence[Pair]) -> dict[str, str]:
    """``right/asked (share)`` of the second question, for each way to ask it."""
    hits: dict[str, list[bool]] = {}
    for paper in papers:
        for way, messages in (await _ways(engine, paper)).items():
            point = await _clicked(engine, messages, _view(paper.scene))
            height, width = paper.scene.pixels.shape[:2]
            hits.setdefault(way, []).append(distance(point, paper.wanted, (width, height)) <= NEAR)
    return {way: f"{sum(found)}/{len(found)} ({sum(found) / len(found):.1%})" for way, found in hits.items()}


async def _ways(engine: Engine, paper: Pair) -> dict[str, list[ChatMessage]]:
    whole, words = _picture(paper.scene.pixels), TextPart(UNCHANGED)
    system = ChatMessage("system", (TextPart(""),))  # as the runtime sends it
    opening = [system, _said(whole, TextPart(paper.first))]
    opening.append(ChatMessage("assistant", (TextPart(await _answered(engine, opening, _view(paper.scene))),)))
    second, part = TextPart(paper.second), _picture(part_around(paper.scene, paper.wanted))
    return {
        "alone, one picture": [system, _said(whole, second)],
        "one turn, words behind the picture": [system, _said(whole, words, second)],
        "second turn, picture again": [*opening, _said(whole, second)],
        "second turn, unchanged in words": [*opening, _said(words, second)],
        "one turn, whole and part at full size": [system, _said(whole, part, second)],
    }


async def _clicked(engine: Engine, messages: Sequence[ChatMessage], view: View) -> tuple[float, float] | None:
    try:
        action = TINY.parse(await _answered(engine, messages, view), view).action
    except UnreadableReply:
        return None
    assert isinstance(action, Click)
    return action.point.x, action.point.y


async def _answered(engine: Engine, messages: Sequence[ChatMessage], view: View) -> str:
    asked = Complete(0, SEQUENCE, tuple(messages), Sampling(max_tokens=TINY.sampling.max_tokens), TINY.dialect.grammar(view))
    reply = await engine.request(asked)
    assert isinstance(reply, Completed)
    return reply.text


def _said(*parts: Part) -> ChatMessage:
    return ChatMessage("user", parts)


def _view(scene: Scene) -> View:
    height, width = scene.pixels.shape[:2]
    return TINY.view(width, height, FACTOR_PX)


def _picture(pixels: np.ndarray) -> ImagePart:
    """``pixels`` (H, W, 3) RGB, as the runtime sends them."""
    height, width = pixels.shape[:2]
    bgrx = np.dstack([cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), np.zeros((height, width), np.uint8)])
    screen = Screen(FrameInfo(1, width, height, 0), bgrx.tobytes())
    return ImagePart(as_image(screen, TINY.view(width, height, FACTOR_PX)))


def part_around(scene: Scene, thing: Thing) -> np.ndarray:
    """The part of ``scene`` with ``thing`` in it, as if it had just appeared there."""
    height, width = scene.pixels.shape[:2]
    wide, high = min(CROP_PX[0], width), min(CROP_PX[1], height)
    left = min(max(0, round(thing.x) - wide // 2), width - wide)
    top = min(max(0, round(thing.y) - high // 2), height - high)
    return np.ascontiguousarray(scene.pixels[top : top + high, left : left + wide])

"""Measure a tiny VLM through the runtime's own path: screen and task in, resized, encoded, decoded by grammar, click.

    python scripts/examine_tiny_vlm.py MODEL.gguf MMPROJ.gguf [--screens 300] [--second-looks] [--json PATH]

A third of what it prints is at the five sizes that the model was trained at, a third at sizes by dice, which the runtime
resizes, and a third on forms, where one of several buttons is asked for, about half of their labels no words.
Screens are drawn with seeds that training does not use; colour and shape pairs and labels that training never saw are among
them, counted apart. ``--second-looks`` asks a second question about the same screen instead, in several ways.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import time
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
from vlm_training import second_looks
from vlm_training.papers import NEAR, Paper, distance, exam, forms, group
from vlm_training.shape import SIZES_PX

from edgeagent.engine import LlamaModel, open_model
from edgeagent.engine.watchdog import Engine
from edgeagent.history import History
from edgeagent.ports import Prompt
from edgeagent.screen import Screen
from edgeagent_harness.protocol.frames import FrameInfo
from edgeagent_models.families.tiny import TINY
from edgeagent_models.protocol import Load

_SEED = 20_261_121
_USUAL_PX = (1024, 768), (1280, 800), (1920, 1080)
_WIDTHS_PX, _HEIGHTS_PX = (480, 1920), (360, 1200)


def at_trained_sizes(screens: int) -> list[Paper]:
    """As many of each size."""
    return [paper for size in SIZES_PX for paper in exam(_SEED + size[0], size, screens // len(SIZES_PX))]


def at_any_size(screens: int) -> list[Paper]:
    """Sizes by dice, things drawn as large as they are in training once the runtime has resized the screen."""
    rng = random.Random(_SEED)
    papers: list[Paper] = []
    for number in range(screens):
        size = rng.randint(*_WIDTHS_PX), rng.randint(*_HEIGHTS_PX)
        view = TINY.view(*size, 32)
        shrunk = (size[0] * size[1] / (view.sent_width * view.sent_height)) ** 0.5
        papers += exam(_SEED + 1 + number, size, 1, shrunk * rng.uniform(0.95, 1.2))
    return papers


def on_forms(screens: int) -> list[Paper]:
    """As many of each of the five sizes, buttons alone being asked for."""
    return [paper for size in SIZES_PX for paper in forms(_SEED + size[0], size, screens // len(SIZES_PX))]


async def clicks(model: LlamaModel, papers: Iterable[Paper]) -> list[tuple[float, float] | None]:
    """Where ``model`` clicks on each screen, in pixels; None where it says nothing that can be read."""
    found: list[tuple[float, float] | None] = []
    for scene, _, question in papers:
        height, width = scene.pixels.shape[:2]
        pixels = np.dstack([cv2.cvtColor(scene.pixels, cv2.COLOR_RGB2BGR), np.zeros((height, width), np.uint8)])
        screen = Screen(FrameInfo(1, width, height, 0), pixels.tobytes())
        reply = await model.complete(Prompt(question, screen, History(question)))
        point = None if reply.problem else json.loads(reply.text)["action"]["point"]
        found.append((point["x"], point["y"]) if point else None)
    return found


async def examined(model: LlamaModel, papers: list[Paper]) -> dict[str, str]:
    """``right/asked (share)`` for each group, and the time of a click."""
    hits: dict[str, list[bool]] = {}
    began_s = time.monotonic()
    points = await clicks(model, papers)
    click_ms = (time.monotonic() - began_s) * 1000 / len(papers)
    for (scene, thing, _), point in zip(papers, points, strict=True):
        height, width = scene.pixels.shape[:2]
        hit = distance(point, thing, (width, height)) <= NEAR
        for heading in ("all", f"{width}x{height}" if (width, height) in SIZES_PX else "", group(thing)):
            hits.setdefault(heading, []).append(hit)
    hits.pop("", None)
    shares = {heading: f"{sum(found)}/{len(found)} ({sum(found) / len(found):.1%})" for heading, found in sorted(hits.items())}
    return {**shares, "ms a click": f"{click_ms:.0f}"}


async def measured(model: Path, mmproj: Path, screens: int) -> dict[str, dict[str, str]]:
    async with open_model(str(model), str(mmproj), 0, print, TINY.name) as opened:
        assert isinstance(opened, LlamaModel)
        return {
            "trained sizes": await examined(opened, at_trained_sizes(screens)),
            "any size": await examined(opened, at_any_size(screens)),
            "forms": await examined(opened, on_forms(screens)),
        }


async def looked_again(model: Path, mmproj: Path, screens: int) -> dict[str, dict[str, str]]:
    """At the sizes of training, and at those of usual screens."""
    load = Load(0, str(model), str(mmproj), context_tokens=2 * TINY.context_tokens, max_sequences=1)
    engine = Engine("llama", load, print)
    await engine.start()
    try:
        await engine.open_sequence(second_looks.SEQUENCE)
        return {
            heading: await second_looks.shares(engine, list(second_looks.pairs(_SEED, sizes, screens)))
            for heading, sizes in (("trained sizes", SIZES_PX), ("larger screens", _USUAL_PX))
        }
    finally:
        await engine.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("mmproj", type=Path)
    parser.add_argument("--screens", type=int, default=300, help="of each third")
    parser.add_argument(
        "--second-looks", action="store_true", help="a second question about the same screen, with and without it"
    )
    parser.add_argument("--json", type=Path, help="write the figures there too")
    arguments = parser.parse_args()
    asked = looked_again if arguments.second_looks else measured
    figures = asyncio.run(asked(arguments.model, arguments.mmproj, arguments.screens))
    for kind, shares in figures.items():
        print(kind)
        for heading, share in shares.items():
            print(f"  {heading:40} {share}")
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()

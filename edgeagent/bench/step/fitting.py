"""Predicts what a step of a model costs on this machine, from two questions to random weights of its exact shape."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np

from edgeagent.bench.step.asked import opened
from edgeagent.bench.step.meter import Meter, Sample
from edgeagent.bench.step.resources import EnergyMeter
from edgeagent.bench.step.variants import Shaping
from edgeagent.history import History, Step
from edgeagent.machine import available_mb, describe_machine, machine_line
from edgeagent.ports import Prompt
from edgeagent.runner import ModelChoice
from edgeagent.screen import Screen
from edgeagent_harness.protocol.actions import Click
from edgeagent_harness.protocol.effects import Effect
from edgeagent_harness.protocol.frames import FrameInfo
from edgeagent_harness.protocol.geometry import Point

SCREENSHOTS = 3
"""Of so many steps, one drops the older screenshots: the turns that lost theirs go through the model once more."""
BUSY_SHARE = 0.75
"""Of the cores, as load average before a probe: with more something else runs. Weights that were written just before are half a
process or so."""
_TASK = "Fill in the form with the data of the customer, then save it."


class Rates(msgspec.Struct, frozen=True):
    """What a token costs here, and the two steps that this was taken from."""

    encode_ms_per_image_token: float
    """At ``image_tokens`` a picture; larger pictures cost more than in proportion."""
    prefill_ms_per_token: float
    decode_ms_per_token: float
    image_tokens: int
    reply_tokens: int
    first_step_ms: float
    next_step_ms: float
    turn_tokens: int
    """Of one step's words in the prompts after it."""
    engine_mb: float
    available_mb: float
    """Memory that could be had before the engine started."""
    machine: str
    load_average: float
    """Runnable processes over the last minute before the probe: above the number of cores all times are too high."""
    cores_busy: float = 0.0
    """Processor time of the engine to the wall clock, over the two steps: what other work takes away is not in it. 0: unknown."""
    load_after: float = 0.0
    """As ``load_average``, at the probe's end: the engine is in it with at most one process for each core. 0: unknown."""

    @property
    def mean_step_ms(self) -> float:
        """Over a long session."""
        again = self.turn_tokens * (SCREENSHOTS - 1) / SCREENSHOTS
        return self.next_step_ms + again * self.prefill_ms_per_token

    @property
    def doubt(self) -> str:
        """Why not to go by its times here; empty where nothing speaks against it."""
        if self.machine != machine_line():
            return f"taken on another machine or system ({self.machine})"
        cores = describe_machine().cores
        if self.load_average > BUSY_SHARE * cores or self.load_after > cores + 1:
            after = f", {self.load_after:g} after" if self.load_after else ""
            return f"taken while other work shared this machine (load average {self.load_average:g} before{after})"
        return ""

    def predict_ms(self, sample: Sample) -> float:
        """A step that had as many tokens to encode, to prefill and to write as ``sample``."""
        fresh = sample.usage.prompt_tokens - sample.usage.cached_tokens
        pictures = self.image_tokens if sample.phases_ms.get("encode_ms") else 0
        return (
            pictures * self.encode_ms_per_image_token
            + fresh * self.prefill_ms_per_token
            + sample.usage.output_tokens * self.decode_ms_per_token
        )


async def probe(choice: ModelChoice, shaping: Shaping, screen: tuple[int, int]) -> Rates:
    """Ask ``choice`` twice with screens of noise, after a question that brings the weights into memory."""
    before_mb, load_average, meter = available_mb(), os.getloadavg()[0], Meter(EnergyMeter())
    async with opened(choice, ["fast"], None, 2, shaping) as (one,):
        for repeat in (1, 2):
            await one.begin()
            for step, prompt in enumerate(_questions(screen), start=1):
                await meter.ask(one.model, prompt, one.engine.pid, one.variant, repeat, step)
                if repeat == 1:
                    break
    return rates(meter.samples[1:], before_mb, (load_average, os.getloadavg()[0]))


def rates(samples: Sequence[Sample], before_mb: float, load_average: tuple[float, float]) -> Rates:
    """From a session's first step and the one after it, each with a picture of its own; ``load_average`` before and after."""
    first, after = samples
    fresh = sum(one.usage.prompt_tokens - one.usage.cached_tokens for one in samples)
    pictures = first.usage.image_tokens
    written = sum(one.usage.output_tokens for one in samples)
    phase = {name: sum(one.phases_ms[name] for one in samples) for name in ("encode_ms", "prefill_ms", "decode_ms")}
    return Rates(
        encode_ms_per_image_token=round(phase["encode_ms"] / (2 * pictures), 4),
        prefill_ms_per_token=round(phase["prefill_ms"] / fresh, 4),
        decode_ms_per_token=round(phase["decode_ms"] / written, 4),
        image_tokens=pictures,
        reply_tokens=written // 2,
        first_step_ms=first.wall_ms,
        next_step_ms=after.wall_ms,
        turn_tokens=after.usage.prompt_tokens - first.usage.prompt_tokens - (after.usage.image_tokens - pictures),
        engine_mb=after.engine_mb,
        available_mb=round(before_mb, 1),
        machine=machine_line(),
        load_average=round(load_average[0], 2),
        load_after=round(load_average[1], 2),
        cores_busy=round(sum(one.cpu_ms for one in samples) / sum(one.wall_ms for one in samples), 3),
    )


def keep(rates: Rates, directory: Path, image_tokens: int) -> None:
    """Beside the weights: `bench step` compares with it. ``image_tokens`` is the bound that was asked for (0: none)."""
    _path(directory, image_tokens).write_bytes(msgspec.json.format(msgspec.json.encode(rates), indent=1) + b"\n")


def kept(directory: Path, image_tokens: int) -> Rates | None:
    """What was predicted for the weights in ``directory`` at this bound on pictures, if it was."""
    try:
        return msgspec.json.decode(_path(directory, image_tokens).read_bytes(), type=Rates)
    except (OSError, msgspec.MsgspecError):
        return None


def _path(directory: Path, image_tokens: int) -> Path:
    return directory / f"fit-{image_tokens}.json"


def _questions(screen: tuple[int, int]) -> list[Prompt]:
    effect = Effect("confirmed")
    steps = (Step(1, Click(Point(10, 10)), effect),)
    return [Prompt(_TASK, noise(seed, *screen), History(_TASK, steps=steps[:seed])) for seed in range(2)]


def noise(seed: int, width: int, height: int) -> Screen:
    """A screen that compresses to nothing and is like no other; sizes in px."""
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 4), dtype=np.uint8)
    return Screen(FrameInfo(seed, width, height, 0), pixels.tobytes())

"""Asks a model and writes down what that took."""

from __future__ import annotations

import contextlib
import time

import msgspec

from edgeagent.action import parse
from edgeagent.bench.step.resources import EnergyMeter, cpu_ms, memory_mb
from edgeagent.errors import ReplyMalformed
from edgeagent.ports import Model, Prompt, Reply
from edgeagent_models.protocol import Usage

MODEL_PHASES = ("perceive_ms", "encode_ms", "prefill_ms", "ttft_ms", "decode_ms")


class Sample(msgspec.Struct, frozen=True):
    """One step of one variant in one repeat."""

    variant: str
    repeat: int
    step: int
    """Counts from 1."""
    wall_ms: float
    """From the question to the reply, messages between the processes included."""
    phases_ms: dict[str, float]
    usage: Usage
    engine_mb: float
    app_mb: float
    parsed: bool
    """Whether the reply was an action; a reply of a forced length is none."""
    energy_j: float | None = None
    cpu_ms: float = 0.0
    """Processor time of the engine's process meanwhile: it hardly depends on what else runs, as the wall clock does."""


class Meter:
    """Collects samples of all variants."""

    def __init__(self, energy: EnergyMeter) -> None:
        self.energy = energy
        self.samples: list[Sample] = []

    async def ask(self, model: Model, prompt: Prompt, pid: int, variant: str, repeat: int, step: int) -> Reply:
        """Ask ``model``, whose engine is process ``pid``."""
        self.energy.lap_j()
        cpu_before_ms, began_s = cpu_ms(pid), time.perf_counter()
        reply = await model.complete(prompt)
        wall_ms = (time.perf_counter() - began_s) * 1000
        took_cpu_ms = cpu_ms(pid) - cpu_before_ms
        energy_j = self.energy.lap_j()
        began_s = time.perf_counter()
        parsed = False
        with contextlib.suppress(ReplyMalformed):
            parse(reply, prompt.screen.info)
            parsed = True
        phases = {name: value for name, value in reply.timings_ms.items() if name in MODEL_PHASES}
        if parsed:
            phases["parse_ms"] = round((time.perf_counter() - began_s) * 1000, 3)
        self.samples.append(
            Sample(
                variant=variant,
                repeat=repeat,
                step=step,
                wall_ms=round(wall_ms, 3),
                phases_ms=phases,
                usage=reply.usage,
                engine_mb=round(memory_mb(pid)[0], 1),
                app_mb=round(memory_mb()[0], 1),
                parsed=parsed,
                energy_j=None if energy_j is None else round(energy_j, 3),
                cpu_ms=round(took_cpu_ms, 1),
            )
        )
        return reply

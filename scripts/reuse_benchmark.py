#!/usr/bin/env python3
"""What the engine's caches are worth here: unchanged screens, an ideal cache, parking, a killed engine, several sessions.

    reuse_benchmark.py [--synthetic holo3.1-0.8b] [--image-tokens 500] [--parts ideal,park] [--json PATH]

Random weights in the exact shape of the model: what they say means nothing, what it takes does. Times are medians.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
from reuse_parked import park, stored
from reuse_subject import SCREEN_PX, Figures, Session, Subject, answered, question, started

from edgeagent.bench.step.fitting import noise
from edgeagent.bench.step.resources import cpu_ms
from edgeagent.bench.step.synthetic import made, named
from edgeagent.bench.step.variants import ENDLESS
from edgeagent.engine.process import OPENMP
from edgeagent.machine import machine_line
from edgeagent_models.protocol import (
    Completed,
    EngineReply,
    Load,
    Prime,
)
from edgeagent_models.synthetic.plan import VISION_FORMATS
from edgeagent_models.synthetic.shapes import TextShape, VisionShape

ACTION = r"""root ::= "{\"note\": null, \"thought\": \"\", \"tool_call\": {\"tool_name\": " verb ", \"x\": " n ", \"y\": " n "}}"
verb ::= "\"click\"" | "\"double_click\"" | "\"right_click\"" | "\"hover\""
n ::= [1-9] [0-9]{2}
"""
"""One action of Holo's without free text."""
NVIDIA_READS_PER_WRITE = 11.7
"""Cached tokens read for each one written, as NVIDIA reports of agents' traffic."""
IDEAL_STEPS = 50
NAMES = "abcd"
ROUNDS = 3
SETTLING_S = 0.4
"""Between the first look at a screen and the question about it."""
FORESEEN = ("nothing", "right", "wrong")
TOLD = ("nothing told", "beginning told", "all told")
os.environ.update(OPENMP)
"""As in an engine's process: one part of this program holds the engine itself."""


async def unchanged(subject: Subject) -> Figures:
    """Steps on a screen that stays: no picture is sent, one action without free text is written.

    In turns, while the action is carried out the engine is told nothing, how the next prompt begins, or all of it as it is
    if nothing changes. What that takes must fit into the time in which the screen settles."""
    still = noise(0, *SCREEN_PX)
    session, engine = Session(subject, lambda _: still, skip_unchanged=True), await started(subject)
    prompts = [session.prompt(step) for step in range(1, 2 + 3 * ROUNDS)]
    figures: dict[str, list[float]] = {}
    try:
        for step, prompt in enumerate(prompts):
            told = TOLD[step % len(TOLD)] if step else "first step"
            began_s, before_ms = time.perf_counter(), cpu_ms(engine.pid)
            for beginning in [prompt[:-1], prompt][: TOLD.index(told) if step else 0]:
                await engine.request(Prime(0, "a", beginning))
            primed_s, primed_ms = time.perf_counter(), cpu_ms(engine.pid)
            reply, wall_ms = await answered(engine, question(prompt, 200, ACTION))
            for name, value in (
                ("step ms", wall_ms),
                ("step processor ms (both cores)", cpu_ms(engine.pid) - primed_ms),
                ("told before, ms", (primed_s - began_s) * 1000),
                ("told before, processor ms", primed_ms - before_ms),
                ("tokens computed", reply.usage.prompt_tokens - reply.usage.cached_tokens),
                ("tokens written", reply.usage.output_tokens),
            ):
                figures.setdefault(f"unchanged screen, {told}: {name}", []).append(value)
    finally:
        await engine.close()
    return {name: statistics.median(values) for name, values in figures.items()}


async def foreseen(subject: Subject) -> Figures:
    """Steps with a new screen each; in turns nothing, the screen itself, or another one is foreseen while it settles."""
    session, engine = Session(subject, lambda step: noise(step, *SCREEN_PX)), await started(subject)
    figures = dict[str, list[float]]()
    try:
        await answered(engine, question(session.prompt(1), 8, ENDLESS))
        for step in range(2, 2 + 3 * ROUNDS):
            told, prompt = FORESEEN[step % 3], session.prompt(step)
            other = Session(subject, lambda _, step=step: noise(1000 + step, *SCREEN_PX)).prompt(1)[-1:]
            guess = {"right": prompt, "wrong": (*prompt[:-1], *other)}.get(told, prompt[:-1])
            priming = asyncio.create_task(engine.request(Prime(0, "a", guess)))
            await asyncio.sleep(SETTLING_S)
            before_ms = cpu_ms(engine.pid)
            _, wall_ms = await answered(engine, question(prompt, 8, ENDLESS))
            await priming
            figures.setdefault(f"foreseen {told}: step ms", []).append(wall_ms)
            figures.setdefault(f"foreseen {told}: processor ms", []).append(cpu_ms(engine.pid) - before_ms)
    finally:
        await engine.close()
    return {name: statistics.median(values) for name, values in figures.items()}


async def ideal(subject: Subject) -> Figures:
    """50 steps with a new screen each: what was reused of what a cache that forgets nothing could have given.

    Counts do not depend on weights, so a small network of the same kind with the same vocabulary is asked.
    """
    from edgeagent_models.llama.engine import LlamaEngine
    from edgeagent_models.llama.units import Unit, cells, common_prefix

    session = Session(subject, lambda step: noise(step, *SCREEN_PX))
    with tempfile.TemporaryDirectory(prefix="edgeagent-small-") as scratch:
        engine = LlamaEngine(_small(subject, Path(scratch)))
    engine.open_sequence("a")
    asked: list[list[Unit]] = []
    reused = possible = prompted = 0
    computed: list[int] = []
    for step in range(1, IDEAL_STEPS + 1):
        messages = session.prompt(step)
        units = engine.plan(messages, templated=False).units
        best = max((min(common_prefix(units, earlier), len(units) - 1) for earlier in asked), default=0)
        asked.append(units)
        possible += cells(units[:best])
        replies: list[EngineReply] = []
        engine.complete(question(messages, 4, ENDLESS), replies.append)
        while engine.work():
            pass
        usage = next(reply.usage for reply in replies if isinstance(reply, Completed))
        reused += usage.cached_tokens
        prompted += usage.prompt_tokens
        computed.append(usage.prompt_tokens - usage.cached_tokens)
    engine.close()
    return {
        "ideal cache: steps": IDEAL_STEPS,
        "ideal cache: share of it reused %": 100 * reused / possible,
        "tokens reused": reused,
        "tokens computed": prompted - reused,
        "tokens computed a step, steps 2 to 11": statistics.mean(computed[1:11]),
        "tokens computed a step, steps 31 to 40": statistics.mean(computed[30:40]),
        "tokens computed a step, steps 41 to 50": statistics.mean(computed[40:50]),
        "reads per write": reused / (prompted - reused),
        "reads per write, NVIDIA's": NVIDIA_READS_PER_WRITE,
    }


def _small(subject: Subject, directory: Path) -> Load:
    from edgeagent_models.synthetic.write import write_text_model, write_vision_encoder

    recurrent = subject.shape.text.architecture.startswith("qwen35")
    text = TextShape(
        subject.shape.text.architecture, layers=4, attention_every=4 if recurrent else 1, width=256, heads=2, kv_heads=1,
        head_width=128, feed_forward=512, rope_width=32 if recurrent else 128,
        rope_sections=(6, 5, 5, 0) if recurrent else (24, 20, 20, 0), vocabulary=subject.shape.text.vocabulary, tied=True,
        ssm_key_heads=2 * recurrent, ssm_value_heads=4 * recurrent, ssm_width=64 * recurrent, ssm_kernel=4 * recurrent,
    )  # fmt: skip
    write_text_model(directory / "m.gguf", text, 0, "Q4_0")
    vision = VisionShape(256, width=128, layers=2, heads=4, feed_forward=256)
    write_vision_encoder(directory / "v.gguf", vision, 0, VISION_FORMATS)
    return Load(
        0, str(directory / "m.gguf"), str(directory / "v.gguf"), context_tokens=subject.family_tokens, max_sequences=1
    )  # fmt: skip


async def kill(subject: Subject) -> Figures:
    """The engine is killed in the middle of a reply: nobody asks again, and the reply comes."""
    engine, session = await started(subject), Session(subject, lambda step: noise(step, *SCREEN_PX))
    try:
        for step in (1, 2):
            last = session.prompt(step)
            undisturbed, _ = await answered(engine, question(last, 48, ENDLESS))
        decoding = asyncio.Event()
        streamed = msgspec.structs.replace(question(last, 48, ENDLESS), stream=True)
        task = asyncio.create_task(engine.request(streamed, lambda _: decoding.set()))
        await decoding.wait()
        first_pid, began_s = engine.pid, time.perf_counter()
        os.kill(first_pid, signal.SIGKILL)
        reply = await task
        assert isinstance(reply, Completed)
        return {
            "SIGKILL in mid-decode to the whole reply ms": (time.perf_counter() - began_s) * 1000,
            "SIGKILL: another process answered": float(engine.pid != first_pid),
            "SIGKILL: the reply is the undisturbed one": float(reply.text == undisturbed.text),
        }
    finally:
        await engine.close()


async def sessions(subject: Subject) -> Figures:
    """Four sessions on one model, decoding at once and one after the other; they share the system prompt."""
    engine = await started(subject, len(NAMES))
    prompts = {name: Session(subject, lambda _, at=at: noise(at, *SCREEN_PX)).prompt(1) for at, name in enumerate(NAMES)}
    alone, together, shared, saved = list[float](), list[float](), list[float](), list[float]()
    try:
        for at, (name, prompt) in enumerate(prompts.items()):
            first, _ = await answered(engine, question(prompt, 1, ENDLESS, name))
            if at:
                shared.append(first.usage.cached_tokens / first.usage.prompt_tokens)
        texts: dict[str, str] = {}
        for _ in range(ROUNDS):
            began_ms = cpu_ms(engine.pid)
            for name, prompt in prompts.items():
                reply, _ = await answered(engine, question(prompt, 48, ENDLESS, name))
                texts[name] = reply.text
                alone.append(47 / reply.timings_ms["decode_ms"] * 1000)
            between_ms = cpu_ms(engine.pid)
            replies = await asyncio.gather(
                *(answered(engine, question(prompt, 48, ENDLESS, name)) for name, prompt in prompts.items())
            )  # fmt: skip
            saved.append((between_ms - began_ms) / (cpu_ms(engine.pid) - between_ms))
            together.append(sum(47 for _ in replies) / max(reply.timings_ms["decode_ms"] for reply, _ in replies) * 1000)
            assert {name: reply.text for name, (reply, _) in zip(prompts, replies, strict=True)} == texts
    finally:
        await engine.close()
    return {
        "one session tok/s": statistics.median(alone),
        "four sessions tok/s": statistics.median(together),
        "four to one": statistics.median(together) / statistics.median(alone),
        "four to one, tokens by processor time": statistics.median(saved),
        "four sessions, replies as alone": 1.0,
        "beginning shared %": 100 * statistics.median(shared),
    }


PARTS: dict[str, Callable[[Subject], Awaitable[Figures]]] = {
    "unchanged": unchanged, "foreseen": foreseen, "ideal": ideal, "park": park, "stored": stored, "kill": kill,
    "sessions": sessions,
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--synthetic", default="holo3.1-0.8b", metavar="NAME[:QUANT]")
    parser.add_argument("--image-tokens", type=int, default=500)
    parser.add_argument("--parts", default=",".join(PARTS), metavar="A,B")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    wanted = named(arguments.synthetic)
    subject = Subject(asyncio.run(made(wanted, print)), wanted.shape, arguments.image_tokens)
    print(f"{wanted.label}\n{machine_line()}; load average {os.getloadavg()[0]:.1f}")
    figures: Figures = {}
    for part in arguments.parts.split(","):
        figures |= asyncio.run(_run(PARTS[part], subject))
    if arguments.json:
        found = {"model": wanted.label, "machine": machine_line(), "load_average": os.getloadavg()[0], **figures}
        arguments.json.write_text(json.dumps(found, indent=1) + "\n")


async def _run(part: Callable[[Subject], Awaitable[Figures]], subject: Subject) -> Figures:
    figures = await part(subject)
    for name, value in figures.items():
        print(f"{name:48} {value:10.2f}", flush=True)
    return figures


if __name__ == "__main__":
    main()

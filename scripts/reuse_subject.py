"""What `reuse_benchmark.py` asks: a model of random weights in the exact shape, and the conversations of a session with it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from edgeagent.bench.step.variants import scaled
from edgeagent.engine.conversation import Speaker
from edgeagent.engine.process import EngineProcess
from edgeagent.engine.watchdog import Engine
from edgeagent.history import History, Step
from edgeagent.ports import Prompt
from edgeagent.runner import ModelChoice
from edgeagent.screen import Screen
from edgeagent_harness.protocol.actions import Action, Click, Key, Type
from edgeagent_harness.protocol.effects import Effect
from edgeagent_harness.protocol.geometry import Point
from edgeagent_models.families.registry import by_name
from edgeagent_models.protocol import ChatMessage, Complete, Completed, ImagePart, Load, Part, Sampling
from edgeagent_models.synthetic.shapes import Shape

FACTOR_PX = 32
SCREEN_PX = 1280, 800
TASK = "Fill in the form with the data of the customer, then save it."
DEEDS: tuple[Action, ...] = (Click(Point(640, 140)), Type("Zoë Krämer"), Key(("tab",)), Click(Point(20, 700)))
DONE = Effect("confirmed")
Figures = dict[str, float]


@dataclass(frozen=True)
class Subject:
    """What is measured."""

    choice: ModelChoice
    shape: Shape
    image_tokens: int

    @property
    def family_tokens(self) -> int:
        return by_name(self.choice.family).context_tokens

    def load(self, sequences: int = 1) -> Load:
        return Load(0, self.choice.model, self.choice.mmproj, context_tokens=self.family_tokens, max_sequences=sequences)

    def speaker(self, skip_unchanged: bool = False) -> Speaker:
        family = by_name(self.choice.family)
        return Speaker(replace(family, history=replace(family.history, own_words=False)), FACTOR_PX, skip_unchanged)

    def sized(self, messages: tuple[ChatMessage, ...]) -> tuple[ChatMessage, ...]:
        """With pictures of so many tokens."""
        return tuple(ChatMessage(message.role, tuple(map(self._part, message.parts))) for message in messages)

    def _part(self, part: Part) -> Part:
        return ImagePart(scaled(part.image, self.image_tokens)) if isinstance(part, ImagePart) else part


class Session:
    """The conversations of a session whose screens are ``screens``, as the app makes them."""

    def __init__(self, subject: Subject, screens: Callable[[int], Screen], skip_unchanged: bool = False) -> None:
        self._subject = subject
        self._screens = screens
        self._speaker = subject.speaker(skip_unchanged)
        self._seen: dict[int, Screen] = {}

    def prompt(self, step: int) -> tuple[ChatMessage, ...]:
        steps = tuple(Step(number, DEEDS[number % len(DEEDS)], DONE) for number in range(1, step))
        screen = self._screens(step)
        messages = self._speaker.converse(Prompt(TASK, screen, History(TASK, steps=steps)), self._seen, {})
        first = self._speaker.first_shown(self._seen, step, screen)
        self._seen = {number: seen for number, seen in self._seen.items() if number >= first} | {step: screen}
        return self._subject.sized(messages)


def question(messages: tuple[ChatMessage, ...], tokens: int, grammar: str, sequence: str = "a") -> Complete:
    return Complete(0, sequence, messages, Sampling(max_tokens=tokens), grammar)


async def answered(engine: Engine | EngineProcess, request: Complete) -> tuple[Completed, float]:
    """The reply, and the ms it took."""
    began_s = time.perf_counter()
    reply = await engine.request(request)
    assert isinstance(reply, Completed)
    return reply, (time.perf_counter() - began_s) * 1000


async def started(subject: Subject, sequences: int = 1) -> Engine:
    engine = Engine("llama", subject.load(sequences), lambda _: None)
    await engine.start()
    for name in "abcdefgh"[:sequences]:
        await engine.open_sequence(name)
    return engine

"""The embedded engine: sees a picture, asks the policy, answers with an action."""

from __future__ import annotations

import time

import msgspec

from edgeagent_harness.protocol.actions import Action
from edgeagent_harness.protocol.geometry import Rect
from edgeagent_models.embedded import candidates
from edgeagent_models.embedded.calendars import with_calendar
from edgeagent_models.embedded.carets import without_carets
from edgeagent_models.embedded.deeds import deed_of
from edgeagent_models.embedded.derived import with_derived
from edgeagent_models.embedded.fragments import with_fragments
from edgeagent_models.embedded.frames import without_frames
from edgeagent_models.embedded.instruction import parse
from edgeagent_models.embedded.memory import decode, encode, executed, remember
from edgeagent_models.embedded.noticing import noticed
from edgeagent_models.embedded.policy import MAX_ELEMENTS, Policy
from edgeagent_models.embedded.questions import typed_before
from edgeagent_models.embedded.shapes import asks_for_shapes, with_shapes
from edgeagent_models.embedded.wording import thought
from edgeagent_models.errors import EngineProblem
from edgeagent_models.handler import BaseHandler
from edgeagent_models.perception.icon_names import shared_namer, with_icon_names
from edgeagent_models.perception.service import Perception, picture_of
from edgeagent_models.protocol import Decide, Decided, Element, Load, Loaded, Perceive, Perceived

NAME = "embedded"


class Reply(msgspec.Struct, frozen=True):
    """What the app parses: see ``Decided.reply_json``."""

    thought: str
    action: Action


class EmbeddedHandler(BaseHandler):
    """Perception and policy behind the engine protocol. A sequence is one session's screen.

    What was seen of it is kept for the next look.
    """

    def __init__(self) -> None:
        self._policy: Policy | None = None
        self._perceptions: dict[str, Perception] = {}

    def load(self, request: Load) -> Loaded:
        started = time.perf_counter()
        self._policy = Policy()
        Perception.warm_up()
        shared_namer()
        return Loaded(
            id=request.id,
            name=NAME,
            architecture="perception+policy",
            fingerprint=self._policy.fingerprint,
            vision=True,
            context_tokens=0,
            load_ms=(time.perf_counter() - started) * 1000,
        )

    def open_sequence(self, name: str) -> None:
        self._perceptions[name] = Perception()

    def close_sequence(self, name: str) -> None:
        self._perceptions.pop(name, None)

    def perceive(self, request: Perceive) -> Perceived:
        started = time.perf_counter()
        elements = self._look(request)
        return Perceived(request.id, elements, {"perceive_ms": (time.perf_counter() - started) * 1000})

    def decide(self, request: Decide) -> Decided:
        if self._policy is None:
            raise EngineProblem("usage", "the policy is not loaded: send load first")
        started = time.perf_counter()
        seen = self._look(request)
        perceived = time.perf_counter()
        instruction = parse(request.task)
        picture = picture_of(request.image)
        before = decode(request.memory)
        seen = without_carets(with_icon_names(seen, picture), executed(before, request.history))
        if asks_for_shapes(request.task):
            seen = with_shapes(seen, picture)
        shown = with_calendar(request.task, with_fragments(request.task, without_frames(seen))[:MAX_ELEMENTS])
        elements = with_derived(request.task, shown)
        memory = noticed(before, instruction, shown)
        past = executed(memory, request.history)
        decision = self._policy.decide(instruction, elements, memory, past, typed_before(memory, request.history))
        choice = decision.choice
        deed = deed_of(choice, instruction, elements, len(request.history), past)
        screen = Rect(0, 0, request.image.width, request.image.height)
        reply = Reply(thought(choice, deed, instruction, elements), candidates.to_action(choice, instruction, elements, screen))
        return Decided(
            id=request.id,
            reply_json=msgspec.json.encode(reply).decode(),
            target=elements[choice.element] if choice.element is not None else None,
            expect=candidates.expectation(choice, elements),
            score=decision.score,
            memory=encode(remember(memory, deed, elements)),
            elements=len(seen),
            timings_ms={"perceive_ms": (perceived - started) * 1000, "decode_ms": (time.perf_counter() - perceived) * 1000},
        )

    def _look(self, request: Decide | Perceive) -> tuple[Element, ...]:
        perception = self._perceptions.get(request.sequence)
        if perception is None:
            raise EngineProblem("no_such_sequence", f"sequence {request.sequence!r} is not open: send open_sequence first")
        return tuple(perception.look(request.image))

"""The `Model` port over the llama engine: a conversation in its family's form in, an action out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol, TypeAlias

import msgspec

from edgeagent.engine.compaction import Compaction
from edgeagent.engine.conversation import Speaker
from edgeagent.engine.parking import Parking
from edgeagent.errors import ContextFull, EngineError
from edgeagent.history import History, Step
from edgeagent.ports import Prompt, Reply
from edgeagent.screen import Screen
from edgeagent_harness.protocol.actions import Action, Finish
from edgeagent_harness.protocol.effects import Effect
from edgeagent_harness.protocol.no_change import without_change
from edgeagent_models.families.family import Said, UnreadableReply
from edgeagent_models.families.generic import GENERIC
from edgeagent_models.families.grid import View
from edgeagent_models.protocol import ChatMessage, Complete, Completed, EngineReply, Sampling

Prime: TypeAlias = Callable[..., None]
"""Takes any number of conversations, each of which begins with the one before; none: forget them."""
MAX_NOTES_CHARS = 2000
"""Of what the model noted so far; the oldest goes."""


class Answering(Protocol):
    """Who completes conversations: an engine's process, or a server elsewhere."""

    async def request(self, request: Complete) -> EngineReply: ...


class LlamaModel:
    """Asks a GGUF model. Its own words and the screenshots it still sees are kept here, by step."""

    def __init__(
        self, engine: Answering, sequence: str, seed: int, speaker: Speaker | None = None, prime: Prime | None = None,
        parking: Parking | None = None,
    ) -> None:  # fmt: skip
        """``prime`` is told, after each reply, how the next prompt will begin if that is what is done, and before each question
        that it comes. ``parking``: where its engine keeps states."""
        self.engine = engine
        self._prime = prime
        self.parking = parking
        self._sequence = sequence
        self.speaker = speaker or Speaker(GENERIC)
        self._family = self.speaker.family
        rule = self._family.sampling
        self._sampling = Sampling(rule.temperature, rule.top_p, rule.top_k, seed, rule.max_tokens, rule.stop)
        self._screens: dict[int, Screen] = {}
        self._replies: dict[int, str] = {}
        self._compaction = Compaction(self.speaker)
        self._decided: tuple[Prompt, Said] | None = None
        """What the last reply was to, and what it said, until the next question."""

    def foresee(self, screen: Screen) -> None:
        """``screen`` is there while what was decided last is carried out: probably the next question is about it."""
        if self._prime and self._decided:
            prompt, said = self._decided
            self._prime(self._after(replace(prompt, screen=screen), said, Effect("confirmed")))

    def recall(self, history: History) -> None:
        """Go on from what was kept when the session was left, if anything was."""
        if self.parking:
            self._replies, self._screens = self.parking.recalled(history.steps)
            self._compaction.screens_from = min(self._screens, default=1)

    async def leave(self, history: History) -> None:
        """The run ended with ``history``: keep what whoever resumes the session needs, unless it is done."""
        if self.parking and history.ended and history.ended.outcome == "done":
            self.parking.forget()
        elif self.parking:
            await self.parking.leave(history.steps, self._replies, self._screens)

    async def say(self, prompt: Prompt, held: bool) -> str:
        """What the model says to ``prompt``, raw; ``held`` by its family's grammar, or free. Nothing of it is kept."""
        grammar = self._family.dialect.grammar(self.speaker.view(prompt.screen)) if held else ""
        return (await self._completed(self.speaker.converse(prompt, {}, {}), grammar)).text

    async def complete(self, prompt: Prompt) -> Reply:
        if self._family.grounder and prompt.history.steps:
            return Reply(_canonical(Said("pointed at what the task names", Finish())))
        view, step = self.speaker.view(prompt.screen), prompt.history.next_step
        oldest = self.speaker.first_shown(self._screens, step, prompt.screen)
        compacted = self._compaction.at(step, min((number for number in self._screens if number >= oldest), default=step))
        self._decided = None
        if self._prime:
            self._prime()
        try:
            completed = await self._ask(self.speaker.converse(prompt, self._screens, self._replies), view)
        except ContextFull:
            # Large screens: better the latest alone than none.
            self._screens.clear()
            compacted += self._compaction.too_full(step)
            completed = await self._ask(self.speaker.converse(prompt, {}, self._replies), view)
        self._remember(prompt, completed.text)
        reply = self._understood(completed, view, prompt.history.memory)
        if self._prime and not reply.problem:
            self._decided = prompt, self._family.parse(completed.text, view)
            self._prime(*self._ahead(*self._decided))
        return replace(reply, compacted=compacted)

    async def _ask(self, messages: tuple[ChatMessage, ...], view: View) -> Completed:
        return await self._completed(messages, self._family.dialect.grammar(view))

    async def _completed(self, messages: tuple[ChatMessage, ...], grammar: str) -> Completed:
        completed = await self.engine.request(Complete(0, self._sequence, messages, self._sampling, grammar))
        if not isinstance(completed, Completed):
            raise EngineError(f"the engine answered a completion with {type(completed).__name__}")
        return completed

    def _understood(self, completed: Completed, view: View, memory: str) -> Reply:
        """The reply as canonical JSON; as it is, with what is wrong with it, where it is no action."""
        usage, timings_ms = completed.usage, completed.timings_ms
        try:
            said = self._family.parse(completed.text, view)
        except UnreadableReply as error:
            return Reply(completed.text, problem=str(error), memory=memory, usage=usage, timings_ms=timings_ms)
        notes = "\n".join(filter(None, (memory, said.note)))[-MAX_NOTES_CHARS:]
        return Reply(_canonical(said), memory=notes, usage=usage, timings_ms=timings_ms)

    def _remember(self, prompt: Prompt, text: str) -> None:
        step = prompt.history.next_step
        oldest = self.speaker.first_shown(self._screens, step, prompt.screen)
        self._screens = {number: screen for number, screen in self._screens.items() if number >= oldest}
        self._screens[step] = prompt.screen
        self._replies[step] = text

    def _ahead(self, prompt: Prompt, said: Said) -> tuple[tuple[ChatMessage, ...], ...]:
        """The next prompt up to what it will see, if what was ``said`` is done. Where a screen that stays is told in words, all
        of it too, as it is if nothing changes."""
        unseen = replace(prompt.screen, pixels=b"")
        sure = self._after(replace(prompt, screen=unseen), said, Effect("confirmed"))[:-1]
        if not self.speaker.skip_unchanged:
            return (sure,)
        return sure, self._after(prompt, said, without_change(said.action))

    def _after(self, prompt: Prompt, said: Said, effect: Effect) -> tuple[ChatMessage, ...]:
        history = prompt.history
        done = Step(history.next_step, said.action, effect, said.thought)
        after = replace(prompt, history=replace(history, steps=(*history.steps, done), feedback=""))
        return self.speaker.converse(after, self._screens, self._replies)


class _Canonical(msgspec.Struct):
    thought: str
    action: Action


def _canonical(said: Said) -> str:
    return msgspec.json.encode(_Canonical(said.thought, said.action)).decode()

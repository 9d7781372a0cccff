"""The `Model` port over the llama engine: a conversation in, a reply held to the action grammar out."""

from __future__ import annotations

import msgspec

from edgeagent.engine.conversation import converse, first_screenshot
from edgeagent.engine.watchdog import Engine
from edgeagent.errors import ContextFull, EngineError
from edgeagent.ports import Prompt, Reply
from edgeagent.screen import Screen
from edgeagent_models.families import generic
from edgeagent_models.protocol import ChatMessage, Complete, Completed, Sampling

MAX_REPLY_TOKENS = 1024


class LlamaModel:
    """Asks a GGUF model. Its own words and the screenshots it still sees are kept here, by step."""

    def __init__(self, engine: Engine, sequence: str, seed: int) -> None:
        self.engine = engine
        self._sequence = sequence
        self._sampling = Sampling(seed=seed, max_tokens=MAX_REPLY_TOKENS)
        self._grammar = generic.action_grammar()
        self._screens: dict[int, Screen] = {}
        self._replies: dict[int, str] = {}

    async def complete(self, prompt: Prompt) -> Reply:
        try:
            completed = await self._ask(converse(prompt, self._screens, self._replies))
        except ContextFull:
            # Large screens: better the latest alone than none.
            self._screens.clear()
            completed = await self._ask(converse(prompt, {}, self._replies))
        self._remember(prompt, completed.text)
        return Reply(
            _canonical(completed.text), frame=generic.FRAME, usage=completed.usage, timings_ms=completed.timings_ms
        )  # fmt: skip

    async def _ask(self, messages: tuple[ChatMessage, ...]) -> Completed:
        completed = await self.engine.request(Complete(0, self._sequence, messages, self._sampling, self._grammar))
        if not isinstance(completed, Completed):
            raise EngineError(f"the engine answered a completion with {type(completed).__name__}")
        return completed

    def _remember(self, prompt: Prompt, text: str) -> None:
        step = prompt.history.next_step
        self._screens[step] = prompt.screen
        self._replies[step] = text
        oldest = first_screenshot(step)
        self._screens = {number: screen for number, screen in self._screens.items() if number >= oldest}


def _canonical(text: str) -> str:
    """The reply as canonical JSON; as it is where it is no action, for the loop to refuse it."""
    try:
        return msgspec.json.encode(generic.parse(text)).decode()
    except ValueError:
        return text

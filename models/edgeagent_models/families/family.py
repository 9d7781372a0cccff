"""What a model family is to the runtime: how its prompt, history, pictures, sampling and replies go. Pure.

One file each holds a family: mostly a declaration over a shared dialect. ``docs/families.md`` says where each was read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Protocol

import msgspec

from edgeagent_harness.protocol.actions import Action, action_kind
from edgeagent_models.families.encoder import token_bounds
from edgeagent_models.families.grid import GridKind, View
from edgeagent_models.families.resize import SizeRule

_THINKING = re.compile(r"^\s*(?:<think>)?(?:(?!</think>).)*</think>", re.DOTALL)


class UnreadableReply(ValueError):
    """What a model said is no action. The message says what is wrong, in words that the model can act on."""


class CannotTell(ValueError):
    """The family has no words for this action (another model may have done it)."""


@dataclass(frozen=True, slots=True)
class Said:
    """A reply as it was understood; points in physical pixels."""

    thought: str
    action: Action
    note: str = ""
    """What the model wants to remember from this screen."""


class Dialect(Protocol):
    """How a family's instructions and replies are written."""

    def called(self, action: Action) -> str:
        """The family's own name for what ``action`` does; raises `CannotTell`."""
        ...

    def instructions(self, view: View) -> str:
        """The system prompt."""
        ...

    def parse(self, text: str, view: View) -> Said:
        """Read a reply; raises `UnreadableReply` and nothing else."""
        ...

    def render(self, thought: str, action: Action, view: View) -> str:
        """``action`` (points in physical pixels) as the model would have said it; raises `CannotTell`."""
        ...

    def grammar(self, view: View) -> str:
        """GBNF that holds the output to what `parse` reads; empty where replies are free text."""
        ...


@dataclass(frozen=True, slots=True)
class HistoryRule:
    """What of the past the model is shown. What is dropped is dropped in batches, for the sake of the prefix cache."""

    screenshots: int
    """At most so many stand at once; one more drops all but the newest."""
    turns: int
    """Steps told as turns of their own; older ones become a line each."""
    own_words: bool = True
    """Past turns are the model's own replies; False: always written anew from the parsed action."""
    evicted: str = "[screenshot evicted]"
    """Stands where a screenshot was."""


@dataclass(frozen=True, slots=True)
class Wording:
    """The texts around a conversation's facts. Each has the named places that its line says."""

    task: str = "Task: {task}\n"
    earlier: str = "Done so far:\n{lines}\n"
    result: str = "Result: {result}\n"
    """``{result}``, and ``{verb}``: what the model called the action."""
    before_image: str = ""
    after_image: str = ""
    remembered: str = "\nRemembered: {facts}"
    refused: str = "\nYour last reply was not carried out: {feedback}"
    ask: str = "\nWhat is the next action?"
    """The end of the last turn; may hold ``{task}``."""


@dataclass(frozen=True, slots=True)
class SamplingRule:
    """How its authors sample the family. ``temperature`` 0 is greedy."""

    temperature: float = 0.0
    top_p: float = 1.0
    top_k: int = 0
    max_tokens: int = 1024
    stop: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Family:
    """One way of speaking to a model."""

    name: str
    title: str
    names: tuple[str, ...]
    """Regular expressions; one that is found in a GGUF's name (lower case, words joined by ``-``) selects the family."""
    dialect: Dialect
    grid: GridKind
    resize: SizeRule
    history: HistoryRule
    architectures: tuple[str, ...] = ()
    """Of GGUF files that are taken for this family when no name says otherwise."""
    wording: Wording = field(default_factory=Wording)
    sampling: SamplingRule = field(default_factory=SamplingRule)
    context_tokens: int = 8192
    thinks_aloud: bool = False
    """What stands in ``<think>`` tags is the thought; else it is reasoning, which is left out."""
    grounder: bool = False
    """It points at what the task names, once; it cannot plan."""

    def view(self, width: int, height: int, factor: int = 0) -> View:
        """How a screen of ``width`` x ``height`` is sent; ``factor`` is the vision encoder's own, where it is known."""
        factor = factor or self.resize.factor
        bounds = token_bounds(factor)
        low, high = bounds.min_pixels, bounds.max_pixels
        rule = SizeRule(factor, min(high, max(low, self.resize.min_pixels)), max(low, min(high, self.resize.max_pixels)))
        return View(width, height, *rule.fit(width, height))

    def parse(self, text: str, view: View) -> Said:
        """Read a reply; raises `UnreadableReply` saying what is wrong."""
        spoken = text if self.thinks_aloud else _THINKING.sub("", text, count=1)
        said = self.dialect.parse(spoken.strip(), view)
        try:
            action = msgspec.json.decode(msgspec.json.encode(said.action), type=Action)
            msgspec.json.encode((said.thought, said.note))
        except (msgspec.MsgspecError, UnicodeError) as error:
            raise UnreadableReply(f"the action is not valid: {error}") from error
        return Said(said.thought, action, said.note)

    def called(self, action: Action) -> str:
        """The family's own name for what ``action`` does, else ours."""
        try:
            return self.dialect.called(action)
        except CannotTell:
            return action_kind(action)

    def render(self, thought: str, action: Action, view: View) -> str:
        """``action`` as the model would have said it; raises `CannotTell`."""
        return self.dialect.render(thought, action, view)

"""Where a reply stands in its grammar, one character at a time, and what text must follow. Pure."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from typing import TypeAlias, cast

import numpy as np
import numpy.typing as npt

from edgeagent_models.llama import gbnf
from edgeagent_models.llama.gbnf import Chars, NotUnderstood, Ref

Stack: TypeAlias = "tuple[gbnf.Sequence, int, Stack] | None"
"""A place in a sequence, and where to go on behind that sequence. None: the end of the reply."""
MAX_FORCED_CHARS = 512
NARROW_CHARS = 16
KEPT_GRAMMARS = 8


class Grammar:
    """A grammar and the states met so far."""

    def __init__(self, text: str) -> None:
        """Raises `NotUnderstood` for what is no grammar or cannot be followed."""
        self._rules = gbnf.read(text)
        self._states: dict[frozenset[Stack], State] = {}
        try:
            start = self.state(self._opened((Ref(0),), 0, None))
        except RecursionError as error:
            raise NotUnderstood("a rule begins with itself") from error
        assert start is not None
        self.start = start

    def state(self, stacks: Iterable[Stack]) -> State | None:
        """The state of ``stacks``; None if there are none."""
        key = frozenset(stacks)
        if key and key not in self._states:
            self._states[key] = State(self, key)
        return self._states.get(key)

    def behind(self, stack: Stack) -> Iterator[Stack]:
        """What may follow the character at the top of ``stack``."""
        assert stack is not None
        sequence, at, rest = stack
        return self._opened(sequence, at + 1, rest)

    def _opened(self, sequence: gbnf.Sequence, at: int, rest: Stack) -> Iterator[Stack]:
        """Stacks with a character on top, for what begins at ``at``."""
        while at == len(sequence):
            if rest is None:
                yield None
                return
            sequence, at, rest = rest
        element = sequence[at]
        if isinstance(element, Chars):
            yield sequence, at, rest
            return
        after = (sequence, at + 1, rest) if at + 1 < len(sequence) else rest
        for alternative in self._rules[element.rule]:
            yield from self._opened(alternative, 0, after)


class State:
    """All that may follow after some text. The same state is the same object, within one grammar."""

    def __init__(self, grammar: Grammar, stacks: frozenset[Stack]) -> None:
        self._grammar = grammar
        self._stacks = [stack for stack in stacks if stack is not None]
        self.may_end = None in stacks
        """The reply may be over here."""
        self._following: dict[str, State | None] = {}
        self.tokens: npt.NDArray[np.int32] | None = None
        """Those that may come next, once somebody found out."""

    @property
    def ended(self) -> bool:
        """Nothing can follow."""
        return not self._stacks

    def after(self, char: str) -> State | None:
        """The state behind ``char``; None if it may not come."""
        if char in self._following:
            return self._following[char]
        found = self._grammar.state(
            following for stack in self._stacks if _top(stack).has(char) for following in self._grammar.behind(stack)
        )  # fmt: skip
        if self.narrow:  # any other has too many
            self._following[char] = found
        return found

    @functools.cached_property
    def forced(self) -> str:
        """The text that must follow, as far as there is no choice."""
        found: list[str] = []
        state: State | None = self
        while state is not None and len(found) < MAX_FORCED_CHARS and (char := state._only()):
            found.append(char)
            state = state.after(char)
        return "".join(found)

    @functools.cached_property
    def narrow(self) -> bool:
        """Only a few characters can follow."""
        tops = [_top(stack) for stack in self._stacks]
        if any(top.negated for top in tops):
            return False
        return sum(ord(high) - ord(low) + 1 for top in tops for low, high in top.ranges) <= NARROW_CHARS

    def _only(self) -> str:
        chars = {_top(stack).single for stack in self._stacks}
        return chars.pop() if len(chars) == 1 and not self.may_end else ""


def _top(stack: Stack) -> Chars:
    assert stack is not None
    sequence, at, _ = stack
    return cast("Chars", sequence[at])


@functools.lru_cache(KEPT_GRAMMARS)
def grammar(text: str) -> Grammar | None:
    """The grammar of ``text``, kept with its states; None where it cannot be followed here."""
    try:
        return Grammar(text)
    except NotUnderstood:
        return None

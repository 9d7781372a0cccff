"""The part of a constrained reply that the grammar alone decides: its tokens need not be asked of the model one by one.

Forced text goes into memory as one batch. Where only a few tokens may come, the best of these is taken without a look at the
whole vocabulary.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable

from edgeagent_models.llama.grammar_state import Grammar, State
from edgeagent_models.llama.model import Vocabulary


class Skeleton:
    """Follows one reply through its grammar."""

    def __init__(self, grammar: Grammar, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._state: State | None = grammar.start
        self._decoder = codecs.getincrementaldecoder("utf-8")("strict")

    @property
    def state(self) -> State | None:
        """Where the reply stands; None within a character, and for good where the reply left the grammar."""
        return None if self._decoder.getstate()[0] else self._state

    def accept(self, token: int) -> None:
        """``token`` is now part of the reply."""
        try:
            text = self._decoder.decode(self._vocabulary.piece(token))
        except UnicodeDecodeError:
            text, self._state = "", None
        for char in text:
            self._state = self._state.after(char) if self._state else None

    def forced(self) -> list[int]:
        """Tokens of the text that must follow now. The last one of an open end is left out: with what follows it may be
        another token."""
        state = self.state
        text = state.forced if state else ""
        tokens = self._vocabulary.plain_tokens(text)
        if b"".join(map(self._vocabulary.piece, tokens)) != text.encode():
            return []
        for char in text:
            state = state.after(char) if state else None
        return tokens if state and state.ended else tokens[:-1]

    def last(self, allowed: Iterable[int]) -> list[int]:
        """The token of an open end after all, where none of ``allowed`` (all that may come here) goes beyond it: then it
        is the same whatever follows."""
        text = self._state.forced if self._state else ""
        tokens = self._vocabulary.plain_tokens(text)
        whole = text.encode()
        if len(tokens) != 1 or self._vocabulary.piece(tokens[0]) != whole:
            return []
        return tokens if all(whole.startswith(self._vocabulary.piece(token)) for token in allowed) else []

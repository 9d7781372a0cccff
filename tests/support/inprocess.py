"""The llama engine without its process, so that a test sees the logits and not only the words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from edgeagent_models.llama.decoder import Decoder
from edgeagent_models.llama.engine import LlamaEngine
from edgeagent_models.protocol import ChatMessage, Complete, Completed, Delta, EngineReply, Load, Prime, Sampling

Logits = npt.NDArray[np.float32]


class Asked:
    """One engine, and what it said: logits of every token that was sampled, in order."""

    def __init__(self, engine: LlamaEngine, logits: list[Logits]) -> None:
        self.engine = engine
        self.logits = logits
        self._replies: list[EngineReply] = []

    def fresh(self, name: str) -> None:
        """An empty sequence ``name``."""
        if name in self.engine.sequences:
            self.engine.close_sequence(name)
        self.engine.open_sequence(name)

    def ask(self, sequence: str, *messages: ChatMessage, grammar: str = "", max_tokens: int = 1) -> tuple[Completed, Logits]:
        """The answer, and the logits of each of its tokens ``(tokens, vocabulary)``."""
        self.logits.clear()
        self._replies.clear()
        self.engine.complete(Complete(1, sequence, messages, Sampling(max_tokens=max_tokens), grammar), self._replies.append)
        while self.engine.work():
            pass
        (reply,) = (reply for reply in self._replies if not isinstance(reply, Delta))
        assert isinstance(reply, Completed), reply
        return reply, np.stack(self.logits)

    def prime(self, sequence: str, *messages: ChatMessage, work: int = 10_000) -> list[EngineReply]:
        """Send a beginning and do so many slices of work; the list gets the answer, then or later."""
        answers: list[EngineReply] = []
        self.engine.prime(Prime(2, sequence, messages), answers.append)
        while work and self.engine.work():
            work -= 1
        return answers


@contextmanager
def loaded(
    monkeypatch: pytest.MonkeyPatch, model: Path, mmproj: Path | None, max_sequences: int = 1, context_tokens: int = 4096,
    parked_folder: Path | str = "",
) -> Iterator[Asked]:  # fmt: skip
    """An engine of this process with ``model`` and the sequence ``a``."""
    load = Load(
        0, str(model), str(mmproj or ""), context_tokens=context_tokens, max_sequences=max_sequences, threads=1,
        parked_folder=str(parked_folder),
    )  # fmt: skip
    engine = LlamaEngine(load)
    logits: list[Logits] = []
    plain = Decoder.logits

    def noted(self: Decoder, row: int) -> Logits:
        found = plain(self, row)
        logits.append(found.copy())
        return found

    monkeypatch.setattr(Decoder, "logits", noted)
    try:
        asked = Asked(engine, logits)
        asked.fresh("a")
        yield asked
    finally:
        engine.close()

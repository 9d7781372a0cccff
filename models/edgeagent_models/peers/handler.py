"""What the peers have in common: one model, one conversation at a time, replies of exactly as many tokens as are asked for."""

from __future__ import annotations

import abc
from collections import deque
from pathlib import Path

from edgeagent_models.errors import EngineProblem
from edgeagent_models.handler import BaseHandler, Send
from edgeagent_models.llama.model import header_of
from edgeagent_models.peers.messages import OpenAiMessage, Writer
from edgeagent_models.protocol import Complete, Completed, Load, Loaded


class PeerHandler(BaseHandler, abc.ABC):
    """Serves `Load` and `Complete`; sampling is greedy and the end of a reply is forbidden, whatever is asked."""

    def __init__(self) -> None:
        self._writer = Writer()
        self._queue: deque[tuple[Complete, Send]] = deque()

    @abc.abstractmethod
    def start(self, request: Load) -> None:
        """Load the model."""

    @abc.abstractmethod
    def answer(self, number: int, messages: list[OpenAiMessage], tokens: int) -> Completed:
        """Reply to ``messages`` with ``tokens`` tokens, as request ``number``."""

    def load(self, request: Load) -> Loaded:
        if not request.mmproj:
            raise EngineProblem("usage", "name the model's vision part")
        header = header_of(request.path)
        self.start(request)
        name = header.name or Path(request.path).stem
        return Loaded(request.id, name, header.architecture, type(self).__name__, True, request.context_tokens, 0.0)

    def open_sequence(self, name: str) -> None:
        return None

    def close_sequence(self, name: str) -> None:
        return None

    def complete(self, request: Complete, send: Send) -> None:
        self._queue.append((request, send))

    def work(self) -> bool:
        if not self._queue:
            return False
        request, send = self._queue.popleft()
        send(self.answer(request.id, self._writer.written(request.messages), request.sampling.max_tokens))
        return True

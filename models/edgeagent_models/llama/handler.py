"""The llama engine: requests in, a scheduler that decodes, replies out.

Nothing heavy is imported before `load`, so that a machine without llama-cpp-python gets a clear answer.
"""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

from edgeagent_models.errors import EngineProblem
from edgeagent_models.handler import BaseHandler, Send
from edgeagent_models.protocol import Complete, Fetch, Load, Loaded, LoadState, Park, Parked, Prime, SaveState

if TYPE_CHECKING:
    from edgeagent_models.llama.engine import LlamaEngine


class LlamaHandler(BaseHandler):
    """Serves one GGUF model once it is loaded; see `edgeagent_models.handler.EngineHandler`."""

    def __init__(self) -> None:
        self._engine: LlamaEngine | None = None

    def load(self, request: Load) -> Loaded:
        if importlib.util.find_spec("llama_cpp") is None:
            raise EngineProblem("model", "llama-cpp-python is not installed: pip install 'edgeagent[llama]'")
        from edgeagent_models.llama.engine import LlamaEngine

        self._engine = LlamaEngine(request)
        return self._engine.loaded

    def open_sequence(self, name: str) -> None:
        self._loaded().open_sequence(name)

    def close_sequence(self, name: str) -> None:
        self._loaded().close_sequence(name)

    def complete(self, request: Complete, send: Send) -> None:
        self._loaded().complete(request, send)

    def prime(self, request: Prime, send: Send) -> None:
        self._loaded().prime(request, send)

    def work(self) -> bool:
        return self._engine is not None and self._engine.work()

    def save_state(self, request: SaveState) -> None:
        self._loaded().save_state(request)

    def load_state(self, request: LoadState) -> None:
        self._loaded().load_state(request)

    def park(self, request: Park) -> Parked:
        return self._loaded().park(request)

    def fetch(self, request: Fetch) -> None:
        self._loaded().fetch(request)

    def abort(self, target: int) -> None:
        if self._engine is not None:
            self._engine.abort(target)

    def close(self) -> None:
        if self._engine is not None:
            self._engine.close()

    def _loaded(self) -> LlamaEngine:
        assert self._engine is not None, "the shell asks for nothing before load"
        return self._engine

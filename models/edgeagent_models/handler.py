"""What an engine implements; `edgeagent_models.serve` does the rest (socket, threads, abort, failures)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from edgeagent_models.errors import EngineProblem
from edgeagent_models.protocol import (
    Complete,
    Decide,
    Decided,
    EngineReply,
    Fetch,
    Load,
    Loaded,
    LoadState,
    Park,
    Parked,
    Perceive,
    Perceived,
    Prime,
    SaveState,
)

Send = Callable[[EngineReply], None]
"""Sends one reply to the app; may be called from any thread."""


class EngineHandler(Protocol):
    """An engine inside its process. All methods but `abort` are called on one thread, one at a time.

    The shell sees to it that `load` comes first and once, and that sequences are open when they are named.
    Raise `EngineProblem` for a request that cannot be served; anything else that is raised becomes ``internal``.
    """

    def load(self, request: Load) -> Loaded: ...

    def open_sequence(self, name: str) -> None: ...

    def close_sequence(self, name: str) -> None: ...

    def complete(self, request: Complete, send: Send) -> None:
        """Queue a completion; its replies come out of `work` through ``send``."""
        ...

    def prime(self, request: Prime, send: Send) -> None:
        """Queue what `Prime` says; its reply comes out of `work`, or at once when a `Complete` overtakes it."""
        ...

    def work(self) -> bool:
        """Do one slice of what is queued; False when nothing is left."""
        ...

    def decide(self, request: Decide) -> Decided: ...

    def perceive(self, request: Perceive) -> Perceived: ...

    def save_state(self, request: SaveState) -> None: ...

    def load_state(self, request: LoadState) -> None: ...

    def park(self, request: Park) -> Parked: ...

    def fetch(self, request: Fetch) -> None: ...

    def abort(self, target: int) -> None:
        """Stop request ``target`` soon. Called from another thread at any moment: set a flag, nothing else."""
        ...

    def close(self) -> None:
        """Release what the engine holds; no call follows."""
        ...


class BaseHandler:
    """Refuses everything with a clear message; an engine overrides what it can do."""

    def load(self, request: Load) -> Loaded:
        raise _cannot("load a model")

    def open_sequence(self, name: str) -> None:
        raise _cannot("keep sequences")

    def close_sequence(self, name: str) -> None:
        raise _cannot("keep sequences")

    def complete(self, request: Complete, send: Send) -> None:
        raise _cannot("complete text: load a GGUF file with the llama engine")

    def prime(self, request: Prime, send: Send) -> None:
        raise _cannot("take the beginning of a prompt: load a GGUF file with the llama engine")

    def work(self) -> bool:
        return False

    def decide(self, request: Decide) -> Decided:
        raise _cannot("decide on actions: that is the embedded engine's")

    def perceive(self, request: Perceive) -> Perceived:
        raise _cannot("find elements: that is the embedded engine's")

    def save_state(self, request: SaveState) -> None:
        raise _cannot("save its state")

    def load_state(self, request: LoadState) -> None:
        raise _cannot("load a state")

    def park(self, request: Park) -> Parked:
        raise _cannot("park a sequence: it keeps none")

    def fetch(self, request: Fetch) -> None:
        raise _cannot("fetch a sequence: it keeps none")

    def abort(self, target: int) -> None:
        return None

    def close(self) -> None:
        return None


def _cannot(what: str) -> EngineProblem:
    return EngineProblem("usage", f"this engine cannot {what}")

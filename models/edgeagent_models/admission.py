"""Which requests make sense now: a model first, then sequences, then work on these. The same for every engine. Pure."""

from __future__ import annotations

from edgeagent_models.errors import EngineProblem
from edgeagent_models.protocol import (
    ENGINE_PROTOCOL_VERSION,
    CloseSequence,
    Complete,
    Decide,
    EngineRequest,
    Fetch,
    Load,
    LoadState,
    OpenSequence,
    Park,
    Perceive,
    Prime,
    SaveState,
)


class Admission:
    """Keeps track of what is loaded and open."""

    def __init__(self) -> None:
        self._load: Load | None = None
        self._open: set[str] = set()

    @property
    def sequences(self) -> int:
        """How many are open."""
        return len(self._open)

    def check(self, request: EngineRequest) -> None:
        """Raises `EngineProblem` if ``request`` cannot be served now."""
        match request:
            case Load():
                self._check_load(request)
            case OpenSequence(sequence=name):
                self._check_open(name, self._loaded())
            case Complete() | Prime() | Decide() | Perceive() | SaveState() | LoadState() | Park() | Fetch() | CloseSequence():
                self._loaded()
                if request.sequence not in self._open:
                    raise EngineProblem("no_such_sequence", f"no sequence {request.sequence!r} is open: send open_sequence first")
            case _:
                return

    def served(self, request: EngineRequest) -> None:
        """``request`` was carried out."""
        match request:
            case Load():
                self._load = request
            case OpenSequence(sequence=name):
                self._open.add(name)
            case CloseSequence(sequence=name):
                self._open.discard(name)
            case _:
                return

    def _check_load(self, request: Load) -> None:
        if request.version != ENGINE_PROTOCOL_VERSION:
            raise EngineProblem(
                "usage", f"the app speaks engine protocol {request.version}, this engine {ENGINE_PROTOCOL_VERSION}"
            )  # fmt: skip
        if self._load is not None:
            raise EngineProblem("usage", "a model is loaded already: start another engine process for another model")
        if request.max_sequences < 1 or request.context_tokens < 1:
            raise EngineProblem("usage", "max_sequences and context_tokens must be at least 1")

    def _check_open(self, name: str, load: Load) -> None:
        if name in self._open:
            raise EngineProblem("usage", f"sequence {name!r} is open already")
        if len(self._open) >= load.max_sequences:
            raise EngineProblem("usage", f"all {load.max_sequences} sequences are open: close one, or load with more")

    def _loaded(self) -> Load:
        if self._load is None:
            raise EngineProblem("usage", "nothing is loaded yet: send load first")
        return self._load

"""Real engine processes for tests."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from edgeagent.engine.channel import OnDelta
from edgeagent.engine.process import EngineProcess
from edgeagent_models.protocol import (
    ChatMessage,
    Complete,
    Completed,
    Image,
    ImagePart,
    Load,
    Loaded,
    OpenSequence,
    Part,
    Sampling,
    TextPart,
)

SEQUENCES = ("a", "b", "c", "d")


@asynccontextmanager
async def llama(model: Path, mmproj: Path | None = None, context_tokens: int = 2048) -> AsyncGenerator[EngineProcess]:
    """A llama engine with ``model`` loaded and the sequences `SEQUENCES` open."""
    process = await EngineProcess.start("llama")
    try:
        load = Load(0, str(model), str(mmproj or ""), context_tokens=context_tokens, max_sequences=len(SEQUENCES), threads=2)
        assert isinstance(await process.request(load), Loaded)
        for name in SEQUENCES:
            await process.request(OpenSequence(0, name))
        yield process
    finally:
        await process.close()


def user(*parts: str | Image) -> ChatMessage:
    """What the user says and shows."""
    return ChatMessage("user", tuple(map(_part, parts)))


def _part(part: str | Image) -> Part:
    return TextPart(part) if isinstance(part, str) else ImagePart(part)


async def complete(
    process: EngineProcess, sequence: str, *parts: str | Image, grammar: str = "", on_delta: OnDelta | None = None,
    stop: Sequence[str] = (), **sampling: float,
) -> Completed:  # fmt: skip
    """Ask with one user message; 24 tokens, greedy, where ``sampling`` says nothing else."""
    settings = Sampling(**{"max_tokens": 24, "stop": tuple(stop), **sampling})  # type: ignore[arg-type]
    request = Complete(0, sequence, (user(*parts),), settings, grammar, stream=on_delta is not None)
    reply = await process.request(request, on_delta)
    assert isinstance(reply, Completed)
    return reply


def until_gone(pid: int) -> None:
    """Wait for a process to end."""
    deadline_s = time.monotonic() + 10
    while Path(f"/proc/{pid}").exists():
        assert time.monotonic() < deadline_s, f"process {pid} is still there"
        time.sleep(0.02)

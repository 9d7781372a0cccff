"""The app's side of the engines: processes that hold models, watched over, behind the `Model` port."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from edgeagent.engine.conversation import Speaker
from edgeagent.engine.embedded_model import EmbeddedModel
from edgeagent.engine.host import Seat, Seats, host
from edgeagent.engine.llama_model import LlamaModel
from edgeagent.engine.parking import Parking
from edgeagent.engine.priming import Primer
from edgeagent.engine.remote import open_remote
from edgeagent.engine.tagging import Tags
from edgeagent.engine.watchdog import Engine
from edgeagent.errors import ModelUnusable
from edgeagent.folders import cache_root, parked_folder
from edgeagent.model_print import print_of
from edgeagent.remote_names import is_remote, remote_name
from edgeagent_harness.protocol.audit import Connection
from edgeagent_models.catalog import read_gguf
from edgeagent_models.errors import NotAModel
from edgeagent_models.families.family import Family
from edgeagent_models.families.registry import NoSuchFamily, by_name, recognised
from edgeagent_models.protocol import PARKED_BYTES, Load

__all__ = ["EmbeddedModel", "Engine", "LlamaModel", "expect", "open_model"]

EMBEDDED = "embedded"
SEQUENCE = "session"
CARRY_S = 5.0
"""For states that are under way to the place behind the disk when a run ends; the others go with the next run."""
DISK_BYTES = PARKED_BYTES
"""For states of sessions on this machine's disk."""


@asynccontextmanager
async def open_model(
    model: str,
    mmproj: str,
    seed: int,
    restarted: Callable[[str], None],
    family: str = "",
    skip_unchanged: bool = False,
    audited: Callable[[Connection], None] = lambda _: None,
    session: str = "",
    seats: Seats | None = None,
    tags: Tags | None = None,
) -> AsyncGenerator[EmbeddedModel | LlamaModel]:
    """``model`` (``embedded``, or the path of a GGUF file with its ``mmproj``) in a process of its own, or ``openai:URL#NAME``.

    ``restarted`` is told why whenever that process had to be started again. ``family`` says how a GGUF model is spoken to;
    empty: as its header suggests. ``skip_unchanged``: see `edgeagent.engine.conversation.Speaker`.
    ``audited`` hears of each connection to a server. A GGUF model's process is shared with other runs: by ``seats``, by default
    those of this process; ``session`` is the run's name there. ``tags``: what a server is told of the session.
    """
    if model == EMBEDDED:
        async with _started(Engine("embedded", Load(0), restarted)) as engine:
            yield EmbeddedModel(engine, SEQUENCE)
        return
    if is_remote(model):
        spoken = remote_family(model, family)
        async with open_remote(remote_name(model), audited, tags) as remote:
            yield LlamaModel(remote, SEQUENCE, seed, Speaker(spoken, spoken.resize.factor, skip_unchanged))
        return
    if not mmproj:
        raise ModelUnusable(f"{model} cannot see without its vision part", "give it with --mmproj FILE")
    spoken, factor = _speaking(model, mmproj, family)
    load = _load(model, mmproj, spoken, session)
    async with _seat(load, restarted, session, seats) as seat:
        parking = Parking(seat, session, _words_of(spoken, model)) if session else None
        speaker = Speaker(spoken, factor, skip_unchanged)
        yield LlamaModel(seat, seat.sequence, seed, speaker, Primer(seat).prime, parking)


@asynccontextmanager
async def _seat(load: Load, restarted: Callable[[str], None], session: str, seats: Seats | None) -> AsyncGenerator[Seat]:
    """One of ``seats``, or of this process, which ends with the run as a rule: what had to leave its disk gets a moment."""
    async with (seats or host()).taken(load, restarted, session) as seat:
        yield seat
    if seats is None:
        await asyncio.to_thread(host().settle, CARRY_S)


def expect(model: str, mmproj: str, family: str, session: str) -> None:
    """A run of ``session`` will probably begin here: have its engine ready, if it is one that takes time to load.

    Reads the model's header. Raises `ModelUnusable`.
    """
    if mmproj and model != EMBEDDED and not is_remote(model):
        host().expect(_load(model, mmproj, _speaking(model, mmproj, family)[0], session), session)


def _load(model: str, mmproj: str, spoken: Family, session: str) -> Load:
    folder = str(parked_folder()) if session else ""
    return Load(
        0, model, mmproj, context_tokens=spoken.context_tokens, threads_file=threads_file(), parked_folder=folder,
        parked_bytes=DISK_BYTES,
    )  # fmt: skip


def remote_family(model: str, family: str) -> Family:
    """How ``model`` (``openai:URL#NAME``) is spoken to: as ``family``, else as its name is or suggests."""
    if family:
        return by_name(family)
    name = remote_name(model).name
    with contextlib.suppress(NoSuchFamily):
        return by_name(name)
    return recognised("", [name])


def _words_of(spoken: Family, model: str) -> str:
    """Whose words a model's replies are, on whatever machine."""
    size_bytes, mark = print_of(Path(model))
    return f"{spoken.name} {size_bytes} {mark}"


def threads_file() -> str:
    """Where the engines remember how many threads are fastest on this machine."""
    return str(cache_root() / "threads.json")


@asynccontextmanager
async def _started(engine: Engine) -> AsyncGenerator[Engine]:
    await engine.start()
    try:
        await engine.open_sequence(SEQUENCE)
        yield engine
    finally:
        await engine.close()


def _speaking(model: str, mmproj: str, family: str) -> tuple[Family, int]:
    """The family of ``model``, and of what the sides of its pictures must be multiples."""
    try:
        spoken = by_name(family or read_gguf(Path(model)).family)
        factor = read_gguf(Path(mmproj)).picture_factor
    except (NotAModel, NoSuchFamily) as error:
        raise ModelUnusable(str(error)) from error
    if spoken.grid == "sent" and not factor:
        problem = f"{spoken.name} counts in pixels of the picture, but the vision part {mmproj} resizes pictures by itself"
        raise ModelUnusable(problem, "take the mmproj file that belongs to the model, or name another --family")
    return spoken, factor

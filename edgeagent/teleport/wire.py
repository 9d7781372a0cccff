"""What a client and a backend say to each other: the bodies of the API, version 1."""

from __future__ import annotations

import struct
from collections.abc import AsyncIterator
from typing import Annotated, Literal

import msgspec

from edgeagent.errors import BundleRefused
from edgeagent.teleport.manifest import ChunkId, Head
from edgeagent.teleport.sealing import MAX_SEALED_BYTES

API = "/v1"
MAX_IDS = 20_000
MAX_BATCH_BYTES = 8 << 20
"""Of chunks sent with one request."""
_FRAME = struct.Struct("<32sI")

Owner = Literal["client", "cloud"]
State = Literal["uploading", "verified", "running", "idle", "returning", "packed", "home"]
"""``uploading``, ``verified``: still the client's; ``running``, ``idle``, ``returning``, ``packed`` (ready to be fetched): the
cloud's; ``home``: the client's again."""
CommandKind = Literal["say", "approve", "stop"]
Key = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{64}\Z")]
Attempt = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{32}\Z")]
RecipientText = Annotated[str, msgspec.Meta(pattern=r"\Aage1[0-9a-z]{58}\Z")]
Epoch = Annotated[int, msgspec.Meta(ge=0, le=1 << 40)]


class _Body(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base of all bodies."""


class Backend(msgspec.Struct, frozen=True):
    """Who answers: what a client pins when it first meets it."""

    name: str
    version: str
    signer: str
    """Public key (hexadecimal) of the manifests that it makes."""
    recipient: str
    """Its age public key."""
    models: tuple[str, ...] = ()
    """Names of models that a server answers for there, by its operator's choice."""
    takes_engine_states: bool = False
    """Its engines go on from what a session's engine held elsewhere, by its operator's choice."""


class Prepare(_Body, frozen=True):
    """A session is about to be sent."""

    epoch: Epoch
    """The client's; the ledger must agree."""
    signer: Key
    """Public key of the manifest that will come, and of nobody else from then on."""
    attempt: Attempt
    """New each time: whatever belongs to an earlier attempt is refused from then on, however late it arrives."""
    recipient: RecipientText
    """For whom the backend seals what it sends back."""


class Standing(msgspec.Struct, frozen=True):
    """What the ledger says of a session."""

    session: str
    state: State
    owner: Owner
    epoch: int
    events: int
    last_step: int
    hash: str
    manifest_hash: str
    outcome: str = ""
    """How its last run there ended."""
    message: str = ""
    updated_s: float = 0.0
    trouble: str = ""
    """What keeps the backend from going on with it (a full disk); it tries again and again."""


class AtWork(msgspec.Struct, frozen=True):
    """The worker that has, or had last, the turn of a session that runs."""

    session: str
    worker: str
    turn: int
    """Grows with each worker; who has an earlier one can act no more."""
    beats: int
    """Signs of life of all turns; one that does not grow is replaced."""
    last_step: int
    updated_s: float


class ChunkIds(_Body, frozen=True):
    ids: Annotated[tuple[ChunkId, ...], msgspec.Meta(max_length=MAX_IDS)]


class Stored(msgspec.Struct, frozen=True):
    """How many chunks of a request were stored; with one that was cut off, those before."""

    chunks: int


class Echo(_Body, frozen=True):
    """A session as whoever rebuilt it found it."""

    manifest_hash: Key
    head: Head


class Flip(_Body, frozen=True):
    """The owner of ``epoch`` lets go, of exactly what the echo says."""

    epoch: Epoch
    attempt: Attempt
    echo: Echo


class FlipBack(_Body, frozen=True):
    """The backend is to let go, of exactly what the echo says."""

    epoch: Epoch
    echo: Echo


class Return(_Body, frozen=True):
    """A client wants a session: it alone has it from then on, whichever client sent it."""

    epoch: Epoch
    signer: Key
    recipient: RecipientText


class Command(_Body, frozen=True):
    """Something for the run at the backend. The same ``key`` again changes nothing."""

    key: Annotated[str, msgspec.Meta(min_length=8, max_length=64, pattern=r"\A[0-9A-Za-z_-]+\Z")]
    kind: CommandKind
    text: Annotated[str, msgspec.Meta(max_length=20_000)] = ""


class Problem(msgspec.Struct, frozen=True):
    """Why a request was refused."""

    error: str
    hint: str = ""


def frame(chunk: str, sealed: bytes) -> bytes:
    """One sealed chunk as it stands in a body."""
    return _FRAME.pack(bytes.fromhex(chunk), len(sealed)) + sealed


async def frames(pieces: AsyncIterator[bytes]) -> AsyncIterator[tuple[str, bytes]]:
    """The sealed chunks in a body that comes in ``pieces``, each as soon as it is whole. Raises `BundleRefused`."""
    pending = bytearray()
    async for piece in pieces:
        pending += piece
        while len(pending) >= _FRAME.size:
            name, size = _FRAME.unpack_from(pending)
            if size > MAX_SEALED_BYTES:
                raise BundleRefused(f"a chunk has {size} bytes; {MAX_SEALED_BYTES} are permitted")
            end = _FRAME.size + size
            if len(pending) < end:
                break
            yield name.hex(), bytes(pending[_FRAME.size : end])
            del pending[:end]
    if pending:
        raise BundleRefused("the chunks end in mid-way")

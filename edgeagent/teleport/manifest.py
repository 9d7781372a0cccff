"""The manifest: what a bundle holds, in one canonical form that is signed.

It is JSON with sorted keys. What is signed are its bytes after a prefix that nothing else of ours is signed with; a manifest that
is not in the canonical form is refused, so that equal bundles have equal names.
"""

from __future__ import annotations

import hashlib
from typing import Annotated, Literal, TypeAlias

import msgspec
from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

from edgeagent.errors import BundleRefused
from edgeagent_harness.protocol.windows import MAX_WINDOWS, PlacedWindow

FORMAT = 1
FORMAT_WITH_STATE = 2
"""Of a manifest that names an engine's state; one that does not is written as before, so that earlier versions read it."""
FORMAT_WITH_WINDOWS = 3
"""Of one that says where windows are, with an engine's state or without."""
MAX_MANIFEST_BYTES = 64 << 20
MAX_ENTRIES = 200_000
MAX_CHUNK_BYTES = 1 << 20
"""Of one chunk as it is in its file."""
MAX_PATH_CHARS = 4096
_PREFIX = b"edgeagent bundle manifest\n"
_ID_BYTES = 32

SESSION_PATTERN = r"\A[0-9A-Za-z][0-9A-Za-z._-]{0,63}\Z"
"""Of a session's id."""
ChunkId = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{64}\Z")]
Mode = Annotated[int, msgspec.Meta(ge=0, le=0o777)]
PathText = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_PATH_CHARS)]
Restoration = Literal["exact", "replayed", "reopened"]
"""``exact``: the state came along; ``replayed``: recorded actions without outside effect were done again and the screen agrees;
``reopened``: applications were opened, and the model goes on from what it sees."""


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base of all parts of a manifest."""


class ChunkRef(_Part, frozen=True, array_like=True):
    """A piece of a file: BLAKE2b-256 of its bytes, and how many there are."""

    id: ChunkId
    size: Annotated[int, msgspec.Meta(ge=1, le=MAX_CHUNK_BYTES)]


class FileEntry(_Part, frozen=True, tag_field="kind", tag="file"):
    """A file: ``path`` beneath the session's directory, as `edgeagent.teleport.paths` writes it."""

    path: PathText
    mode: Mode
    mtime_ns: Annotated[int, msgspec.Meta(ge=0, le=1 << 62)] = 0
    chunks: tuple[ChunkRef, ...] = ()

    @property
    def size(self) -> int:
        """Bytes."""
        return sum(chunk.size for chunk in self.chunks)


class FolderEntry(_Part, frozen=True, tag_field="kind", tag="folder"):
    path: PathText
    mode: Mode


class LinkEntry(_Part, frozen=True, tag_field="kind", tag="link"):
    """A symlink, with its target as it stands in it."""

    path: PathText
    target: PathText


Entry: TypeAlias = FileEntry | FolderEntry | LinkEntry


class Head(_Part, frozen=True):
    """How far a session has come: what the destination must echo before it gets the session."""

    events: int
    last_step: int
    hash: str
    """Of the last line of the event log: with it all lines before it are the same."""


class ModelReference(_Part, frozen=True):
    """Which model the session uses. Weights never go along."""

    name: str
    """``embedded``, or the file's name without its folder."""
    mmproj: str = ""
    family: str = ""
    size_bytes: int = 0
    fingerprint: str = ""
    """BLAKE2b-256 of the file's first and last MiB; empty: the file is not there."""


class EngineState(_Part, frozen=True):
    """What the session's engine holds, which spares another one with the same model the work of computing it again."""

    fingerprint: Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{32}\Z")]
    """Of model, vision part, context, template and llama.cpp's version (`edgeagent_models.fingerprint`)."""
    state: Annotated[tuple[ChunkRef, ...], msgspec.Meta(min_length=1)]
    memo: Annotated[tuple[ChunkRef, ...], msgspec.Meta(min_length=1)]
    """What the model was told beside the history."""

    @property
    def size(self) -> int:
        """Bytes."""
        return sum(chunk.size for chunk in (*self.state, *self.memo))


class Stays(_Part, frozen=True):
    """Something that does not go along, and why."""

    path: str
    why: str


class Found(_Part, frozen=True):
    """Something that looks like a secret in what goes along."""

    path: str
    what: str


class Manifest(_Part, frozen=True):
    """One session at one moment."""

    format: int
    session: Annotated[str, msgspec.Meta(pattern=SESSION_PATTERN)]
    made_s: float
    """Time of the session's last event, Unix seconds: the same session makes the same manifest."""
    version: str
    """Of edgeagent."""
    head: Head
    frames: int
    """Different screens in the recording."""
    expects: Restoration
    """How the destination can be expected to restore the screen; it says itself what it then did."""
    model: ModelReference
    policy: str
    applications: tuple[str, ...]
    limits: dict[str, float]
    left: dict[str, float]
    """What is left of the limits that count over the whole session."""
    entries: Annotated[tuple[Entry, ...], msgspec.Meta(max_length=MAX_ENTRIES)]
    stays: tuple[Stays, ...] = ()
    found: tuple[Found, ...] = ()
    engine: EngineState | msgspec.UnsetType = msgspec.UNSET
    """Optional, and no part of the session: whoever receives it may leave it out."""
    windows: Annotated[tuple[PlacedWindow, ...], msgspec.Meta(min_length=1, max_length=MAX_WINDOWS)] | msgspec.UnsetType = (
        msgspec.UNSET
    )
    """Where windows were when the last run ended, the lowest first: as it stands in the log."""

    @property
    def files(self) -> tuple[FileEntry, ...]:
        return tuple(entry for entry in self.entries if isinstance(entry, FileEntry))

    @property
    def size(self) -> int:
        """Bytes of all files, without an engine's state."""
        return sum(entry.size for entry in self.files)

    def chunks(self) -> dict[str, int]:
        """Each chunk once, with its size."""
        of_files = {chunk.id: chunk.size for entry in self.files for chunk in entry.chunks}
        state = (*self.engine.state, *self.engine.memo) if isinstance(self.engine, EngineState) else ()
        return of_files | {chunk.id: chunk.size for chunk in state}


class _Format(msgspec.Struct, frozen=True):
    """The beginning of understanding any manifest."""

    format: int


class _Signature(_Part, frozen=True):
    """The line after the manifest."""

    algorithm: Literal["ed25519"]
    public_key: str
    """Hexadecimal."""
    signature: str
    """Hexadecimal."""


def chunk_id(data: bytes) -> str:
    """What a chunk with these bytes is called."""
    return hashlib.blake2b(data, digest_size=_ID_BYTES).hexdigest()


def canonical(manifest: Manifest) -> bytes:
    """The one way to write ``manifest``."""
    return msgspec.json.encode(manifest, order="sorted")


def manifest_hash(manifest: Manifest) -> str:
    """What a bundle is called."""
    return hashlib.blake2b(canonical(manifest), digest_size=_ID_BYTES).hexdigest()


def sign(manifest: Manifest, key: SigningKey) -> bytes:
    """``manifest`` and its signature, a line each."""
    line = canonical(manifest)
    signature = _Signature("ed25519", bytes(key.verify_key).hex(), key.sign(_PREFIX + line).signature.hex())
    return line + b"\n" + msgspec.json.encode(signature) + b"\n"


def verify(signed: bytes, signer: str = "") -> tuple[Manifest, str]:
    """The manifest in ``signed`` and the public key (hexadecimal) that it is signed with, which must be ``signer`` if given.

    Raises `BundleRefused` for anything that is not exactly what `sign` makes.
    """
    lines = signed.split(b"\n")
    if len(signed) > MAX_MANIFEST_BYTES or len(lines) != 3 or lines[2]:
        raise BundleRefused("this is no signed manifest: it has not two lines")
    try:
        signature = msgspec.json.decode(lines[1], type=_Signature)
        VerifyKey(bytes.fromhex(signature.public_key)).verify(_PREFIX + lines[0], bytes.fromhex(signature.signature))
        _require_known(msgspec.json.decode(lines[0], type=_Format).format)
        manifest = msgspec.json.decode(lines[0], type=Manifest)
        is_canonical = canonical(manifest) == lines[0]
    except (msgspec.MsgspecError, ValueError, TypeError, RecursionError) as error:
        raise BundleRefused(f"this is no signed manifest: {error}") from error
    except BadSignatureError as error:
        raise BundleRefused("the manifest's signature does not hold: it was changed after it was signed") from error
    if not is_canonical:
        raise BundleRefused("the manifest is not in its canonical form")
    if signer and signature.public_key != signer:
        raise BundleRefused(f"the manifest is signed by {signature.public_key}, not by {signer}", "ask whoever sent it")
    if manifest.format != format_of(manifest):
        raise BundleRefused(f"the bundle has format {manifest.format}, and the parts of another")
    return manifest, signature.public_key


def format_of(manifest: Manifest) -> int:
    """The earliest format that has all parts of ``manifest``."""
    if manifest.windows is not msgspec.UNSET:
        return FORMAT_WITH_WINDOWS
    return FORMAT if manifest.engine is msgspec.UNSET else FORMAT_WITH_STATE


def _require_known(number: int) -> None:
    if number not in (FORMAT, FORMAT_WITH_STATE, FORMAT_WITH_WINDOWS):
        raise BundleRefused(
            f"the bundle has format {number}; this version reads formats {FORMAT} to {FORMAT_WITH_WINDOWS}",
            "give this machine the newer version",
        )

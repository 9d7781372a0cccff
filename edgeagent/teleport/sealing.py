"""A chunk as it travels and lies elsewhere: compressed with zstd, then encrypted with age for whoever may read it."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import zstandard

from edgeagent.errors import BundleRefused, UsageError
from edgeagent.recording.problems import recording_problem
from edgeagent.small_files import write_new
from edgeagent.teleport.manifest import MAX_CHUNK_BYTES, ChunkRef, chunk_id

pyrage: Any = import_module("pyrage")
"""It has no types of its own."""

MAX_SEALED_BYTES = MAX_CHUNK_BYTES + 64 * 1024
"""Of one sealed chunk; what does not compress grows by less."""
_LEVEL = 3


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who may read: an age public key."""

    text: str

    def seal(self, data: bytes) -> bytes:
        """``data`` for this recipient alone. Raises `UsageError` if it is none."""
        try:
            key = pyrage.x25519.Recipient.from_str(self.text)
        except pyrage.RecipientError as error:
            raise UsageError(f"{self.text[:80]!r} is no age recipient: {error}") from error
        return bytes(pyrage.encrypt(zstandard.compress(data, _LEVEL), [key]))


@dataclass(frozen=True, slots=True, repr=False)
class Identity:
    """The other half: an age secret key."""

    text: str

    @classmethod
    def new(cls) -> Identity:
        return cls(str(pyrage.x25519.Identity.generate()))

    @classmethod
    def of(cls, text: str) -> Identity:
        """The identity that ``text`` is. Raises `BundleRefused`."""
        try:
            pyrage.x25519.Identity.from_str(text)
        except pyrage.IdentityError as error:
            raise BundleRefused("this is no age identity") from error
        return cls(text)

    @property
    def recipient(self) -> Recipient:
        return Recipient(str(pyrage.x25519.Identity.from_str(self.text).to_public()))

    def open(self, sealed: bytes, max_bytes: int) -> bytes:
        """What was sealed, at most ``max_bytes``. Raises `BundleRefused`."""
        try:
            packed = bytes(pyrage.decrypt(sealed, [pyrage.x25519.Identity.from_str(self.text)]))
            if zstandard.frame_content_size(packed) > max_bytes:
                raise BundleRefused(f"a chunk would be larger than the {max_bytes} bytes that it may have")
            return zstandard.decompress(packed, max_output_size=max_bytes)
        except pyrage.DecryptError as error:
            raise BundleRefused(f"a chunk cannot be decrypted: {error}", "it was sealed for another key, or damaged") from error
        except zstandard.ZstdError as error:
            raise BundleRefused(f"a chunk cannot be decompressed: {error}") from error

    def open_chunk(self, sealed: bytes, chunk: ChunkRef) -> bytes:
        """The bytes of ``chunk``. Raises `BundleRefused` if it holds anything else."""
        data = self.open(sealed, chunk.size)
        if chunk_id(data) != chunk.id:
            raise BundleRefused(f"chunk {chunk.id[:12]} is not what its name says")
        return data


def with_passphrase(identity: Identity, passphrase: str) -> bytes:
    """``identity`` for whoever knows ``passphrase``; takes seconds, on purpose."""
    return bytes(pyrage.passphrase.encrypt(identity.text.encode(), passphrase))


def from_passphrase(sealed: bytes, passphrase: str) -> Identity:
    """The identity in ``sealed``. Raises `BundleRefused`."""
    try:
        text = bytes(pyrage.passphrase.decrypt(sealed, passphrase)).decode("latin-1")
    except pyrage.DecryptError as error:
        raise BundleRefused(f"the bundle cannot be opened: {error}", "is that its passphrase?") from error
    return Identity.of(text)


def kept_identity(path: Path) -> Identity:
    """The secret key in the file ``path``, made if there is none; nobody else may read it."""
    try:
        with contextlib.suppress(FileExistsError):
            write_new(path, Identity.new().text + "\n")
        if path.stat().st_mode & 0o077:
            raise UsageError(f"{path} can be read by others", f"chmod 600 {path}, and make a new one if others may have read it")
        return Identity.of(path.read_text(encoding="latin-1").strip())
    except OSError as error:
        raise recording_problem(error, path) from error
    except BundleRefused as error:
        raise UsageError(f"{path} holds no age identity", "move it away; the next use makes a new one") from error

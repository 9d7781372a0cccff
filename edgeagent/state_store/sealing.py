"""A state and its memo as one sealed file: compressed with zstd, encrypted with age, and marked by who has the key.

Inside: a 4-byte little-endian length, a header (msgpack), the state, the memo, a keyed hash over all of it. Nothing of it is in
its place before the hash was right.
"""

from __future__ import annotations

import hashlib
import os
import struct
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import IO, Any, cast

import msgspec
import zstandard

from edgeagent.errors import BundleRefused
from edgeagent.folders import APART_SUFFIX, MEMO_SUFFIX
from edgeagent.state_store.port import created
from edgeagent.teleport.sealing import Identity

_pyrage: Any = import_module("pyrage")
"""It has no types of its own."""
_LEVEL = 1
"""Makes 118 MB of 144, at half a gigabyte a second; higher ones take longer than they save."""
_PIECE_BYTES = 1 << 20
_LENGTH = struct.Struct("<I")
_MAX_HEADER_BYTES = 4096
_MARK_BYTES = 32


class _Inside(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    session: str
    fingerprint: str
    state_bytes: int
    memo_bytes: int


def seal(state: Path, memo: Path, target: Path, session: str, fingerprint: str, identity: Identity) -> None:
    """Write what is in ``state``, and in ``memo`` if there is one, to the new file ``target``. Raises `OSError`."""
    sizes = state.stat().st_size, memo.stat().st_size if memo.is_file() else 0
    inside = msgspec.msgpack.encode(_Inside(session, fingerprint, *sizes))
    pieces = _marked(_plain(inside, [state, memo][: 1 + bool(sizes[1])]), identity)
    key = _pyrage.x25519.Recipient.from_str(identity.recipient.text)
    with created(target) as sealed:
        _pyrage.encrypt_io(zstandard.ZstdCompressor(_LEVEL).stream_reader(cast("IO[bytes]", _Reading(pieces))), sealed, [key])


def unseal(sealed: Path, folder: Path, session: str, fingerprint: str, identity: Identity, max_bytes: int) -> None:
    """Put what `seal` wrote into ``folder``, as a state that its own session alone finds, with its memo.

    Raises `BundleRefused` for what is damaged, another's, another session's or model's, or has more than ``max_bytes``, and
    `OSError`.
    """
    scratch = [sealed.with_suffix(suffix) for suffix in (".memo-came", ".state-came")]
    taking = _Taking(scratch[1], scratch[0], session, fingerprint, _key(identity), max_bytes)
    try:
        writer = zstandard.ZstdDecompressor().stream_writer(cast("IO[bytes]", taking))
        with sealed.open("rb") as stream:
            _pyrage.decrypt_io(stream, writer, [_pyrage.x25519.Identity.from_str(identity.text)])
        taking.finish()
        for came, suffix in zip(scratch, (MEMO_SUFFIX, APART_SUFFIX), strict=True):
            os.replace(came, folder / f"{session}{suffix}")
    except (_pyrage.DecryptError, zstandard.ZstdError) as error:
        raise BundleRefused(f"it cannot be opened: {error}") from error
    except OSError as error:
        if error.errno is not None:
            raise
        raise BundleRefused("it is damaged or cut off") from error  # as pyrage says it in mid-stream
    finally:
        taking.close()
        for path in scratch:
            path.unlink(missing_ok=True)


def _plain(inside: bytes, files: list[Path]) -> Iterator[bytes]:
    yield _LENGTH.pack(len(inside)) + inside
    for file in files:
        with file.open("rb") as stream:
            while piece := stream.read(_PIECE_BYTES):
                yield piece


def _marked(pieces: Iterator[bytes], identity: Identity) -> Iterator[bytes]:
    """``pieces``, and behind them the mark of whoever has the key: encrypting takes the public half alone."""
    digest = hashlib.blake2b(key=_key(identity), digest_size=_MARK_BYTES)
    for piece in pieces:
        digest.update(piece)
        yield piece
    yield digest.digest()


def _key(identity: Identity) -> bytes:
    return hashlib.blake2b(identity.text.encode(), digest_size=32, person=b"edgeagent-states").digest()


class _Reading:
    """Pieces as a file to read."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = b""

    def read(self, size: int = -1) -> bytes:
        if not self._rest:
            self._rest = next(self._pieces, b"")
        taken = self._rest[:size] if size >= 0 else self._rest
        self._rest = self._rest[len(taken) :]
        return taken


class _Taking:
    """Takes the plain bytes apart as they come."""

    def __init__(self, state: Path, memo: Path, session: str, fingerprint: str, key: bytes, max_bytes: int) -> None:
        self._wanted = session, fingerprint
        self._max_bytes = max_bytes
        self._digest = hashlib.blake2b(key=key, digest_size=_MARK_BYTES)
        self._files = [created(path) for path in (state, memo)]
        self._begun = b""
        self._left: list[int] = []
        """Bytes that are to come for each file; empty before the header is there."""
        self._mark = b""

    def write(self, data: bytes) -> int:
        taken = len(data)
        if not self._left:
            data = self._header(data)
        for at, file in enumerate(self._files if self._left else []):
            piece, data = data[: self._left[at]], data[self._left[at] :]
            self._left[at] -= len(piece)
            self._digest.update(piece)
            file.write(piece)
        self._mark += data if self._left else b""
        if len(self._mark) > _MARK_BYTES:
            raise BundleRefused("it has more than it says")
        return taken

    def finish(self) -> None:
        """All has come. Raises `BundleRefused`."""
        if not self._left or any(self._left) or self._mark != self._digest.digest():
            raise BundleRefused("it is cut off, or was made by somebody without the key")
        self.close()

    def close(self) -> None:
        for file in self._files:
            file.close()

    def _header(self, data: bytes) -> bytes:
        """What is behind the header, once that is there."""
        self._begun += data
        if len(self._begun) < _LENGTH.size:
            return b""
        (length,) = _LENGTH.unpack_from(self._begun)
        end = _LENGTH.size + length
        if length > _MAX_HEADER_BYTES:
            raise BundleRefused("it is none of ours")
        if len(self._begun) < end:
            return b""
        try:
            inside = msgspec.msgpack.decode(self._begun[_LENGTH.size : end], type=_Inside)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise BundleRefused("it is none of ours") from error
        if (inside.session, inside.fingerprint) != self._wanted:
            raise BundleRefused("it is another session's, or was made with another model")
        if not 0 <= inside.state_bytes + inside.memo_bytes <= self._max_bytes or min(inside.state_bytes, inside.memo_bytes) < 0:
            raise BundleRefused(f"it has more than {self._max_bytes} bytes")
        self._digest.update(self._begun[:end])
        self._left = [inside.state_bytes, inside.memo_bytes]
        return self._begun[end:]

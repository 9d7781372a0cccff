"""A session as one file: chunks, then the signed manifest, all encrypted; written so that it can be gone on with.

    magic | header record | chunk records … | manifest record

A record is its kind (1 byte), the length of its name (1 byte) and of its body (4 bytes, little-endian), name and body. The header
holds the bundle's key, encrypted with a passphrase; a chunk's name is its id. The manifest comes last: a file without it is not
finished, and writing it again goes on where it stopped.
"""

from __future__ import annotations

import errno
import os
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from nacl.signing import SigningKey

from edgeagent.errors import BundleRefused, UsageError
from edgeagent.recording.problems import recording_problem
from edgeagent.teleport.manifest import MAX_MANIFEST_BYTES, ChunkRef, Manifest, sign, verify
from edgeagent.teleport.plan import Plan
from edgeagent.teleport.sealing import MAX_SEALED_BYTES, Identity, from_passphrase, with_passphrase

MAGIC = b"edgeagent bundle 1\n"
MIN_PASSPHRASE_CHARS = 8
_RECORD = struct.Struct("<BBI")
_HEADER, _CHUNK, _MANIFEST = 1, 2, 3
_MAX_BODY_BYTES = {_HEADER: 4096, _CHUNK: MAX_SEALED_BYTES, _MANIFEST: MAX_MANIFEST_BYTES}
_MAX_NAME_BYTES = 32

Progress = Callable[[int, int], None]
"""(bytes done, bytes in all)"""


@dataclass(frozen=True, slots=True)
class _Record:
    kind: int
    name: bytes
    offset: int
    """Of the body."""
    size: int


@dataclass(frozen=True, slots=True)
class BundleFile:
    """A whole bundle file, open for reading: the `ChunkSource` of its manifest."""

    manifest: Manifest
    signer: str
    """Public key, hexadecimal."""
    stream: BinaryIO
    identity: Identity
    chunks: dict[str, _Record]

    def read(self, chunk: ChunkRef) -> bytes:
        """The bytes of ``chunk``. Raises `BundleRefused`."""
        record = self.chunks.get(chunk.id)
        if record is None:
            raise BundleRefused(f"the bundle lacks chunk {chunk.id[:12]}")
        return self.identity.open_chunk(_body(self.stream, record), chunk)


def write_bundle(plan: Plan, out: Path, passphrase: str, key: SigningKey, progress: Progress | None = None) -> int:
    """Write ``plan`` to ``out``; returns how many bytes of chunks an earlier, unfinished writing had left to use.

    What is unfinished has the suffix ``.part``, and is taken up if the passphrase is its own.
    """
    if len(passphrase) < MIN_PASSPHRASE_CHARS:
        raise UsageError(f"the passphrase has fewer than {MIN_PASSPHRASE_CHARS} characters", "choose a longer one")
    part = out.with_name(out.name + ".part")
    try:
        fd = os.open(part, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with open(fd, "r+b") as stream:
            identity, there = _take_up(stream, passphrase)
            used = _write_chunks(stream, plan, identity, there, progress or _silent)
            _append(stream, _MANIFEST, b"", identity.recipient.seal(sign(plan.manifest, key)))
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(part, out)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise recording_problem(error, out) from error
        raise UsageError(f"cannot write the bundle to {out}: {error.strerror}", "choose another place with --out") from error
    return used


def open_bundle(path: Path, passphrase: str, signer: str = "") -> BundleFile:
    """The bundle in ``path``; its stream is the caller's to close. ``signer``: the public key that it must be signed with.

    Raises `BundleRefused`.
    """
    try:
        stream = path.open("rb")
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    try:
        records = list(_records(stream))
        if not records or records[-1].kind != _MANIFEST:
            raise BundleRefused(f"{path} is no whole bundle", "write it again to the same file: that goes on where it stopped")
        identity = from_passphrase(_body(stream, records[0]), passphrase)
        signed = identity.open(_body(stream, records[-1]), MAX_MANIFEST_BYTES)
        manifest, by = verify(signed, signer)
        chunks = {record.name.hex(): record for record in records if record.kind == _CHUNK}
    except BaseException:
        stream.close()
        raise
    return BundleFile(manifest, by, stream, identity, chunks)


def _take_up(stream: BinaryIO, passphrase: str) -> tuple[Identity, set[str]]:
    """The key of an unfinished file and the chunks that it has; anything else in ``stream`` is cut."""
    try:
        records = list(_records(stream))
        identity = from_passphrase(_body(stream, records[0]), passphrase)
    except (BundleRefused, IndexError):
        stream.seek(0)
        stream.truncate()
        identity = Identity.new()
        stream.write(MAGIC)
        _append(stream, _HEADER, b"", with_passphrase(identity, passphrase))
        return identity, set()
    whole = [record for record in records if record.kind != _MANIFEST]
    stream.seek(whole[-1].offset + whole[-1].size)
    stream.truncate()
    return identity, {record.name.hex() for record in whole if record.kind == _CHUNK}


def _write_chunks(stream: BinaryIO, plan: Plan, identity: Identity, there: set[str], progress: Progress) -> int:
    wanted = plan.manifest.chunks()
    total, done, used = sum(wanted.values()), 0, 0
    recipient = identity.recipient
    for chunk, size in wanted.items():
        if chunk in there:
            used += size
        else:
            _append(stream, _CHUNK, bytes.fromhex(chunk), recipient.seal(plan.read(chunk)))
        done += size
        progress(done, total)
    return used


def _append(stream: BinaryIO, kind: int, name: bytes, body: bytes) -> None:
    stream.write(_RECORD.pack(kind, len(name), len(body)) + name + body)


def _records(stream: BinaryIO) -> Iterator[_Record]:
    """All whole records up to the first that is not, or to the manifest. Raises `BundleRefused` for what is no bundle."""
    end = stream.seek(0, os.SEEK_END)
    stream.seek(0)
    if stream.read(len(MAGIC)) != MAGIC:
        raise BundleRefused(f"{stream.name} is no bundle", "`edgeagent sessions export ID --format bundle` writes one")
    number = 0
    while fixed := stream.read(_RECORD.size):
        if len(fixed) < _RECORD.size:
            return
        kind, name_bytes, size = _RECORD.unpack(fixed)
        if (kind == _HEADER) != (number == 0) or size > _MAX_BODY_BYTES.get(kind, -1) or name_bytes > _MAX_NAME_BYTES:
            raise BundleRefused(f"the bundle's record {number} is none")
        name, offset = stream.read(name_bytes), stream.tell()
        if offset + size > end:
            return
        yield _Record(kind, name, offset, size)
        if kind == _MANIFEST:
            if offset + size != end:
                raise BundleRefused("the bundle goes on behind its manifest")
            return
        stream.seek(offset + size)
        number += 1


def _body(stream: BinaryIO, record: _Record) -> bytes:
    stream.seek(record.offset)
    return stream.read(record.size)


def _silent(done: int, total: int) -> None:
    pass

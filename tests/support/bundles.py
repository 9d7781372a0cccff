"""A recorded session with an awkward home, and bundles that were made to do harm."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path

import msgspec
from nacl.signing import SigningKey
from support.recorded import record

from edgeagent.errors import BundleRefused
from edgeagent.teleport import bundle_file
from edgeagent.teleport.manifest import ChunkRef, FileEntry, FolderEntry, LinkEntry, Manifest, chunk_id
from edgeagent.teleport.plan import Plan
from edgeagent.teleport.sealing import Identity

SESSION = "20260101-000000-test"
KEY = SigningKey(b"k" * 32)
ODD_NAME = b"\xff odd \\ name"


async def awkward(root: Path) -> Path:
    """A session whose home has modes, links, odd names, an empty folder, a pipe and a large file."""
    directory = await record(root / SESSION, model="embedded")
    furnish(directory / "home")
    return directory


def furnish(home: Path) -> None:
    """Make ``home`` awkward."""
    (home / "deep" / "er").mkdir(parents=True)
    (home / "deep" / "er" / "script.sh").write_text("#!/bin/sh\n")
    (home / "deep" / "er" / "script.sh").chmod(0o750)
    (home / "empty").mkdir()
    (home / "link").symlink_to("/etc/passwd")
    (home / "dangling").symlink_to("nowhere/at all")
    Path(os.fsdecode(os.fsencode(home) + b"/" + ODD_NAME)).write_bytes(b"odd")
    (home / "large").write_bytes(bytes(range(256)) * 10_000)
    os.mkfifo(home / "pipe")
    for cache in (".cache/app", ".config/edgeagent-chromium/Default/GPUCache"):
        (home / cache).mkdir(parents=True)
        (home / cache / "data").write_text("can be made anew")
    (home / "locked").mkdir()
    (home / "locked" / "read me").write_text("kept")
    (home / "locked").chmod(0o550)


class Chunks:
    """The `ChunkSource` of a plan, in memory."""

    def __init__(self, plan: Plan) -> None:
        self.data = {chunk: plan.read(chunk) for chunk in plan.manifest.chunks()}

    def add(self, data: bytes) -> ChunkRef:
        reference = ChunkRef(chunk_id(data), len(data))
        self.data[reference.id] = data
        return reference

    def read(self, chunk: ChunkRef) -> bytes:
        data = self.data.get(chunk.id)
        if data is None or len(data) != chunk.size:
            raise BundleRefused("no such chunk")
        return data


def without_passphrases() -> None:
    """For this process: a bundle's key stands in its header. Passphrases cost seconds, on purpose."""

    def with_passphrase(identity: Identity, passphrase: str) -> bytes:
        return f"{passphrase}\n{identity.text}".encode()

    def from_passphrase(sealed: bytes, passphrase: str) -> Identity:
        said, _, text = sealed.decode("latin-1").partition("\n")
        if said != passphrase:
            raise BundleRefused("the bundle cannot be opened")
        return Identity.of(text)

    setattr(bundle_file, "with_passphrase", with_passphrase)  # noqa: B010
    setattr(bundle_file, "from_passphrase", from_passphrase)  # noqa: B010


Harm = Callable[[Manifest, Chunks], Manifest]


def _with(manifest: Manifest, *entries: FileEntry | FolderEntry | LinkEntry) -> Manifest:
    return msgspec.structs.replace(manifest, entries=(*manifest.entries, *entries))


def _file(path: str) -> Harm:
    return lambda manifest, chunks: _with(manifest, FileEntry(path, 0o644, 0, (chunks.add(b"harm"),)))


def _through_link(manifest: Manifest, chunks: Chunks) -> Manifest:
    return _with(manifest, LinkEntry("home/out", "/tmp"), FileEntry("home/out/harm", 0o644, 0, (chunks.add(b"harm"),)))


def _link_over_folder(manifest: Manifest, chunks: Chunks) -> Manifest:
    file = FileEntry("home/swap/harm", 0o644, 0, (chunks.add(b"harm"),))
    return _with(manifest, FolderEntry("home/swap", 0o755), LinkEntry("home/swap", "/tmp"), file)


def _folder_up(manifest: Manifest, chunks: Chunks) -> Manifest:
    return _with(manifest, FolderEntry("home/..", 0o755), FileEntry("home/../harm", 0o644, 0, (chunks.add(b"harm"),)))


def _bomb(manifest: Manifest, chunks: Chunks) -> Manifest:
    zeros = chunks.add(bytes(1 << 20))
    return _with(manifest, FileEntry("home/bomb", 0o644, 0, (zeros,) * 20_000))


def _many(manifest: Manifest, chunks: Chunks) -> Manifest:
    return _with(manifest, *(FolderEntry(f"home/{number}", 0o755) for number in range(200_001)))


def _other_log(manifest: Manifest, chunks: Chunks) -> Manifest:
    entries = [entry for entry in manifest.entries if entry.path != "events.jsonl"]
    return msgspec.structs.replace(manifest, entries=(FileEntry("events.jsonl", 0o600, 0, (chunks.add(b"{}\n"),)), *entries))


HARMS: dict[str, Harm] = {
    "up": _file("../harm"),
    "up from the home": _file("home/../../harm"),
    "absolute": _file("/tmp/edgeagent-harm"),
    "dot": _file("home/./harm"),
    "empty part": _file("home//harm"),
    "nul": _file("home/a\0b"),
    "long name": _file("home/" + "x" * 256),
    "lone surrogate escape": _file("home/\\"),
    "other spelling": _file("home/\\x61"),
    "the lock": _file("lock"),
    "whose it is": _file("teleport.json"),
    "no folder": _file("home/none/harm"),
    "twice": _file("home/link"),
    "link at the top": lambda manifest, chunks: _with(manifest, LinkEntry("audit.jsonl", "/etc/passwd")),
    "through a link": _through_link,
    "link over a folder": _link_over_folder,
    "up through a folder": _folder_up,
    "bomb": _bomb,
    "many": _many,
    "another log": _other_log,
    "another session": lambda manifest, chunks: msgspec.structs.replace(manifest, session="other"),
    "another head": lambda manifest, chunks: msgspec.structs.replace(
        manifest, head=msgspec.structs.replace(manifest.head, last_step=99)
    ),
}


def damaged(raw: bytes, rng: random.Random) -> bytes:
    """``raw`` with some of its bytes changed, dropped, repeated or cut."""
    data = bytearray(raw)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(data)) if data else 0
        match rng.randrange(5):
            case 0 if data:
                data[at] = rng.randrange(256)
            case 1:
                del data[at : at + rng.randint(1, 64)]
            case 2:
                data[at:at] = data[at : at + rng.randint(1, 64)]
            case 3:
                data[at:at] = rng.randbytes(rng.randint(1, 16))
            case _:
                del data[at:]
    return bytes(data)

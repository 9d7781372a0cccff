"""Feed hostile and damaged bundles to the reader for as long as asked: none may crash it, or write outside of its place.

    python scripts/fuzz_bundle.py --seconds 600 [--seed N]

Two kinds in turn: files with damaged bytes, and well-signed manifests that say harmful things. Prints a JSON line at the end;
exit code 1 if anything but an error of edgeagent's own was raised, or anything appeared outside.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import shutil
import sys
import tempfile
import time
import traceback
from pathlib import Path

import msgspec
from support.bundles import HARMS, KEY, Chunks, awkward, damaged, without_passphrases

from edgeagent.errors import EdgeAgentError
from edgeagent.teleport.bundle_file import open_bundle, write_bundle
from edgeagent.teleport.manifest import Manifest, canonical, sign, verify
from edgeagent.teleport.plan import Plan, make_plan
from edgeagent.teleport.unpacking import remove, unpack

_MAX_BYTES = 64 << 20
_TEXTS = (
    "..", "../x", "/x", "home/../..", "home/\0", "home/\\", "home/\\xff", "home/" + "x" * 300, "lock", "home", "home/link/x",
)  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--seed", type=int, default=None)
    arguments = parser.parse_args()
    seed = arguments.seed if arguments.seed is not None else random.SystemRandom().randrange(1 << 32)
    with tempfile.TemporaryDirectory(prefix="edgeagent-fuzz-") as scratch:
        told = fuzz(Path(scratch), arguments.seconds, random.Random(seed)) | {"seed": seed}
    print(json.dumps(told))
    return 1 if told["crashes"] or told["escapes"] else 0


def fuzz(scratch: Path, seconds: float, rng: random.Random) -> dict[str, int]:
    """Try bundles for ``seconds`` within ``scratch``; how many there were, and what came of them."""
    without_passphrases()
    session = asyncio.run(awkward(scratch / "sessions"))
    plan = make_plan(session)
    write_bundle(plan, scratch / "whole", "any passphrase", KEY)
    whole, room = (scratch / "whole").read_bytes(), scratch / "room"
    before = sorted(os.listdir(scratch))
    told = {"tried": 0, "taken": 0, "refused": 0, "crashes": 0, "escapes": 0}
    end_s = time.monotonic() + seconds
    while time.monotonic() < end_s:
        told["tried"] += 1
        try:
            if told["tried"] % 2:
                _try_file(damaged(whole, rng), scratch / "damaged", room)
            else:
                _try_manifest(plan, rng, room)
            told["taken"] += 1
        except EdgeAgentError:
            told["refused"] += 1
        except Exception:
            told["crashes"] += 1
            traceback.print_exc()
        if room.exists():
            told["escapes"] += sorted(os.listdir(room)) not in ([], ["in"])
            remove(room)
        (scratch / "damaged").unlink(missing_ok=True)
        told["escapes"] += sorted(os.listdir(scratch)) != before
    shutil.rmtree(room, ignore_errors=True)
    return told


def _try_file(raw: bytes, path: Path, room: Path) -> None:
    path.write_bytes(raw)
    bundle = open_bundle(path, "any passphrase")
    with bundle.stream:
        unpack(bundle.manifest, bundle, room / "in", _MAX_BYTES)


def _try_manifest(plan: Plan, rng: random.Random, room: Path) -> None:
    chunks = Chunks(plan)
    if rng.random() < 0.3:
        manifest = HARMS[rng.choice([harm for harm in HARMS if harm != "many"])](plan.manifest, chunks)
        signed = sign(manifest, KEY)
    else:
        signed = _signed_nonsense(plan.manifest, rng)
    unpack(verify(signed)[0], chunks, room / "in", _MAX_BYTES)


def _signed_nonsense(manifest: Manifest, rng: random.Random) -> bytes:
    """A manifest with entries that were changed, dropped, repeated or moved, signed as it should be."""
    entries = list(msgspec.to_builtins(manifest.entries))
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(entries))
        match rng.randrange(5):
            case 0:
                entries[at] = entries[at] | {"path": rng.choice(_TEXTS)}
            case 1:
                del entries[at]
            case 2:
                entries.insert(rng.randrange(len(entries)), entries[at])
            case 3:
                entries[at] = entries[at] | {"kind": rng.choice(["file", "folder", "link"])}
            case _:
                rng.shuffle(entries)
    plain = msgspec.to_builtins(manifest) | {"entries": entries}
    if rng.random() < 0.3:
        plain |= {"windows": [_place(rng) for _ in range(rng.choice((0, 1, 2, 65)))], "format": rng.choice((1, 3))}
    try:
        return sign(msgspec.convert(plain, Manifest), KEY)
    except msgspec.ValidationError:
        return damaged(canonical(manifest) + b"\n" + sign(manifest, KEY).split(b"\n")[1] + b"\n", rng)


def _place(rng: random.Random) -> dict[str, object]:
    """Of a window: some that may be, some that may not."""
    number = (0, -1, 1, 640, 0x7FFF, 0x8000, -0x8000, 1 << 40)
    place: dict[str, object] = {name: rng.choice(number) for name in ("x", "y", "width", "height")}
    return place | {"title": rng.choice(("", "\x1b[2J\n", "x" * 501)), "state": rng.choice(("normal", "maximized", "gone"))}


if __name__ == "__main__":
    sys.exit(main())

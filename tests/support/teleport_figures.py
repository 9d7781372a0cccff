"""The figures of ``scripts/teleport_benchmark.py``."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import json
import os
import random
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from support import form_run, web_form_run
from support.cloud import Backend, backend, until
from support.cut_proxy import CutProxy
from support.teleporting import run_until_step, silent

from edgeagent.errors import TeleportError
from edgeagent.sessions.store import SessionStore
from edgeagent.teleport.api import connect
from edgeagent.teleport.backends import Connected
from edgeagent.teleport.progress import Moved, Progress
from edgeagent.teleport.pulling import pull
from edgeagent.teleport.pushing import push

TESTS = Path(__file__).parents[1]


@dataclass
class Counting:
    """How much each upload had to send, and how much was there already, in bytes before compression."""

    moves: list[dict[str, int]] = field(default_factory=list[dict[str, int]])

    def tell(self, progress: Progress) -> None:
        if isinstance(progress, Moved) and not progress.done:
            self.moves.append({"sent": progress.total, "there_already": progress.had})


def tree_of(home: Path) -> dict[str, tuple[int, int, str]]:
    """Path -> (mode, time, hash of the content or the link's target)."""
    told: dict[str, tuple[int, int, str]] = {}
    for path in sorted(home.rglob("*")):
        status = path.lstat()
        if path.is_symlink():
            what = os.readlink(path)
        elif path.is_dir():
            what = "folder"
        else:
            what = hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest()
        told[str(path.relative_to(home))] = status.st_mode, 0 if path.is_symlink() or path.is_dir() else status.st_mtime_ns, what
    return told


def furnish(home: Path, megabytes: int) -> None:
    """A workspace without Git."""
    for number in range(20):
        path = home / f"folder {number % 4}" / f"größe {number}"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(random.Random(number).randbytes((megabytes << 20) // 20))
        os.utime(path, ns=(1, 1_600_000_000_123_456_789 + number))
    (home / "run.sh").write_text("#!/bin/sh\n")
    (home / "run.sh").chmod(0o751)
    (home / "link").symlink_to("folder 1/größe 1")
    (home / ".hidden").write_text("untracked")


async def workspace(scratch: Path, megabytes: int, uid: int) -> dict[str, object]:
    """To another user's backend, and back to another folder."""
    theirs = Path(tempfile.mkdtemp(prefix="edgeagent-other-user-", dir="/var/tmp"))
    as_user = (str(TESTS / "support" / "as_ordinary_user.py"), str(uid), str(theirs)) if uid else ()
    os.environ["EDGEAGENT_HOME"] = str(scratch / "alice" / "data")
    environment = {form_run.WITNESS_VARIABLE: str(theirs / "witness")}
    store = SessionStore()
    small = await run_until_step(form_run.make(store), form_run.REQUEST, 9)
    large = await run_until_step(form_run.make(store), form_run.REQUEST, 9)
    furnish(store.root / large.session / "home", megabytes)
    before = tree_of(store.root / large.session / "home")
    began_s = time.monotonic()
    world = Backend(theirs / "backend", environment, before=as_user)
    world.start()
    try:
        known = await world.connected()
        async with connect(known) as api:
            await push(store, small.session, "cloud", known, api, silent, lambda _: True)
            accepted_s = time.monotonic() - began_s
            there_s, _ = await timed(push(store, large.session, "cloud", known, api, silent, lambda _: True))
            await until(lambda: api.standing(large.session), lambda standing: standing.state == "idle", 120)
            os.environ["EDGEAGENT_HOME"] = str(scratch / "bob" / "elsewhere")
            back_s, directory = await timed(pull(SessionStore(), large.session, "cloud", known, api, silent))
        owner = (theirs / "backend").stat().st_uid
    finally:
        world.stop()
    after = tree_of(directory / "home")
    return {
        "serve_to_first_accepted_session_s": round(accepted_s, 2), "megabytes": megabytes, "files": len(before),
        "there_s": round(there_s, 1), "back_s": round(back_s, 1), "all_as_it_was": after == before,
        "users": [os.getuid(), owner], "paths": [str(store.root), str(theirs / "backend"), str(directory.parent)],
    }  # fmt: skip


async def timed(work: object) -> tuple[float, Path]:
    began_s = time.monotonic()
    done = await work  # type: ignore[misc]
    return time.monotonic() - began_s, done  # type: ignore[return-value]


async def resumed(scratch: Path) -> dict[str, object]:
    """An upload of 6 MB, cut after 3.5 MB, and the same again."""
    os.environ["EDGEAGENT_HOME"] = str(scratch / "cut" / "data")
    os.environ[form_run.WITNESS_VARIABLE] = str(scratch / "cut witness")
    store, counting = SessionStore(), Counting()
    began = await run_until_step(form_run.make(store), form_run.REQUEST, 2)
    for number in range(6):
        (store.root / began.session / "home" / f"{number}").write_bytes(random.Random(number).randbytes(1 << 20))
    with backend(scratch / "cut cloud", {}) as world:
        known = await world.connected()
        async with CutProxy(world.port, random.Random(1)) as proxy:
            proxy.cut_after = 3_500_000
            through = msgspec.structs.replace(known, url=f"http://127.0.0.1:{proxy.listening}")
            with contextlib.suppress(TeleportError):
                await moved(store, began.session, through, counting)
        await moved(store, began.session, known, counting)
    first, again = counting.moves
    return {"first": first, "again": again, "cut_after_bytes": 3_500_000, "sent_twice": 3_500_000 - again["there_already"]}


async def moved(store: SessionStore, session: str, known: Connected, counting: Counting) -> None:
    async with connect(known) as api:
        await push(store, session, "cloud", known, api, counting.tell, lambda _: True)


async def desktop(scratch: Path) -> dict[str, object]:
    """The web form of the end-to-end test, with one more move."""
    os.environ["EDGEAGENT_HOME"] = str(scratch / "web" / "data")
    os.environ[form_run.WITNESS_VARIABLE] = str(scratch / "web witness")
    home, store, counting = scratch / "web project", SessionStore(), Counting()
    web_form_run.furnish(home)
    began = await run_until_step(web_form_run.make(store), web_form_run.request(home), 4)
    pace = {form_run.PACE_VARIABLE: "1.0"}
    with backend(scratch / "web cloud", pace, runner="support.web_form_run:make") as world:
        known = await world.connected()
        async with connect(known) as api:
            await push(store, began.session, "cloud", known, api, counting.tell, lambda _: True)
            await until(lambda: api.standing(began.session), lambda standing: standing.last_step >= 7, 150)
            back = await pull(store, began.session, "cloud", known, api, counting.tell)
            steps = (await api.standing(began.session)).last_step
            await push(store, began.session, "cloud", known, api, counting.tell, lambda _: True)
            await until(lambda: api.standing(began.session), lambda standing: standing.state == "idle", 150)
            await pull(store, began.session, "cloud", known, api, counting.tell)
    recording = sum((back / name).stat().st_size for name in ("events.jsonl", "frames.pack") if (back / name).exists())
    return {"moves": counting.moves, "steps_at_the_first_return": steps, "log_and_screens_bytes": recording}


async def figures(arguments: argparse.Namespace) -> dict[str, object]:
    with tempfile.TemporaryDirectory(prefix="edgeagent-teleport-") as folder:
        scratch = Path(folder)
        told: dict[str, object] = {"load_before": os.getloadavg()[0], "resumed": await resumed(scratch)}
        told["workspace"] = await workspace(scratch, arguments.megabytes, arguments.uid)
        if arguments.desktop:
            told["desktop"] = await desktop(scratch)
    return told


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--megabytes", type=int, default=200)
    parser.add_argument("--uid", type=int, default=12345 if os.geteuid() == 0 else 0, help="the backend's user; 0: this one")
    parser.add_argument("--desktop", action="store_true", help="also with Chromium in sandboxes")
    print(json.dumps(asyncio.run(figures(parser.parse_args()))))
    return 0


if __name__ == "__main__":
    sys.exit(main())

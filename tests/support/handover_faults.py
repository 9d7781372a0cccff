"""Hand-overs there and back, each with a random fault: ``python scripts/handover_faults.py --count 300 [--seed N]``.

After each: whose the session is according to the client and to the ledger, never both; the same command again, until it came
through; then the session goes on for some steps. At the end every session is finished, and what it did is counted where it
arrived. Prints a JSON line; exit code 1 if a session is lost, had two owners, or anything was sent twice.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec
import psutil
from support import form_run
from support.cloud import Backend
from support.cut_proxy import CutProxy
from support.earnest import in_earnest
from support.teleporting import run_until_step, silent

from edgeagent import events
from edgeagent.cloud.blobs import Blobs
from edgeagent.cloud.ledger import Ledger
from edgeagent.cloud.ledger.database import open_database
from edgeagent.errors import EdgeAgentError, SessionNotFound, TeleportError
from edgeagent.recording.reader import SessionReader
from edgeagent.sessions.store import SessionStore
from edgeagent.sessions.whereabouts import whereabouts
from edgeagent.teleport.api import Api, connect
from edgeagent.teleport.backends import Connected
from edgeagent.teleport.manifest import Head
from edgeagent.teleport.pulling import pull
from edgeagent.teleport.pushing import push
from edgeagent.teleport.wire import Echo, Flip, FlipBack, Standing

FAULTS = (
    "client killed", "server killed", "worker killed", "connection cut", "byte flipped", "chunk damaged at rest", "disk full",
    "clock jump", "duplicate request", "old epoch",
)  # fmt: skip
TRIES = 12


class DoublingApi(Api):
    """Makes every change twice; the second answer counts."""

    async def hand_over(self, session: str, body: Flip) -> Standing:
        await super().hand_over(session, body)
        return await super().hand_over(session, body)

    async def hand_back(self, session: str, body: FlipBack) -> Standing:
        await super().hand_back(session, body)
        return await super().hand_back(session, body)

    async def rebuild(self, session: str, epoch: int, attempt: str, signed: bytes) -> Echo:
        await super().rebuild(session, epoch, attempt, signed)
        return await super().rebuild(session, epoch, attempt, signed)


@dataclass
class Trial:
    """All hand-overs of one run of this program."""

    root: Path
    backend: Backend
    rng: random.Random
    proxy: CutProxy
    known: Connected
    tried: Sequence[str] = FAULTS
    store: SessionStore = field(default_factory=SessionStore)
    told: Counter[str] = field(default_factory=Counter[str])
    faults: Counter[str] = field(default_factory=Counter[str])

    def __post_init__(self) -> None:
        self.ledger = Ledger(open_database(self.backend.settings.ledger_url))

    async def session(self, moves: int) -> int:
        """One session from its beginning to its end, over at most ``moves`` hand-overs; returns how many there were."""
        began = await run_until_step(form_run.make(self.store), form_run.REQUEST, self.rng.randint(1, 4))
        session, made = began.session, 0
        while made < moves:
            await self.move("push", session)
            made += 1
            wanted = self.steps(session) + self.rng.randint(0, 2)
            await self.until(session, lambda standing, more=wanted: standing.last_step >= more or standing.state == "idle")
            await self.move("pull", session)
            made += 1
            if self.steps(session) >= form_run.STEPS - 1:
                break
        await form_run.make(self.store).resume(session) if not self.done(session) else None
        self.check_end(session)
        return made

    async def move(self, way: str, session: str) -> None:
        """One hand-over with a fault, and the same again until it came through."""
        fault = self.rng.choice(self.tried)
        self.faults[fault] += 1
        last = ""
        for number in range(TRIES):
            try:
                await self.attempt(way, session, fault if number == 0 else "")
                if self.arrived(way, session):
                    return
            except (TimeoutError, EdgeAgentError) as error:
                self.told[f"refused: {type(error).__name__}"] += 1
                last = f"{type(error).__name__}: {error}"
            self.check_owners(session)
            await asyncio.sleep(0.1)
        self.told["lost"] += 1
        raise AssertionError(f"{way} of {session} after {fault!r} did not come through in {TRIES} tries; the last said: {last}")

    async def attempt(self, way: str, session: str, fault: str) -> None:
        watching = asyncio.create_task(self.watch(session))
        try:
            match fault:
                case "client killed":
                    await self.in_process(way, session, kill_after_s=self.rng.uniform(0.6, 2.5))
                case "clock jump":
                    await self.in_process(way, session, jump_s=self.rng.choice((-86_400.0, 3600.0, 86_400.0 / 2)))
                case "server killed":
                    killing = asyncio.create_task(self.kill_server(self.rng.uniform(0.0, 0.4)))
                    try:
                        await self.go(way, session, Api)
                    finally:
                        await killing
                case "worker killed" if way == "push":
                    await self.go(way, session, Api)
                    await asyncio.sleep(self.rng.uniform(1.0, 4.0))  # it needs a moment to start
                    self.kill_worker()
                case "worker killed":
                    self.kill_worker()
                    await self.go(way, session, Api)
                case "connection cut":
                    self.proxy.cut_after = self.rng.randint(0, 40_000)
                    await self.go(way, session, Api)
                case "byte flipped":
                    self.proxy.flip_at = self.rng.randint(0, 30_000)
                    await self.go(way, session, Api)
                case "chunk damaged at rest":
                    self.damage_blob()
                    await self.go(way, session, Api)
                case "disk full":
                    with self.full_disk():
                        await self.go(way, session, Api)
                case "duplicate request":
                    await self.go(way, session, DoublingApi)
                case "old epoch":
                    await self.go(way, session, Api)
                    await self.late_requests(session)
                case _:
                    await self.go(way, session, Api)
        finally:
            self.proxy.cut_after = self.proxy.flip_at = -1
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)

    async def go(self, way: str, session: str, kind: type[Api]) -> None:
        async with asyncio.timeout(60), connect(self.known) as api:
            api.__class__ = kind
            if way == "push":
                await push(self.store, session, "cloud", self.known, api, silent, lambda plan: True)
            else:
                await pull(self.store, session, "cloud", self.known, api, silent)

    async def in_process(self, way: str, session: str, kill_after_s: float = 60.0, jump_s: float = 0.0) -> None:
        argv = ["-m", "support.handover_client", way, session, msgspec.json.encode(self.known).decode(), str(jump_s)]
        process = await asyncio.create_subprocess_exec(sys.executable, *argv, stderr=asyncio.subprocess.DEVNULL)
        try:
            async with asyncio.timeout(kill_after_s):
                if await process.wait():
                    raise TeleportError("the client said no")
        except TimeoutError:
            process.kill()
            await process.wait()

    async def kill_server(self, after_s: float) -> None:
        await asyncio.sleep(after_s)
        await asyncio.to_thread(self.backend.kill)
        await asyncio.to_thread(self.backend.start)

    def kill_worker(self) -> None:
        for worker in self.backend.worker_processes():
            with contextlib.suppress(psutil.Error):  # it has ended meanwhile
                actor = worker.parent() if self.backend.engine == "ray" and self.rng.random() < 0.5 else None
                (actor or worker).kill()
            self.told["workers killed"] += 1

    def damage_blob(self) -> None:
        blobs = Blobs(self.backend.settings.blobs_url)
        names = [one.name for one in blobs.all("acme") if not one.name.endswith(".manifest")]
        if names:
            name = self.rng.choice(names)
            data = bytearray(blobs.get("acme", name))
            data[self.rng.randrange(len(data))] ^= 0xFF
            blobs.put("acme", name, bytes(data))

    def full_disk(self) -> _Full:
        return _Full(self.backend.data / "arriving")

    async def late_requests(self, session: str) -> None:
        """What an earlier owner may still send: all of it must be refused, and change nothing."""
        row = self.ledger.find("acme", session)
        echo = Echo(row.manifest_hash or "0" * 64, Head(row.events, row.last_step, row.hash))
        other = Echo("1" * 64, echo.head)
        async with connect(self.known) as api:
            for epoch in {max(0, row.epoch - 1), max(0, row.epoch - 2)}:
                for late in (
                    api.hand_over(session, Flip(epoch, "0" * 32, other)),
                    api.hand_back(session, FlipBack(epoch, other)),
                ):
                    try:
                        await late
                        self.told["late requests obeyed"] += 1
                    except EdgeAgentError:
                        self.told["late requests refused"] += 1
        now = self.ledger.find("acme", session)
        assert (now.epoch, now.owner) == (row.epoch, row.owner)

    async def watch(self, session: str) -> None:
        """As often as can be, while a hand-over goes on."""
        while True:
            self.check_owners(session)
            await asyncio.sleep(0.002)

    def check_owners(self, session: str) -> None:
        directory = self.store.root / session
        before = directory.exists() and whereabouts(directory).here
        owner = self.owner(session)
        after = directory.exists() and whereabouts(directory).here
        if before and after and owner == "cloud":
            self.told["double owners"] += 1

    def owner(self, session: str) -> str:
        try:
            return self.ledger.find("acme", session).owner
        except SessionNotFound:
            return "client"

    def arrived(self, way: str, session: str) -> bool:
        directory = self.store.root / session
        return directory.exists() and whereabouts(directory).phase == ("there" if way == "push" else "here")

    async def until(self, session: str, wanted: object, timeout_s: float = 60.0) -> None:
        assert callable(wanted)
        end_s = time.monotonic() + timeout_s
        while not wanted(self.ledger.find("acme", session).standing):
            if time.monotonic() > end_s:
                return
            await asyncio.sleep(0.05)

    def facts(self, session: str) -> list[events.EventData]:
        with SessionReader.open(self.store.root / session) as reader:
            damage = [one for one in reader.damage() if one.line]
            if damage:
                self.told["damaged sessions"] += 1
            return [event.data for event in reader.events()]

    def steps(self, session: str) -> int:
        return sum(isinstance(fact, events.Acted | events.Reconciled) for fact in self.facts(session))

    def done(self, session: str) -> bool:
        ended = [fact for fact in self.facts(session) if isinstance(fact, events.RunEnded)]
        return bool(ended) and ended[-1].outcome == "done"

    def check_end(self, session: str) -> None:
        facts = self.facts(session)
        steps = [fact.step for fact in facts if isinstance(fact, events.Acted | events.Reconciled)]
        self.told["sessions"] += 1
        self.told["finished"] += self.done(session)
        if steps != list(range(1, form_run.STEPS + 1)):
            self.told["steps out of order"] += 1
        sent = self.submissions()
        self.told["sent twice"] += max(0, sent - self.told["sent before"] - 1)
        self.told["sent before"] = sent

    def submissions(self) -> int:
        path = Path(os.environ[form_run.WITNESS_VARIABLE])
        return len(path.read_text().splitlines()) if path.exists() else 0


class _Full:
    """The folder where sessions are rebuilt cannot take more: a file stands in its place."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __enter__(self) -> None:
        self._aside = self._folder.with_name("aside")
        if self._folder.exists():
            self._folder.rename(self._aside)
        self._folder.write_text("no room")

    def __exit__(self, *_: object) -> None:
        self._folder.unlink()
        if self._aside.exists():
            self._aside.rename(self._folder)


async def trials(root: Path, count: int, rng: random.Random, kind: dict[str, str], tried: Sequence[str]) -> dict[str, object]:
    """At least ``count`` hand-overs."""
    os.environ["EDGEAGENT_HOME"] = str(root / "client")
    os.environ[form_run.WITNESS_VARIABLE] = str(root / "witness")
    began_s = time.monotonic()
    world = replace(Backend(root / "cloud", {form_run.PACE_VARIABLE: "0.05"}), **kind)
    world.start()
    try:
        direct = await world.connected()
        async with CutProxy(world.port, rng) as proxy:
            trial = Trial(root, world, rng, proxy, replace_url(direct, proxy.listening), tried)
            made = 0
            while made < count:
                made += await trial.session(count - made)
                print(f"{made} hand-overs, {time.monotonic() - began_s:.0f} s: {dict(trial.told)}", file=sys.stderr, flush=True)
    finally:
        world.stop()
    told = dict(sorted(trial.told.items()))
    took_s = round(time.monotonic() - began_s, 1)
    return {"hand_overs": made, "took_s": took_s, "faults": dict(sorted(trial.faults.items())), **told}


def replace_url(known: Connected, port: int) -> Connected:
    return msgspec.structs.replace(known, url=f"http://127.0.0.1:{port}")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--engine", choices=("local", "ray"), default="local", help="where the backend's workers run")
    parser.add_argument("--fault", dest="faults", action="append", choices=FAULTS, help="only this one; may be given again")
    parser.add_argument("--in-earnest", action="store_true", help="PostgreSQL and S3 instead of SQLite and a folder")
    arguments = parser.parse_args()
    seed = arguments.seed if arguments.seed is not None else random.SystemRandom().randrange(1 << 32)
    with tempfile.TemporaryDirectory(prefix="edgeagent-handovers-") as scratch, ExitStack() as servers:
        kind = {"engine": arguments.engine}
        if arguments.in_earnest:
            earnest = servers.enter_context(in_earnest())
            os.environ.update(earnest.s3.environment)
            kind |= earnest.stores()
        told = asyncio.run(trials(Path(scratch), arguments.count, random.Random(seed), kind, arguments.faults or FAULTS))
    print(json.dumps(told | {"seed": seed}))
    bad = ("lost", "double owners", "sent twice", "steps out of order", "damaged sessions", "late requests obeyed")
    return 1 if any(told.get(one) for one in bad) else 0


if __name__ == "__main__":
    sys.exit(main())

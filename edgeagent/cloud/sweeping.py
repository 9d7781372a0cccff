"""Removes what nobody needs: chunks and manifests that no session refers to, and copies of sessions that went home long ago.

A chunk is needed if a session's manifest names it, or if somebody counted on it lately: was told that it is there, or sent it. An
upload asks for all its chunks first and again when the session is rebuilt, so each of them stays for the time of grace.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass

from edgeagent.cloud.depot import Depot, manifest_name
from edgeagent.cloud.ledger import Row
from edgeagent.cloud.ledger.collecting import chunks, collect, forget_session, tenants
from edgeagent.cloud.ledger.ledger import COUNTED_EVERY_S
from edgeagent.cloud.seat_names import seat_name
from edgeagent.errors import BundleRefused, EdgeAgentError, NotOwner, SessionBusy, UsageError
from edgeagent.folders import forget_parked
from edgeagent.sessions.lock import SessionLock
from edgeagent.teleport.manifest import verify
from edgeagent.teleport.unpacking import remove

MIN_GRACE_S = 2 * COUNTED_EVERY_S
DAY_S = 86_400.0
_LEAVE_S = 30.0


@dataclass(frozen=True, slots=True)
class Sweep:
    """What is to go."""

    grace_s: float = DAY_S
    """Chunks that somebody counted on within this time stay."""
    keep_days: float = 30.0
    """Copies of sessions that went home stay so long; what the ledger says of them stays for ever."""
    dry_run: bool = False

    def __post_init__(self) -> None:
        if self.grace_s < MIN_GRACE_S:
            raise UsageError(f"a time of grace below {MIN_GRACE_S / 3600:g} hours is too short for an upload under way")


@dataclass(frozen=True, slots=True)
class Swept:
    """What went of one tenant's, or would have."""

    tenant: str
    chunks: int = 0
    chunk_bytes: int = 0
    """Sealed."""
    manifests: int = 0
    sessions: int = 0
    """Copies of sessions that are at home."""
    entered: int = 0
    """Chunks that the ledger did not know (a crash between); they go after another time of grace."""
    kept_because: str = ""
    """Why nothing was touched."""


def sweep(depot: Depot, wanted: Sweep, now_s: float | None = None) -> Iterator[Swept]:
    """Each tenant in turn. Safe beside a server, and beside another one of these. Raises `EnvironmentProblem`."""
    for tenant in tenants(depot.ledger.engine):
        yield _Tenant(depot, wanted, tenant, time.time() if now_s is None else now_s).swept()


async def sweep_now_and_then(depot: Depot, wanted: Sweep, every_s: float) -> None:
    """Until cancelled."""
    while True:
        await asyncio.sleep(every_s)
        with contextlib.suppress(EdgeAgentError):  # a store that does not answer now may do so the next time
            await asyncio.to_thread(list[Swept], sweep(depot, wanted))


@dataclass(slots=True)
class _Tenant:
    depot: Depot
    wanted: Sweep
    tenant: str
    now_s: float

    def swept(self) -> Swept:
        rows = self.depot.ledger.all(self.tenant)
        gone = [row for row in rows if self._went_long_ago(row)]
        stay = [row for row in rows if row not in gone]
        copies = [row for row in gone if self.depot.directory(row.tenant, row.session).is_dir()]
        try:
            live = self._live(stay)
        except BundleRefused as error:
            return Swept(self.tenant, kept_because=str(error))
        if not self.wanted.dry_run:
            for row in copies:
                _remove_files(self.depot, row)
        removed, removed_bytes = self._chunks(live)
        manifests, entered = self._blobs({manifest_name(row.manifest_hash) for row in stay})
        return Swept(self.tenant, removed, removed_bytes, manifests, len(copies), entered)

    def _went_long_ago(self, row: Row) -> bool:
        return row.state == "home" and row.updated_s < self.now_s - self.wanted.keep_days * DAY_S

    def _live(self, rows: list[Row]) -> set[str]:
        """Ids of the chunks that manifests of ``rows`` name. Raises `BundleRefused` if one that will be fetched is unreadable."""
        live: set[str] = set()
        for row in filter(lambda row: row.manifest_hash, rows):
            try:
                signed = self.depot.blobs.get(self.tenant, manifest_name(row.manifest_hash))
                live.update(verify(signed)[0].chunks())
            except BundleRefused:
                if row.state == "packed":  # elsewhere nobody needs it: the session itself is here, or is the client's again
                    live.update(verify(self.depot.manifest(row))[0].chunks())
        return live

    def _chunks(self, live: set[str]) -> tuple[int, int]:
        ledger, blobs, before_s = self.depot.ledger, self.depot.blobs, self.now_s - self.wanted.grace_s
        count = total = 0
        for chunk, (size, counted_s) in chunks(ledger.engine, self.tenant).items():
            if chunk in live or counted_s >= before_s:
                continue
            if self.wanted.dry_run or collect(
                ledger.engine, self.tenant, chunk, before_s, lambda chunk=chunk: blobs.delete(self.tenant, chunk)
            ):
                count, total = count + 1, total + size
        return count, total

    def _blobs(self, live: set[str]) -> tuple[int, int]:
        """Manifests that no session has, and chunks that the ledger does not know, both only when they are old."""
        known, before_s = chunks(self.depot.ledger.engine, self.tenant), self.now_s - self.wanted.grace_s
        manifests = entered = 0
        for blob in self.depot.blobs.all(self.tenant):
            if blob.modified.timestamp() >= before_s or blob.name in live or blob.name in known:
                continue
            if blob.name.endswith(manifest_name("")):
                manifests += 1
                if not self.wanted.dry_run:
                    self.depot.blobs.delete(self.tenant, blob.name)
            else:
                entered += 1
                if not self.wanted.dry_run:
                    self.depot.ledger.stored(self.tenant, [(blob.name, blob.size_bytes)])
        return manifests, entered


def delete_session(depot: Depot, row: Row, even_here: bool = False) -> None:
    """Remove a session, and that there was one. Raises `NotOwner` if it is the backend's, unless it may be lost."""
    if row.owner == "cloud" and not even_here:
        raise NotOwner(f"session {row.session!r} of {row.tenant} is the backend's: it would be lost", "--even-here if it may be")
    if not forget_session(depot.ledger.engine, row):
        raise NotOwner(f"session {row.session!r} of {row.tenant} has just changed", "look at it again")
    _remove_files(depot, row)


def _remove_files(depot: Depot, row: Row) -> None:
    """Raises `SessionBusy` where a worker does not end although its turn is over."""
    directory = depot.directory(row.tenant, row.session)
    if not directory.is_dir():
        return
    lock = _locked(depot, row)
    aside = depot.root / "arriving" / row.tenant / f"{row.session}.gone"
    aside.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    remove(aside)
    with contextlib.suppress(FileNotFoundError):
        os.rename(directory, aside)  # what comes under this name from now on is another one
    lock.release()
    remove(aside)
    forget_parked(seat_name(row.tenant, row.session))


def _locked(depot: Depot, row: Row) -> SessionLock:
    end_s = time.monotonic() + _LEAVE_S
    while True:
        try:
            return SessionLock(depot.directory(row.tenant, row.session))
        except SessionBusy:
            if time.monotonic() > end_s:
                raise
            time.sleep(0.2)

"""Takes a session back from a backend, or to a machine that never had it. The same call again goes on where it stopped."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from edgeagent import events
from edgeagent.clock import SystemClock
from edgeagent.errors import BundleRefused, NotOwner, RecordingError, TeleportError
from edgeagent.prove.keys import signing_key
from edgeagent.recording.log import LOG_NAME, EventLog
from edgeagent.recording.problems import recording_problem
from edgeagent.sessions.lock import SessionLock
from edgeagent.sessions.retention import KEEP_NAME
from edgeagent.sessions.store import SessionStore
from edgeagent.sessions.whereabouts import RECORD_NAME, Whereabouts, keep_whereabouts, require_elsewhere, whereabouts
from edgeagent.teleport.api import Api
from edgeagent.teleport.backends import Connected, own_identity
from edgeagent.teleport.gathering import Piece
from edgeagent.teleport.importing import STAGING_NAME
from edgeagent.teleport.manifest import ChunkRef, Manifest, manifest_hash, verify
from edgeagent.teleport.plan import make_plan
from edgeagent.teleport.progress import Entered, Moved, Tell
from edgeagent.teleport.unpacking import remove, unpack
from edgeagent.teleport.wire import Echo, FlipBack, Return, Standing

PACK_TIMEOUT_S = 300.0
TROUBLE_S = 3.0
"""The backend tries again and again; what still keeps it from packing after so long is told."""
"""For the step under way there to finish, and the session to be packed."""
_AT_ONCE = 16
"""Chunks in one request."""
_OWN = (KEEP_NAME,)
"""Files of this machine's own in a session's directory, which stay when the session comes back."""


async def pull(store: SessionStore, session: str, name: str, backend: Connected, api: Api, tell: Tell) -> Path:
    """Take the session with this whole id back from the backend called ``name``; returns its directory.

    Raises `NotOwner` if it is not there, or `TeleportError`.
    """
    directory = store.root / session
    fresh = not directory.exists()
    now = _known_afresh(store, session, name) if fresh else whereabouts(directory)
    if not fresh:
        require_elsewhere(directory)
    if now.phase == "handing_over":
        raise NotOwner(
            f"only {now.remote} knows whether it took session {session} over",
            f"`edgeagent teleport push {session}` asks, and goes on; `edgeagent teleport keep {session}` has it stay",
        )
    if now.remote != name:
        raise NotOwner(f"session {session} is at {now.remote}, not at {name}")
    lock = None if fresh else SessionLock(directory)
    try:
        return await _Return(store, directory, now, name, backend, api, tell).fetch()
    finally:
        if lock:
            lock.release()


def _known_afresh(store: SessionStore, session: str, name: str) -> Whereabouts:
    """Of a session that has no directory here: it never was here, or a crash fell between two names; then the chunks know."""
    cache = _cache(store, session)
    return whereabouts(cache) if (cache / RECORD_NAME).exists() else Whereabouts("there", name)


@dataclass(slots=True)
class _Return:
    store: SessionStore
    directory: Path
    now: Whereabouts
    name: str
    backend: Connected
    api: Api
    tell: Tell

    @property
    def session(self) -> str:
        return self.directory.name

    async def fetch(self) -> Path:
        standing = await self._packed()
        manifest, _ = verify(await self.api.manifest(self.session), self.backend.signer)
        if manifest.session != self.session or manifest_hash(manifest) != standing.manifest_hash:
            raise BundleRefused("the backend sent the manifest of something else")
        self.tell(Entered("fetching", self.session, self.name))
        staged = await self._rebuilt(manifest)
        if standing.owner == "cloud":
            now = Whereabouts("returning", self.name, standing.epoch, standing.manifest_hash)
            keep_whereabouts(_cache(self.store, self.session), now)
            if self.directory.exists():
                keep_whereabouts(self.directory, now)
            echo = Echo(standing.manifest_hash, manifest.head)
            standing = await self.api.hand_back(self.session, FlipBack(standing.epoch, echo))
        if standing.owner != "client":
            raise TeleportError(f"the backend says that the session is the {standing.owner}'s at epoch {standing.epoch}")
        self._put_in_place(staged, standing)
        self.tell(Entered("returned", self.session, self.name))
        return self.directory

    async def _packed(self) -> Standing:
        """How it stands once it lies ready, or was handed back by an earlier call whose answer was lost."""
        standing = await self.api.standing(self.session)
        if standing.owner == "client":
            if self.now.phase == "returning" and standing.state == "home" and standing.epoch == self.now.epoch + 1:
                return standing
            raise NotOwner(f"session {self.session} is not the backend's: it is at epoch {standing.epoch}")
        if standing.epoch < self.now.epoch:
            raise NotOwner(f"the backend is at epoch {standing.epoch}, this machine at {self.now.epoch}")
        self.tell(Entered("returning", self.session, self.name))
        end_s = time.monotonic() + PACK_TIMEOUT_S
        signer = bytes(signing_key().verify_key).hex()
        standing = await self.api.begin_return(self.session, Return(standing.epoch, signer, own_identity().recipient.text))
        well_s = time.monotonic()
        while standing.state != "packed":
            well_s = well_s if standing.trouble else time.monotonic()
            if time.monotonic() - well_s > TROUBLE_S:
                hint = "mend it there; then do the same again"
                raise TeleportError(f"{self.name} cannot give the session back now: {standing.trouble}", hint)
            if time.monotonic() > end_s:
                raise TeleportError("the run there did not come to the end of its step", "do the same again")
            await asyncio.sleep(0.1)
            standing = await self.api.standing(self.session)
        return standing

    async def _rebuilt(self, manifest: Manifest) -> Path:
        """The session, made aside of what is here already and what must be fetched; it goes on from what this machine has."""
        source = _Gathered(_cache(self.store, self.session), await asyncio.to_thread(self._here))
        source.cache.mkdir(mode=0o700, parents=True, exist_ok=True)
        await self._fetch_missing(manifest, source)
        staged = source.cache.with_name(f"{self.session}.back")
        remove(staged)
        await asyncio.to_thread(unpack, manifest, source, staged)
        if (self.directory / LOG_NAME).exists():
            mine = (self.directory / LOG_NAME).read_bytes()
            if not (staged / LOG_NAME).read_bytes().startswith(mine):
                remove(staged)
                raise BundleRefused("what the backend has does not go on from what this machine has", "nothing was changed here")
        return staged

    def _here(self) -> dict[str, Piece]:
        try:
            return make_plan(self.directory).pieces if self.directory.exists() else {}
        except RecordingError:  # then everything is fetched
            return {}

    async def _fetch_missing(self, manifest: Manifest, source: _Gathered) -> None:
        sizes = manifest.chunks()
        missing = [chunk for chunk in sizes if chunk not in source.pieces and not (source.cache / chunk).exists()]
        total, done = sum(sizes[chunk] for chunk in missing), 0
        had = sum(sizes.values()) - total
        self.tell(Moved(0, total, had))
        identity = own_identity()
        for start in range(0, len(missing), _AT_ONCE):
            async for chunk, sealed in self.api.fetch(self.session, missing[start : start + _AT_ONCE]):
                if chunk not in sizes:
                    raise BundleRefused("the backend sent a chunk that nobody asked for")
                data = identity.open_chunk(sealed, ChunkRef(chunk, sizes[chunk]))
                new = source.cache / f"{chunk}.new"
                new.write_bytes(data)
                os.replace(new, source.cache / chunk)
                done += len(data)
                self.tell(Moved(done, total, had))

    def _put_in_place(self, staged: Path, standing: Standing) -> None:
        """Let what came be the session. Repeated after a crash, from the fetched chunks, it comes out the same."""
        log, _ = EventLog.open(staged / LOG_NAME, self.session, SystemClock())
        with log:
            log.append(events.TakenBack(self.name, standing.epoch))
            log.sync()
        for own in _OWN:
            if (self.directory / own).is_file():
                shutil.copy2(self.directory / own, staged / own)
        keep_whereabouts(staged, Whereabouts("here", self.name, standing.epoch, standing.manifest_hash))
        os.sync()  # the files of the session must not be later than their names
        aside = staged.with_name(f"{self.session}.old")
        try:
            remove(aside)
            self.store.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            if self.directory.exists():
                os.rename(self.directory, aside)
            os.rename(staged, self.directory)
        except OSError as error:
            raise recording_problem(error, self.directory) from error
        remove(aside)
        shutil.rmtree(_cache(self.store, self.session), ignore_errors=True)


def _cache(store: SessionStore, session: str) -> Path:
    """Where fetched chunks lie until they are the session."""
    return store.root.parent / STAGING_NAME / f"{session}.chunks"


@dataclass(frozen=True, slots=True)
class _Gathered:
    """The `ChunkSource` of what is here and what was fetched."""

    cache: Path
    pieces: dict[str, Piece]

    def read(self, chunk: ChunkRef) -> bytes:
        piece = self.pieces.get(chunk.id) or Piece(self.cache / chunk.id, 0, chunk.size)
        data = piece.read(chunk.id)
        if len(data) != chunk.size:
            raise BundleRefused(f"chunk {chunk.id[:12]} has another size than the manifest says")
        return data

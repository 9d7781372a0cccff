"""The sessions at a backend, as files: rebuilt of the chunks that came, put in their place, packed for the way back."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

from edgeagent import events
from edgeagent.clock import SystemClock
from edgeagent.cloud.among_processes import held
from edgeagent.cloud.blobs import Blobs
from edgeagent.cloud.ledger import Ledger, Row
from edgeagent.cloud.seat_names import seat_name
from edgeagent.engine.expected import expected_fingerprint
from edgeagent.errors import BundleRefused, NotOwner, UsageError
from edgeagent.history import fold
from edgeagent.model_print import print_of
from edgeagent.prove.keys import kept_signing_key
from edgeagent.recording.frame_index import PACK_NAME
from edgeagent.recording.log import LOG_NAME, EventLog
from edgeagent.recording.log_reading import read_log
from edgeagent.recording.problems import recording_problem
from edgeagent.sessions.leaving import forget_leaving
from edgeagent.sessions.lock import SessionLock
from edgeagent.sessions.store import SessionStore
from edgeagent.teleport.engine_state import lay_out, leave_out, settle_in
from edgeagent.teleport.foreign import require_harmless
from edgeagent.teleport.manifest import MAX_CHUNK_BYTES, ChunkRef, ModelReference, chunk_id, manifest_hash, sign, verify
from edgeagent.teleport.plan import make_plan, model_of
from edgeagent.teleport.sealing import Recipient, kept_identity
from edgeagent.teleport.unpacking import remove, unpack
from edgeagent.teleport.wire import Echo, frame

_OWNERSHIP = (events.HandedOver, events.TakenBack)


@dataclass(frozen=True, slots=True)
class Quota:
    """What one tenant may have."""

    max_sessions: int = 1000
    max_stored_bytes: int = 100 << 30
    max_session_bytes: int = 8 << 30


@dataclass
class Depot:
    """Beneath ``root``: ``sessions/TENANT/ID``, ``arriving/TENANT/…``, ``keys``."""

    root: Path
    ledger: Ledger
    blobs: Blobs
    name: str
    quota: Quota = field(default_factory=Quota)
    models: Path | None = None
    """Folder with the model files that sessions may use here, found by their names."""
    endpoints: Mapping[str, str] = field(default_factory=dict[str, str])
    """Name of a model -> the server (``openai:URL#NAME``) that answers for it here, whatever the session says of where it is."""
    takes_engine_states: bool = False
    """An engine is shared by all tenants' sessions, and llama.cpp reads whatever a state holds: its operator must want that."""

    def __post_init__(self) -> None:
        self.identity = kept_identity(self.root / "keys" / "chunks.age")
        self.signer = kept_signing_key(self.root / "keys" / "manifests.ed25519")

    @property
    def public_key(self) -> str:
        """Of what is signed here (hexadecimal): clients remember it when they connect."""
        return bytes(self.signer.verify_key).hex()

    def directory(self, tenant: str, session: str) -> Path:
        """Where the session lies, if it is here."""
        return self.root / "sessions" / tenant / session

    def store(self, tenant: str) -> SessionStore:
        """The tenant's sessions."""
        return SessionStore(self.root / "sessions" / tenant, self.name)

    def receive(self, tenant: str, chunk: str, sealed: bytes) -> None:
        """Keep a chunk that is what its name says. Raises `BundleRefused`."""
        if chunk_id(self.identity.open(sealed, MAX_CHUNK_BYTES)) != chunk:
            raise BundleRefused(f"chunk {chunk[:12]} is not what its name says", "it was damaged on the way; send it again")
        self.ledger.missing(tenant, [chunk])  # one that is there stays: it is not removed between the next two lines
        self.blobs.put(tenant, chunk, sealed)
        self.ledger.stored(tenant, [(chunk, len(sealed))])

    def require_room(self, tenant: str) -> None:
        """Raise `UsageError` if the tenant has stored as much as it may."""
        if self.ledger.stored_bytes(tenant) >= self.quota.max_stored_bytes:
            raise UsageError(f"{self.quota.max_stored_bytes} bytes are stored already, as many as are permitted")

    def rebuild(self, tenant: str, session: str, epoch: int, attempt: str, signed: bytes) -> Echo:
        """Make the session of its chunks, aside, and say what it is. Raises `BundleRefused` or `NotOwner`."""
        row = self.ledger.find(tenant, session)
        manifest, _ = verify(signed, row.signer)
        if manifest.session != session:
            raise BundleRefused(f"the manifest is that of session {manifest.session!r}")
        if (row.owner, row.epoch, row.attempt) != ("client", epoch, attempt):
            raise NotOwner(f"session {session!r} is at epoch {row.epoch}; this attempt at epoch {epoch} is over")
        name = manifest_hash(manifest)
        self.ledger.missing(tenant, list(manifest.chunks()))  # they stay
        with self._alone_at(tenant, session):
            staged = self._staged(row)
            remove(staged)
            head = unpack(manifest, _Stored(self, tenant), staged, self.quota.max_session_bytes)
            facts = [event.data for event in read_log(staged / LOG_NAME).events]
            try:
                require_harmless(facts, self.models_for(manifest.model))
            except BundleRefused:
                remove(staged)
                raise
            if self.takes_engine_states:
                lay_out(manifest, _Stored(self, tenant), staged)
            else:
                leave_out(manifest, staged, "this backend takes none")
        ended = fold(facts).ended
        self.blobs.put(tenant, manifest_name(name), signed)
        self.blobs.make_durable()
        self.ledger.verified(row, name, head, *((ended.outcome, ended.answer or ended.message) if ended else ("",)))
        return Echo(name, head)

    def settle(self, row: Row) -> None:
        """Put what arrived in its place, and write into its log that it is the backend's. Safe to repeat after any crash.

        Raises `SessionBusy` while somebody works on it.
        """
        target = self.directory(row.tenant, row.session)
        staged = self.root / "arriving" / row.tenant / f"{row.session}.{row.epoch - 1}"
        with self._alone_at(row.tenant, row.session):
            try:
                if staged.is_dir():
                    aside = staged.with_name(f"{row.session}.old")
                    remove(aside)
                    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                    if target.exists():
                        os.rename(target, aside)
                    os.rename(staged, target)
                    remove(aside)
            except OSError as error:
                raise recording_problem(error, target) from error
            lock = SessionLock(target)  # a worker of a backend that was killed may still be at its last step
            try:
                self._sign_over(row, target)
            finally:
                lock.release()

    def pack(self, row: Row) -> Row:
        """Make a session that nobody works on ready to be fetched."""
        self.settle(row)
        directory = self.directory(row.tenant, row.session)
        lock = SessionLock(directory)
        try:
            forget_leaving(directory)
            plan = make_plan(directory)
            for chunk in self.ledger.missing(row.tenant, list(plan.manifest.chunks())):
                sealed = self.identity.recipient.seal(plan.read(chunk))
                self.blobs.put(row.tenant, chunk, sealed)
                self.ledger.stored(row.tenant, [(chunk, len(sealed))])
            self.blobs.put(row.tenant, manifest_name(plan.hash), sign(plan.manifest, self.signer))
            self.blobs.make_durable()
        finally:
            lock.release()
        return self.ledger.packed(row.tenant, row.session, row.epoch, plan.hash, plan.manifest.head)

    def manifest(self, row: Row) -> bytes:
        """The signed manifest of a session that is packed, or was fetched last. Raises `NotOwner` if there is none yet."""
        if row.state not in ("packed", "home"):
            raise NotOwner(f"session {row.session!r} is not packed: it is {row.state}", "ask again in a moment")
        name = manifest_name(row.manifest_hash)
        try:
            signed = self.blobs.get(row.tenant, name)
            verify(signed, bytes(self.signer.verify_key).hex())
        except BundleRefused:  # damaged since: the session lies here as it was packed
            plan = make_plan(self.directory(row.tenant, row.session))
            if plan.hash != row.manifest_hash:
                raise
            signed = sign(plan.manifest, self.signer)
            self.blobs.put(row.tenant, name, signed)
        return signed

    def sealed_for(self, row: Row, chunk: str) -> bytes:
        """A chunk of the tenant's, sealed for the client of ``row``. One that was damaged is taken from the session again."""
        try:
            data = self.identity.open(self.blobs.get(row.tenant, chunk), MAX_CHUNK_BYTES)
            if chunk_id(data) != chunk:
                raise BundleRefused(f"chunk {chunk[:12]} is damaged")
        except BundleRefused:
            data = self._once_more(row, chunk)
        return Recipient(row.recipient).seal(data)

    def _once_more(self, row: Row, chunk: str) -> bytes:
        self.ledger.forget(row.tenant, chunk)
        plan = make_plan(self.directory(row.tenant, row.session))
        if chunk not in plan.pieces:
            raise BundleRefused(f"chunk {chunk[:12]} was damaged here, and is no part of session {row.session} now")
        data = plan.read(chunk)
        sealed = self.identity.recipient.seal(data)
        self.blobs.put(row.tenant, chunk, sealed)
        self.ledger.stored(row.tenant, [(chunk, len(sealed))])
        return data

    def screens(self, row: Row, offset: int) -> bytes:
        """A piece of the frame pack from ``offset`` on, framed and sealed for the client of ``row``."""
        try:
            with (self.directory(row.tenant, row.session) / PACK_NAME).open("rb") as stream:
                stream.seek(offset)
                data = stream.read(MAX_CHUNK_BYTES)
        except FileNotFoundError:
            data = b""
        return frame(chunk_id(data), Recipient(row.recipient).seal(data)) if data else b""

    def models_for(self, wanted: ModelReference) -> tuple[str, ...]:
        """Names of what is here for the model that the session used. Raises `BundleRefused` for another file of that name."""
        if wanted.name in self.endpoints:
            return wanted.name, wanted.mmproj
        if self.models is None or not (self.models / wanted.name).is_file():
            return ()
        if wanted.fingerprint and print_of(self.models / wanted.name) != (wanted.size_bytes, wanted.fingerprint):
            raise BundleRefused(f"the model {wanted.name} is another one here than at home", "give both machines the same file")
        return tuple(path.name for path in self.models.iterdir() if path.name in (wanted.name, wanted.mmproj))

    def _alone_at(self, tenant: str, session: str) -> AbstractContextManager[None]:
        """No other thread or process rebuilds the session or puts it in its place meanwhile."""
        return held(self.root / "arriving" / tenant / f"{session}.lock")

    def _staged(self, row: Row) -> Path:
        return self.root / "arriving" / row.tenant / f"{row.session}.{row.epoch}"

    def _sign_over(self, row: Row, directory: Path) -> None:
        log, contents = EventLog.open(directory / LOG_NAME, row.session, SystemClock())
        with log:
            last = next((event.data for event in reversed(contents.events) if isinstance(event.data, _OWNERSHIP)), None)
            if not isinstance(last, events.HandedOver) or (last.to, last.epoch) != (self.name, row.epoch):
                model = model_of(event.data for event in contents.events)
                state = settle_in(directory, seat_name(row.tenant, row.session), lambda: self._expected(model))
                log.append(events.HandedOver(self.name, row.epoch, state))
                log.sync()

    def _expected(self, model: events.ModelChanged) -> str:
        """The fingerprint of what the session's engine here is made of."""
        if self.models is None:
            return ""
        main, mmproj = (str(self.models / Path(path).name) for path in (model.model, model.mmproj))
        return expected_fingerprint(main, mmproj, model.family)


def manifest_name(name: str) -> str:
    """What the blob of the manifest with this hash is called."""
    return f"{name}.manifest"


@dataclass(frozen=True, slots=True)
class _Stored:
    """The `ChunkSource` of one tenant's blobs."""

    depot: Depot
    tenant: str

    def read(self, chunk: ChunkRef) -> bytes:
        try:
            return self.depot.identity.open_chunk(self.depot.blobs.get(self.tenant, chunk.id), chunk)
        except BundleRefused:
            self.depot.ledger.forget(self.tenant, chunk.id)
            raise

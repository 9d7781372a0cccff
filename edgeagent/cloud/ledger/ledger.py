"""Every question to the ledger names the tenant; every change names the epoch, and one with an old epoch changes nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from edgeagent.cloud.ledger import schema
from edgeagent.cloud.ledger.database import READS, one_at_a_time
from edgeagent.errors import NotOwner, SessionNotFound, UsageError
from edgeagent.teleport.manifest import Head
from edgeagent.teleport.wire import AtWork, Command, Echo, Flip, Owner, Prepare, Return, Standing, State

_SESSIONS = schema.sessions
_AT_ONCE = 500
MAX_MESSAGE_CHARS = 2000
"""Of what a run ended with, as clients are told."""
"""Ids in one question."""
COUNTED_EVERY_S = 3600.0
"""How exactly it is known when a chunk was last counted on."""


@dataclass(frozen=True, slots=True)
class Row:
    """One session."""

    tenant: str
    session: str
    state: State
    owner: Owner
    epoch: int
    signer: str
    recipient: str
    attempt: str
    events: int
    last_step: int
    hash: str
    manifest_hash: str
    outcome: str
    message: str
    worker: str
    turn: int
    beats: int
    updated_s: float
    trouble: str = ""

    @property
    def standing(self) -> Standing:
        """What its tenant is told."""
        return Standing(
            self.session, self.state, self.owner, self.epoch, self.events, self.last_step, self.hash, self.manifest_hash,
            self.outcome, self.message, self.updated_s, self.trouble,
        )  # fmt: skip

    @property
    def at_work(self) -> AtWork:
        """What its tenant is told of its worker."""
        return AtWork(self.session, self.worker, self.turn, self.beats, self.last_step, self.updated_s)

    @property
    def head(self) -> Head:
        return Head(self.events, self.last_step, self.hash)


class Ledger:
    """The sessions, chunks and commands of all tenants."""

    def __init__(self, engine: sa.Engine, clock_s: Callable[[], float] = time.time) -> None:
        self.engine = engine
        self._clock_s = clock_s
        """For people to read, and for how long chunks stay that nobody needs; whose a session is never depends on it."""
        self._reads = engine.execution_options(**{READS: True})

    # -- sessions -----------------------------------------------------------------------------------------------------------

    def find(self, tenant: str, session: str) -> Row:
        """Raises `SessionNotFound`, for another tenant's session just as for none."""
        with self._reads.connect() as connection:
            found = connection.execute(sa.select(_SESSIONS).where(*_named(tenant, session))).mappings().one_or_none()
        if found is None:
            raise SessionNotFound(f"no session {session!r} here")
        return Row(**found)

    def all(self, tenant: str) -> list[Row]:
        """The tenant's sessions, by id."""
        with self._reads.connect() as connection:
            found = connection.execute(sa.select(_SESSIONS).where(_SESSIONS.c.tenant == tenant).order_by(_SESSIONS.c.session))
            return [Row(**row) for row in found.mappings()]

    def in_state(self, *states: State) -> list[Row]:
        """Of all tenants: for the backend itself."""
        with self._reads.connect() as connection:
            found = connection.execute(sa.select(_SESSIONS).where(_SESSIONS.c.state.in_(states)))
            return [Row(**row) for row in found.mappings()]

    def prepare(self, tenant: str, session: str, asked: Prepare, max_sessions: int) -> Row:
        """The client that has the session is about to send it. Raises `NotOwner` or `UsageError`."""
        new = Row(
            tenant, session, "uploading", "client", asked.epoch, asked.signer, asked.recipient, asked.attempt,
            0, 0, "", "", "", "", "", 0, 0, self._clock_s(),
        )  # fmt: skip
        with self.engine.begin() as connection:
            one_at_a_time(connection, tenant)
            asked_for = sa.select(_SESSIONS).where(*_named(tenant, session)).with_for_update()
            found = connection.execute(asked_for).mappings().one_or_none()
            if found is None:
                mine = sa.select(sa.func.count()).select_from(_SESSIONS).where(_SESSIONS.c.tenant == tenant)
                if connection.execute(mine).scalar_one() >= max_sessions:
                    raise UsageError(f"there are {max_sessions} sessions already, as many as are permitted", "remove one there")
                connection.execute(_SESSIONS.insert().values(_values(new)))
                return new
            row = Row(**found)
            if row.owner != "client" or row.epoch != asked.epoch:
                raise _stale(row, asked.epoch)
            if row.signer != asked.signer:
                raise NotOwner(f"session {session!r} was sent by another machine, which has it")
            changes = {
                "state": "uploading", "recipient": asked.recipient, "attempt": asked.attempt, "updated_s": new.updated_s,
            }  # fmt: skip
            connection.execute(_SESSIONS.update().where(*_named(tenant, session)).values(changes))
        return self.find(tenant, session)

    def verified(self, row: Row, manifest_hash: str, head: Head, outcome: str, message: str = "") -> Row:
        """What was sent at ``row`` was rebuilt, is ``head``, and its last run ended with ``outcome``. Raises `NotOwner`."""
        said = {"outcome": outcome, "message": message[:MAX_MESSAGE_CHARS]}
        changes = {"state": "verified", "manifest_hash": manifest_hash, **said, **_head(head)}
        return self._change(
            row.tenant, row.session, row.epoch, "client", ("uploading", "verified"), changes, _SESSIONS.c.attempt == row.attempt
        )

    def take_over(self, tenant: str, session: str, flip: Flip, state: State) -> Row:
        """The session becomes the cloud's, at the next epoch, if it is what the client says. Asked again it says the same."""
        same = _SESSIONS.c.attempt == flip.attempt
        return self._flip(tenant, session, flip.epoch, flip.echo, "verified", "cloud", state, same)

    def hand_back(self, tenant: str, session: str, epoch: int, echo: Echo) -> Row:
        """The session becomes the client's again. Asked again it says the same."""
        return self._flip(tenant, session, epoch, echo, "packed", "client", "home")

    def begin_return(self, tenant: str, session: str, asked: Return) -> Row:
        """A client wants it: whoever works on it leaves."""
        changes = {"state": "returning", "signer": asked.signer, "recipient": asked.recipient, "trouble": ""}
        return self._change(tenant, session, asked.epoch, "cloud", ("running", "idle", "returning", "packed"), changes)

    def packed(self, tenant: str, session: str, epoch: int, manifest_hash: str, head: Head) -> Row:
        """It lies ready to be fetched."""
        changes = {"state": "packed", "manifest_hash": manifest_hash, "trouble": "", **_head(head)}
        return self._change(tenant, session, epoch, "cloud", ("returning",), changes)

    def wake(self, tenant: str, session: str, epoch: int) -> Row:
        """Let a worker take it up (again)."""
        return self._change(tenant, session, epoch, "cloud", ("idle", "returning", "packed", "running"), {"state": "running"})

    # -- workers ------------------------------------------------------------------------------------------------------------

    def claim(self, row: Row, worker: str) -> Row:
        """``worker`` takes the next turn at it. Raises `NotOwner` if another one took it, or it is to run no more."""
        changes = {"worker": worker, "turn": row.turn + 1, "updated_s": self._clock_s(), "trouble": ""}
        where = (*_named(row.tenant, row.session), _SESSIONS.c.epoch == row.epoch, _SESSIONS.c.turn == row.turn)
        with self.engine.begin() as connection:
            result = connection.execute(_SESSIONS.update().where(*where, _SESSIONS.c.state == "running").values(changes))
            if result.rowcount != 1:
                raise NotOwner(f"session {row.session!r} was taken by another worker")
        return self.find(row.tenant, row.session)

    def note_turn(self, row: Row, changes: dict[str, object]) -> None:
        """What the worker of this turn has to say. Raises `NotOwner` if the turn is over: then it must do nothing more."""
        where = (*_named(row.tenant, row.session), _SESSIONS.c.epoch == row.epoch, _SESSIONS.c.turn == row.turn)
        with self.engine.begin() as connection:
            changes = {"updated_s": self._clock_s(), "beats": _SESSIONS.c.beats + 1, **changes}
            if connection.execute(_SESSIONS.update().where(*where, _SESSIONS.c.owner == "cloud").values(changes)).rowcount != 1:
                raise NotOwner(f"session {row.session!r}: turn {row.turn} of epoch {row.epoch} is over")

    def finish_turn(self, row: Row, outcome: str, message: str, head: Head) -> None:
        """The run ended. A session that is wanted back stays so."""
        self.note_turn(row, {"outcome": outcome, "message": message[:MAX_MESSAGE_CHARS], "worker": "", **_head(head)})
        where = (*_named(row.tenant, row.session), _SESSIONS.c.epoch == row.epoch, _SESSIONS.c.state == "running")
        with self.engine.begin() as connection:
            connection.execute(_SESSIONS.update().where(*where).values(state="idle"))

    def note_trouble(self, row: Row, trouble: str) -> None:
        """What keeps the backend from going on with the session as it is in ``row``; whoever waits for it is told."""
        where = (*_named(row.tenant, row.session), _SESSIONS.c.epoch == row.epoch, _SESSIONS.c.state == row.state)
        with self.engine.begin() as connection:
            connection.execute(_SESSIONS.update().where(*where).values(trouble=trouble[:2000]))

    def give_up(self, row: Row, why: str) -> None:
        """Nobody is to take it up again until somebody asks for it."""
        where = (*_named(row.tenant, row.session), _SESSIONS.c.epoch == row.epoch, _SESSIONS.c.state == "running")
        with self.engine.begin() as connection:
            connection.execute(_SESSIONS.update().where(*where).values(state="idle", outcome="error", message=why, worker=""))

    # -- commands -----------------------------------------------------------------------------------------------------------

    def command(self, tenant: str, session: str, command: Command) -> bool:
        """Keep ``command`` for the worker; false: one with its key is there already."""
        table = schema.commands
        with self.engine.begin() as connection:
            one_at_a_time(connection, tenant)
            mine = sa.select(sa.func.count()).select_from(table).where(table.c.tenant == tenant, table.c.session == session)
            values = {
                "tenant": tenant, "session": session, "key": command.key, "seq": connection.execute(mine).scalar_one(),
                "kind": command.kind, "text": command.text, "taken": 0,
            }  # fmt: skip
            insert = self._insert(table).values(values).on_conflict_do_nothing().returning(table.c.key)
            return connection.execute(insert).first() is not None

    def commands(self, tenant: str, session: str) -> list[Command]:
        """Those that nobody has taken yet, in order."""
        table = schema.commands
        where = (table.c.tenant == tenant, table.c.session == session, table.c.taken == 0)
        with self._reads.connect() as connection:
            found = connection.execute(sa.select(table).where(*where).order_by(table.c.seq)).all()
        return [Command(row.key, row.kind, row.text) for row in found]

    def taken(self, tenant: str, session: str, keys: Iterable[str]) -> None:
        """These are in the session's log: nobody gets them again."""
        table = schema.commands
        where = (table.c.tenant == tenant, table.c.session == session, table.c.key.in_(list(keys)))
        with self.engine.begin() as connection:
            connection.execute(table.update().where(*where).values(taken=1))

    # -- chunks -------------------------------------------------------------------------------------------------------------

    def missing(self, tenant: str, ids: Sequence[str]) -> list[str]:
        """Those of ``ids`` that the tenant has not stored. The others stay for a while: whoever asks counts on them."""
        table, known, now_s = schema.chunks, set[str](), self._clock_s()
        for start in range(0, len(ids), _AT_ONCE):
            these = (table.c.tenant == tenant, table.c.id.in_(ids[start : start + _AT_ONCE]))
            old = (*these, table.c.counted_s < now_s - COUNTED_EVERY_S)
            with self._reads.connect() as connection:
                some_are_old = connection.execute(sa.select(table.c.id).where(*old).limit(1)).first()
                if not some_are_old:
                    known.update(connection.execute(sa.select(table.c.id).where(*these)).scalars())
            if some_are_old:
                with self.engine.begin() as connection:  # first this, then the look: what is removed meanwhile is missing
                    connection.execute(table.update().where(*old).values(counted_s=now_s))
                    known.update(connection.execute(sa.select(table.c.id).where(*these)).scalars())
        return [chunk for chunk in dict.fromkeys(ids) if chunk not in known]

    def stored(self, tenant: str, sizes: Iterable[tuple[str, int]]) -> None:
        """These chunks (id, sealed bytes) are in the blobs."""
        now_s = self._clock_s()
        rows = [{"tenant": tenant, "id": chunk, "sealed_bytes": size, "counted_s": now_s} for chunk, size in sizes]
        if rows:
            insert = self._insert(schema.chunks)
            again = insert.on_conflict_do_update(index_elements=["tenant", "id"], set_={"counted_s": now_s})
            with self.engine.begin() as connection:
                connection.execute(again, rows)

    def forget(self, tenant: str, chunk: str) -> None:
        """The chunk is not what it was: it must be sent again."""
        table = schema.chunks
        with self.engine.begin() as connection:
            connection.execute(table.delete().where(table.c.tenant == tenant, table.c.id == chunk))

    def stored_bytes(self, tenant: str) -> int:
        """Of all the tenant's chunks."""
        table = schema.chunks
        with self._reads.connect() as connection:
            asked = sa.select(sa.func.coalesce(sa.func.sum(table.c.sealed_bytes), 0)).where(table.c.tenant == tenant)
            return int(connection.execute(asked).scalar_one())

    # -- how ----------------------------------------------------------------------------------------------------------------

    def _change(
        self, tenant: str, session: str, epoch: int, owner: Owner, states: tuple[State, ...], changes: dict[str, Any],
        *further: sa.ColumnElement[bool],
    ) -> Row:  # fmt: skip
        where = (*_named(tenant, session), _SESSIONS.c.epoch == epoch, _SESSIONS.c.owner == owner, _SESSIONS.c.state.in_(states))
        with self.engine.begin() as connection:
            change = _SESSIONS.update().where(*where, *further).values({"updated_s": self._clock_s(), **changes})
            done = connection.execute(change)
        row = self.find(tenant, session)
        if done.rowcount != 1:
            raise _stale(row, epoch)
        return row

    def _flip(
        self, tenant: str, session: str, epoch: int, echo: Echo, state: State, owner: Owner, after: State,
        *further: sa.ColumnElement[bool],
    ) -> Row:  # fmt: skip
        row = self.find(tenant, session)
        if (row.owner, row.epoch, row.manifest_hash) == (owner, epoch + 1, echo.manifest_hash):
            return row  # the same request again: its answer was lost
        if row.epoch == epoch and (row.manifest_hash, row.head) != (echo.manifest_hash, echo.head):
            raise NotOwner("what was echoed is not what is there; ownership stays as it is", "do the same again")
        changes = {"state": after, "owner": owner, "epoch": epoch + 1}
        return self._change(tenant, session, epoch, "client" if owner == "cloud" else "cloud", (state,), changes, *further)

    def _insert(self, table: sa.Table) -> postgresql.Insert | sqlite.Insert:
        return postgresql.insert(table) if self.engine.dialect.name == "postgresql" else sqlite.insert(table)


def _named(tenant: str, session: str) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    return _SESSIONS.c.tenant == tenant, _SESSIONS.c.session == session


def _values(row: Row) -> dict[str, object]:
    return {column.name: getattr(row, column.name) for column in _SESSIONS.columns}


def _head(head: Head) -> dict[str, object]:
    return {"events": head.events, "last_step": head.last_step, "hash": head.hash}


def _stale(row: Row, epoch: int) -> NotOwner:
    owner = "the backend's" if row.owner == "cloud" else "the client's"
    return NotOwner(f"session {row.session!r} is {owner} at epoch {row.epoch} ({row.state}); epoch {epoch} may not do that")

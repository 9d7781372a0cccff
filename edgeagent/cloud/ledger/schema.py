"""The tables. `migrations` makes them; a test compares the two."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, ForeignKeyConstraint, Index, Integer, MetaData, String, Table, Text

metadata = MetaData()

tokens = Table(
    "tokens",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("tenant", String(64), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("scopes", String(200), nullable=False),
    Column("expires_s", Float, nullable=False),
    Column("note", String(200), nullable=False),
)

sessions = Table(
    "sessions",
    metadata,
    Column("tenant", String(64), primary_key=True),
    Column("session", String(64), primary_key=True),
    Column("state", String(16), nullable=False),
    Column("owner", String(8), nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("signer", String(64), nullable=False),
    Column("recipient", String(80), nullable=False),
    Column("attempt", String(32), nullable=False),
    Column("events", Integer, nullable=False),
    Column("last_step", Integer, nullable=False),
    Column("hash", String(64), nullable=False),
    Column("manifest_hash", String(64), nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("message", Text, nullable=False),
    Column("worker", String(32), nullable=False),
    Column("turn", BigInteger, nullable=False),
    Column("beats", BigInteger, nullable=False),
    Column("updated_s", Float, nullable=False),
    Column("trouble", Text, nullable=False, server_default=""),
    Index("sessions_by_state", "state"),
)

chunks = Table(
    "chunks",
    metadata,
    Column("tenant", String(64), primary_key=True),
    Column("id", String(64), primary_key=True),
    Column("sealed_bytes", Integer, nullable=False),
    Column("counted_s", Float, nullable=False, server_default="0"),
)

folders = Table(
    "folders",
    metadata,
    Column("place", String(16), primary_key=True),
    Column("key", String(80), nullable=False),
)

commands = Table(
    "commands",
    metadata,
    Column("tenant", String(64), primary_key=True),
    Column("session", String(64), primary_key=True),
    Column("key", String(64), primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("text", Text, nullable=False),
    Column("taken", Integer, nullable=False),
    ForeignKeyConstraint(["tenant", "session"], ["sessions.tenant", "sessions.session"]),
)

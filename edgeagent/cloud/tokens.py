"""Who may ask: tokens of tenants, kept as digests, with scopes and an end."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
from dataclasses import dataclass

import sqlalchemy as sa

from edgeagent.cloud.ledger import schema
from edgeagent.cloud.ledger.database import READS
from edgeagent.errors import UsageError

SCOPES = ("read", "write", "metrics")
"""``read``: look at sessions and fetch them; ``write``: send, take back, command; ``metrics``: the backend's figures."""
_TENANT = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_TOKEN = re.compile(r"eat_([0-9a-f]{16})_([0-9A-Za-z_-]{43})")


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose request it is."""

    tenant: str
    token: str
    """The token's id."""
    scopes: frozenset[str]


def make_token(engine: sa.Engine, tenant: str, scopes: tuple[str, ...], days: float, note: str = "") -> str:
    """A new token for ``tenant``; only its digest is kept. Raises `UsageError`."""
    if not _TENANT.fullmatch(tenant):
        raise UsageError(f"{tenant!r} cannot be a tenant", "lower-case letters, digits and hyphens, at most 63")
    if unknown := set(scopes) - set(SCOPES):
        raise UsageError(f"unknown scope {sorted(unknown)[0]!r}", f"known: {', '.join(SCOPES)}")
    number, secret = secrets.token_hex(8), secrets.token_urlsafe(32)
    row = {
        "id": number, "tenant": tenant, "digest": _digest(secret), "scopes": " ".join(scopes),
        "expires_s": time.time() + days * 86_400, "note": note[:200],
    }  # fmt: skip
    with engine.begin() as connection:
        connection.execute(schema.tokens.insert().values(row))
    return f"eat_{number}_{secret}"


def revoke_token(engine: sa.Engine, number: str) -> bool:
    """Let the token of this id count no more; false: there is none."""
    with engine.begin() as connection:
        return connection.execute(schema.tokens.delete().where(schema.tokens.c.id == number)).rowcount == 1


def list_tokens(engine: sa.Engine) -> list[dict[str, object]]:
    """All tokens, without what would let one use them."""
    columns = [column for column in schema.tokens.columns if column.name != "digest"]
    with engine.connect() as connection:
        return [dict(row) for row in connection.execute(sa.select(*columns).order_by(schema.tokens.c.tenant)).mappings()]


def caller_of(engine: sa.Engine, text: str) -> Caller | None:
    """Whose token ``text`` is; None: nobody's, or it has ended."""
    match = _TOKEN.fullmatch(text)
    if match is None:
        return None
    with engine.execution_options(**{READS: True}).connect() as connection:
        found = connection.execute(sa.select(schema.tokens).where(schema.tokens.c.id == match[1])).one_or_none()
    if found is None or not hmac.compare_digest(found.digest, _digest(match[2])) or found.expires_s < time.time():
        return None
    return Caller(found.tenant, found.id, frozenset(found.scopes.split()))


def _digest(secret: str) -> str:
    """256 random bits need no slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()

"""What a tenant's session is called at an engine that all tenants' workers share."""

from __future__ import annotations

import hashlib

_DIGEST_BYTES = 8


def seat_name(tenant: str, session: str) -> str:
    """Tenants choose ids of sessions, so two may choose the same one."""
    digest = hashlib.blake2b(tenant.encode(), digest_size=_DIGEST_BYTES).hexdigest()
    return f"{session}-{digest}"

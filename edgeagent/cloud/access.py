"""Lets in who has a token with the scope that a route asks for, as often as that token may ask."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from dataclasses import dataclass, field

import sqlalchemy as sa
from litestar.connection import ASGIConnection
from litestar.exceptions import NotAuthorizedException, PermissionDeniedException, TooManyRequestsException
from litestar.handlers import BaseRouteHandler

from edgeagent.cloud.tokens import Caller, caller_of

SCOPE = "edgeagent_scope"
"""Key of a route's ``opt``: the scope that it asks for; without it anyone may ask."""
_REMEMBERED = 10_000


@dataclass(slots=True)
class Rates:
    """Requests of each token: ``per_s`` in the long run, ``burst`` at once."""

    per_s: float = 100.0
    burst: float = 400.0
    buckets: OrderedDict[str, tuple[float, float]] = field(default_factory=OrderedDict[str, tuple[float, float]])
    """Token -> (what is left, when that was)."""

    def permits(self, token: str) -> bool:
        """Whether ``token`` may ask now; if so, that counts."""
        now_s = time.monotonic()
        left, then_s = self.buckets.pop(token, (self.burst, now_s))
        left = min(self.burst, left + (now_s - then_s) * self.per_s)
        self.buckets[token] = (left - 1 if left >= 1 else left, now_s)
        if len(self.buckets) > _REMEMBERED:
            self.buckets.popitem(last=False)
        return left >= 1


@dataclass(slots=True)
class Guard:
    """A litestar guard; puts the `Caller` into the request's state."""

    engine: sa.Engine
    rates: Rates = field(default_factory=Rates)

    async def __call__(self, connection: ASGIConnection, handler: BaseRouteHandler) -> None:  # pyright: ignore[reportMissingTypeArgument, reportUnknownParameterType]
        scope = handler.opt.get(SCOPE)
        if scope is None:
            return
        kind, _, token = connection.headers.get("authorization", "").partition(" ")
        caller = await asyncio.to_thread(caller_of, self.engine, token) if kind.lower() == "bearer" else None
        if caller is None:
            raise NotAuthorizedException("a valid token is needed", headers={"WWW-Authenticate": "Bearer"})
        if not self.rates.permits(caller.token):
            raise TooManyRequestsException("too many requests with this token", headers={"Retry-After": "1"})
        if scope not in caller.scopes:
            raise PermissionDeniedException(f"this token lacks the scope {scope!r}")
        connection.state.caller = caller


def caller(state: object) -> Caller:
    """Whom `Guard` let in."""
    found = getattr(state, "caller", None)
    assert isinstance(found, Caller), "the route asks for a scope"
    return found

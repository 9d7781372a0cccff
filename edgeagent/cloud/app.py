"""The API, version 1: thin routes over the depot and the ledger. Every one names the caller's tenant, and knows no other."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import traceback
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import version
from typing import Annotated, Any

from litestar import Litestar, Request, Response, get, post, put
from litestar.datastructures import State as Shared
from litestar.exceptions import HTTPException
from litestar.openapi import OpenAPIConfig, ResponseSpec
from litestar.openapi.spec import Components, SecurityScheme
from litestar.params import HeaderParameter, JSONBody, PathParameter, QueryParameter
from litestar.response import ServerSentEvent, Stream

from edgeagent.cloud.access import SCOPE, Guard, Rates, caller
from edgeagent.cloud.depot import Depot
from edgeagent.cloud.following import follow
from edgeagent.cloud.ledger import Row
from edgeagent.cloud.metrics import render
from edgeagent.cloud.pool import Pool
from edgeagent.errors import BundleRefused, EdgeAgentError, NotOwner, RecordingFull, SessionBusy, SessionNotFound, UsageError
from edgeagent.teleport.wire import (
    API,
    MAX_BATCH_BYTES,
    AtWork,
    Backend,
    ChunkIds,
    Command,
    Echo,
    Flip,
    FlipBack,
    Prepare,
    Problem,
    Return,
    Standing,
    State,
    Stored,
    frame,
    frames,
)

MAX_BODY_BYTES = 2 * MAX_BATCH_BYTES
MAX_MANIFEST_BODY_BYTES = 64 << 20
SessionId = Annotated[str, PathParameter(pattern=r"^[0-9A-Za-z][0-9A-Za-z._-]{0,63}$")]
AnyRequest = Request[Any, Any, Shared]
_PROBLEMS = {
    400: ResponseSpec(Problem, description="the request is not as described"),
    401: ResponseSpec(Problem, description="no valid token"),
    403: ResponseSpec(Problem, description="the token lacks the scope"),
    404: ResponseSpec(Problem, description="no such session of the caller's"),
    409: ResponseSpec(Problem, description="another owner, epoch or attempt"),
    413: ResponseSpec(Problem, description="too large"),
    422: ResponseSpec(Problem, description="refused for what it holds"),
    429: ResponseSpec(Problem, description="too many requests"),
    503: ResponseSpec(Problem, description="not now"),
    507: ResponseSpec(Problem, description="no room"),
}
_get_read = partial(get, opt={SCOPE: "read"}, responses=_PROBLEMS)
_post_read = partial(post, opt={SCOPE: "read"}, responses=_PROBLEMS, status_code=200)
_post_write = partial(post, opt={SCOPE: "write"}, responses=_PROBLEMS, status_code=200)
_put_write = partial(put, opt={SCOPE: "write"}, responses=_PROBLEMS)
_STATUS: tuple[tuple[type[EdgeAgentError], int], ...] = (
    (SessionNotFound, 404), (NotOwner, 409), (BundleRefused, 422), (UsageError, 422), (RecordingFull, 507), (EdgeAgentError, 503),
)  # fmt: skip
_IDLE_OUTCOMES = ("done", "needs_user", "failed")
"""A session that came so waits for its user; any other is gone on with at once."""


@dataclass(slots=True)
class Services:
    """What the routes work with."""

    depot: Depot
    pool: Pool | None
    rates: Rates = field(default_factory=Rates)
    beside: tuple[Callable[[], Coroutine[Any, Any, None]], ...] = ()
    """What goes on as long as the application."""


@get(f"{API}/backend", tags=["backend"])
async def backend(state: Shared) -> Backend:
    """Who this is."""
    depot: Depot = state.services.depot
    keys = depot.public_key, depot.identity.recipient.text
    return Backend(depot.name, version("edgeagent"), *keys, tuple(sorted(depot.endpoints)), depot.takes_engine_states)


@get(f"{API}/health", tags=["backend"])
async def health(state: Shared) -> dict[str, str]:
    """Whether the ledger answers."""
    await asyncio.to_thread(state.services.depot.ledger.in_state, "running")
    return {"status": "ok"}


@get("/metrics", opt={SCOPE: "metrics"}, responses=_PROBLEMS, media_type="text/plain", tags=["backend"])
async def metrics(state: Shared) -> str:
    """For Prometheus; of all tenants together."""
    return await asyncio.to_thread(render, state.services.depot, state.services.pool)


@_get_read(f"{API}/sessions", tags=["sessions"])
async def list_sessions(request: AnyRequest, state: Shared) -> list[Standing]:
    """The caller's sessions."""
    rows = await asyncio.to_thread(state.services.depot.ledger.all, caller(request.state).tenant)
    return [row.standing for row in rows]


@_get_read(f"{API}/workers", tags=["sessions"])
async def list_workers(request: AnyRequest, state: Shared) -> list[AtWork]:
    """Who works on the caller's sessions."""
    rows = await asyncio.to_thread(state.services.depot.ledger.all, caller(request.state).tenant)
    return [row.at_work for row in rows if row.worker and row.state in ("running", "returning")]


@_get_read(f"{API}/sessions/{{session:str}}", tags=["sessions"])
async def standing(request: AnyRequest, state: Shared, session: SessionId) -> Standing:
    """Whose it is, and how far it has come."""
    return (await asyncio.to_thread(state.services.depot.ledger.find, caller(request.state).tenant, session)).standing


@_put_write(f"{API}/sessions/{{session:str}}", tags=["hand-over"])
async def prepare(request: AnyRequest, state: Shared, session: SessionId, data: JSONBody[Prepare]) -> Standing:
    """A session is about to be sent."""
    depot: Depot = state.services.depot
    tenant = caller(request.state).tenant
    row = await asyncio.to_thread(depot.ledger.prepare, tenant, session, data, depot.quota.max_sessions)
    return row.standing


@_post_write(f"{API}/chunks/missing", tags=["chunks"])
async def missing(request: AnyRequest, state: Shared, data: JSONBody[ChunkIds]) -> ChunkIds:
    """Those that must be sent."""
    depot: Depot = state.services.depot
    return ChunkIds(tuple(await asyncio.to_thread(depot.ledger.missing, caller(request.state).tenant, list(data.ids))))


@_post_write(f"{API}/chunks", tags=["chunks"], request_max_body_size=MAX_BODY_BYTES)
async def receive(request: AnyRequest, state: Shared) -> Stored:
    """Sealed chunks, each stored as soon as it is whole: what is cut off in mid-way loses only the one under way."""
    depot: Depot = state.services.depot
    tenant, count = caller(request.state).tenant, 0
    await asyncio.to_thread(depot.require_room, tenant)
    async for chunk, sealed in frames(request.stream()):
        await asyncio.to_thread(depot.receive, tenant, chunk, sealed)
        count += 1
    return Stored(count)


@_put_write(f"{API}/sessions/{{session:str}}/manifest", tags=["hand-over"], request_max_body_size=MAX_MANIFEST_BODY_BYTES)
async def manifest(
    request: AnyRequest, state: Shared, session: SessionId, epoch: Annotated[int, QueryParameter(ge=0, le=1 << 40)],
    attempt: Annotated[str, QueryParameter(pattern=r"^[0-9a-f]{32}$")],
) -> Echo:  # fmt: skip
    """The signed manifest: the session is rebuilt of its chunks, and what it then is comes back."""
    signed = await request.body()
    return await asyncio.to_thread(state.services.depot.rebuild, caller(request.state).tenant, session, epoch, attempt, signed)


@_post_write(f"{API}/sessions/{{session:str}}/hand-over", tags=["hand-over"])
async def hand_over(request: AnyRequest, state: Shared, session: SessionId, data: JSONBody[Flip]) -> Standing:
    """The session becomes the backend's, if the client says what the backend has."""
    depot: Depot = state.services.depot
    return (await asyncio.to_thread(_take_over, depot, caller(request.state).tenant, session, data)).standing


@_post_write(f"{API}/sessions/{{session:str}}/return", tags=["hand-over"])
async def begin_return(request: AnyRequest, state: Shared, session: SessionId, data: JSONBody[Return]) -> Standing:
    """The client wants it back: the step under way finishes, then it is packed."""
    depot: Depot = state.services.depot
    return (await asyncio.to_thread(depot.ledger.begin_return, caller(request.state).tenant, session, data)).standing


@_get_read(f"{API}/sessions/{{session:str}}/manifest", media_type="application/octet-stream", tags=["hand-over"])
async def packed(request: AnyRequest, state: Shared, session: SessionId) -> bytes:
    """The signed manifest of a session that is packed."""
    depot: Depot = state.services.depot
    row = await asyncio.to_thread(depot.ledger.find, caller(request.state).tenant, session)
    return await asyncio.to_thread(depot.manifest, row)


@_post_read(f"{API}/sessions/{{session:str}}/chunks", tags=["chunks"])
async def fetch(request: AnyRequest, state: Shared, session: SessionId, data: JSONBody[ChunkIds]) -> Stream:
    """Chunks of the caller's, sealed for the session's client."""
    depot: Depot = state.services.depot
    row = await asyncio.to_thread(depot.ledger.find, caller(request.state).tenant, session)
    if lacking := await asyncio.to_thread(depot.ledger.missing, row.tenant, list(data.ids)):
        raise BundleRefused(f"chunk {lacking[0][:12]} is not there")

    async def body() -> AsyncGenerator[bytes]:
        for chunk in data.ids:
            yield frame(chunk, await asyncio.to_thread(depot.sealed_for, row, chunk))

    return Stream(body(), media_type="application/octet-stream")


@_get_read(f"{API}/sessions/{{session:str}}/screens", media_type="application/octet-stream", tags=["sessions"])
async def screens(
    request: AnyRequest, state: Shared, session: SessionId, offset: Annotated[int, QueryParameter(ge=0, le=1 << 50)]
) -> bytes:  # fmt: skip
    """What the recording's frame pack has from ``offset`` on, at most a MiB, as one sealed chunk; nothing if there is no more."""
    depot: Depot = state.services.depot
    row = await asyncio.to_thread(depot.ledger.find, caller(request.state).tenant, session)
    return await asyncio.to_thread(depot.screens, row, offset)


@_post_write(f"{API}/sessions/{{session:str}}/hand-back", tags=["hand-over"])
async def hand_back(request: AnyRequest, state: Shared, session: SessionId, data: JSONBody[FlipBack]) -> Standing:
    """The session becomes the client's again, if the client says what the backend sent."""
    depot: Depot = state.services.depot
    tenant = caller(request.state).tenant
    return (await asyncio.to_thread(depot.ledger.hand_back, tenant, session, data.epoch, data.echo)).standing


@_post_write(f"{API}/sessions/{{session:str}}/commands", tags=["sessions"])
async def command(request: AnyRequest, state: Shared, session: SessionId, data: JSONBody[Command]) -> Standing:
    """Say something to the run there, approve what it waits for, or stop it after the step under way."""
    depot: Depot = state.services.depot
    return (await asyncio.to_thread(_command, depot, caller(request.state).tenant, session, data)).standing


@_get_read(f"{API}/sessions/{{session:str}}/events", tags=["sessions"])
async def events(
    request: AnyRequest, state: Shared, session: SessionId,
    last_event_id: Annotated[int, HeaderParameter(name="Last-Event-ID", ge=-1, le=1 << 40)] = -1,
) -> ServerSentEvent:  # fmt: skip
    """The session's log as it is written, from behind `Last-Event-ID` on."""
    depot: Depot = state.services.depot
    tenant = caller(request.state).tenant
    await asyncio.to_thread(depot.ledger.find, tenant, session)
    return ServerSentEvent(follow(depot, tenant, session, last_event_id))


def make_app(services: Services) -> Litestar:
    """The ASGI application; its pool of workers lives as long as it does."""

    @asynccontextmanager
    async def lifespan(_app: Litestar) -> AsyncGenerator[None]:
        works = (*([services.pool.run] if services.pool else []), *services.beside)
        tasks = [asyncio.create_task(_or_end(work)) for work in works]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    bearer = Components(security_schemes={"token": SecurityScheme(type="http", scheme="bearer")})
    return Litestar(
        route_handlers=[
            backend, health, metrics, list_sessions, list_workers, standing, prepare, missing, receive, manifest, hand_over,
            begin_return, packed, fetch, screens, hand_back, command, events,
        ],
        guards=[Guard(services.depot.ledger.engine, services.rates)],
        state=Shared({"services": services}),
        lifespan=[lifespan],
        request_max_body_size=MAX_BODY_BYTES,
        logging_config=None,
        exception_handlers={EdgeAgentError: _refused, HTTPException: _http_problem},
        openapi_config=OpenAPIConfig(
            "edgeagent backend", "1", path=f"{API}/schema", components=[bearer], security=[{"token": []}]
        ),
    )  # fmt: skip


async def _or_end(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """A server whose workers nobody looks after would only seem to serve: a bug there ends it, for all to see."""
    try:
        await work()
    except Exception:
        traceback.print_exc()
        os.kill(os.getpid(), signal.SIGTERM)


def _take_over(depot: Depot, tenant: str, session: str, flip: Flip) -> Row:
    waits = depot.ledger.find(tenant, session).outcome in _IDLE_OUTCOMES
    state: State = "idle" if waits else "running"
    row = depot.ledger.take_over(tenant, session, flip, state)
    if (row.owner, row.epoch) == ("cloud", flip.epoch + 1):
        with contextlib.suppress(SessionBusy):  # asked again: somebody works on it already
            depot.settle(row)
    return row


def _command(depot: Depot, tenant: str, session: str, command: Command) -> Row:
    row = depot.ledger.find(tenant, session)
    if row.owner != "cloud":
        raise NotOwner(f"session {session!r} is not here: it is the client's", "hand it over first")
    if depot.ledger.command(tenant, session, command) and row.state == "idle" and command.kind != "stop":
        return depot.ledger.wake(tenant, session, row.epoch)
    return row


def _refused(_request: AnyRequest, error: EdgeAgentError) -> Response[Problem]:
    status = next(status for kind, status in _STATUS if isinstance(error, kind))
    return Response(Problem(str(error), error.hint or ""), status_code=status)


def _http_problem(_request: AnyRequest, error: HTTPException) -> Response[Problem]:
    return Response(Problem(error.detail), status_code=error.status_code, headers=error.headers)

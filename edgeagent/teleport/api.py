"""The backend as a client sees it. Every connection goes through the program's own egress broker, to that one place alone."""

from __future__ import annotations

import itertools
import os
import ssl
import time
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar

import httpx2
import msgspec

from edgeagent.clock import SystemClock
from edgeagent.egress import AppEgress
from edgeagent.egress_http import AsyncBrokerTransport
from edgeagent.errors import (
    BundleRefused,
    EdgeAgentError,
    EgressDenied,
    EnvironmentProblem,
    NotOwner,
    SessionNotFound,
    TeleportError,
    UsageError,
)
from edgeagent.folders import sessions_root
from edgeagent.recording.audit_trail import AuditTrail
from edgeagent.small_files import why
from edgeagent.teleport.backends import Connected
from edgeagent.teleport.wire import (
    API,
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
    frames,
)
from edgeagent_harness.policy.types import Egress, Endpoint

T = TypeVar("T")
_NUMBERS = itertools.count(1)
"""Of this process's connections: each has an audit log of its own."""
_TIMEOUT = httpx2.Timeout(30.0, read=280.0)
"""A session is rebuilt within one request; the broker closes what is silent for 300 s."""
_CUT_OFF = 502
"""The broker's own answer where a backend ends a plain connection in mid-way."""
_ERRORS: dict[int, type[EdgeAgentError]] = {404: SessionNotFound, 409: NotOwner, 422: BundleRefused, 507: EnvironmentProblem}


class Api:
    """The API of one backend. Raises `TeleportError` if it cannot be reached, and what it refuses as the error that it means."""

    def __init__(self, client: httpx2.AsyncClient) -> None:
        self._client = client

    async def backend(self) -> Backend:
        return await self._json("GET", "/backend", Backend)

    async def sessions(self) -> list[Standing]:
        return await self._json("GET", "/sessions", list[Standing])

    async def standing(self, session: str) -> Standing:
        return await self._json("GET", f"/sessions/{session}", Standing)

    async def prepare(self, session: str, body: Prepare) -> Standing:
        return await self._json("PUT", f"/sessions/{session}", Standing, body)

    async def missing(self, ids: Sequence[str]) -> tuple[str, ...]:
        return (await self._json("POST", "/chunks/missing", ChunkIds, ChunkIds(tuple(ids)))).ids

    async def send_chunks(self, pieces: AsyncIterator[bytes]) -> None:
        await self._request("POST", f"{API}/chunks", content=pieces)

    async def rebuild(self, session: str, epoch: int, attempt: str, signed: bytes) -> Echo:
        path = f"{API}/sessions/{session}/manifest?epoch={epoch}&attempt={attempt}"
        return _decode((await self._request("PUT", path, content=signed)).content, Echo)

    async def hand_over(self, session: str, body: Flip) -> Standing:
        return await self._json("POST", f"/sessions/{session}/hand-over", Standing, body)

    async def begin_return(self, session: str, body: Return) -> Standing:
        return await self._json("POST", f"/sessions/{session}/return", Standing, body)

    async def manifest(self, session: str) -> bytes:
        return (await self._request("GET", f"{API}/sessions/{session}/manifest")).content

    async def fetch(self, session: str, ids: Sequence[str]) -> AsyncGenerator[tuple[str, bytes]]:
        """These chunks, sealed, each as soon as it is there."""
        body = msgspec.json.encode(ChunkIds(tuple(ids)))
        try:
            async with self._client.stream("POST", f"{API}/sessions/{session}/chunks", content=body) as response:
                if response.status_code != 200:
                    _refuse(response.status_code, await response.aread())
                async for chunk, sealed in frames(response.aiter_bytes()):
                    yield chunk, sealed
        except (httpx2.HTTPError, EgressDenied) as error:
            raise _lost(error) from error

    async def hand_back(self, session: str, body: FlipBack) -> Standing:
        return await self._json("POST", f"/sessions/{session}/hand-back", Standing, body)

    async def command(self, session: str, body: Command) -> Standing:
        return await self._json("POST", f"/sessions/{session}/commands", Standing, body)

    async def screens(self, session: str, offset: int) -> bytes:
        return (await self._request("GET", f"{API}/sessions/{session}/screens?offset={offset}")).content

    async def events(self, session: str, after: int) -> AsyncGenerator[tuple[str, bytes]]:
        """(kind, data) of server-sent events behind number ``after``, until the backend or the network ends them."""
        headers = {"Last-Event-ID": str(after), "Accept": "text/event-stream"}
        try:
            async with self._client.stream("GET", f"{API}/sessions/{session}/events", headers=headers) as response:
                if response.status_code != 200:
                    _refuse(response.status_code, await response.aread())
                kind = ""
                async for line in response.aiter_lines():
                    name, _, value = line.partition(":")
                    if name == "event":
                        kind = value.strip()
                    elif name == "data":
                        yield kind, value.removeprefix(" ").encode()
        except (httpx2.HTTPError, EgressDenied) as error:
            raise _lost(error) from error

    async def _json(self, method: str, path: str, kind: type[T], body: msgspec.Struct | None = None) -> T:
        content = msgspec.json.encode(body) if body is not None else None
        return _decode((await self._request(method, API + path, content=content)).content, kind)

    async def _request(
        self, method: str, path: str, content: bytes | AsyncIterator[bytes] | None = None
    ) -> httpx2.Response:  # fmt: skip
        headers = {"Content-Type": "application/json" if isinstance(content, bytes) else "application/octet-stream"}
        try:
            response = await self._client.request(method, path, content=content, headers=headers)
        except (httpx2.HTTPError, EgressDenied) as error:
            raise _lost(error) from error
        if response.status_code != 200:
            _refuse(response.status_code, response.content)
        return response


@asynccontextmanager
async def connect(backend: Connected) -> AsyncGenerator[Api]:
    """The API of ``backend``. What is connected to is listed in an audit log of its own. Raises `EnvironmentProblem` offline."""
    host, port = backend.place
    began = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
    path = sessions_root().parent / "audit" / f"teleport-{began}-{os.getpid()}-{next(_NUMBERS)}.jsonl"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    trail = AuditTrail(path, SystemClock())
    try:
        async with AppEgress(Egress("allowlist", (Endpoint(host, port),)), trail.write) as egress:
            transport = AsyncBrokerTransport(egress.broker_socket, _context(backend.ca))
            headers = {"Authorization": f"Bearer {backend.token}"}
            async with httpx2.AsyncClient(
                transport=transport, base_url=backend.url, headers=headers, timeout=_TIMEOUT, trust_env=False
            ) as client:
                yield Api(client)
    finally:
        trail.close()


def _context(ca: str) -> ssl.SSLContext | None:
    if not ca:
        return None
    try:
        return ssl.create_default_context(cafile=ca)
    except (OSError, ssl.SSLError) as error:
        raise UsageError(f"the certificate authority {ca} cannot be read: {why(error)}", "connect anew with --ca FILE") from error


def _decode(content: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(content, type=kind)
    except msgspec.MsgspecError as error:
        raise TeleportError(f"the backend answered something else than was asked: {error}") from error


def _refuse(status: int, content: bytes) -> None:
    """Raise what the backend means. It is another program: its words are quoted, and cut."""
    try:
        problem = msgspec.json.decode(content, type=Problem)
    except msgspec.MsgspecError:
        if status == _CUT_OFF:
            raise TeleportError("the backend cannot be reached: it was cut off", "do the same again once it can be") from None
        problem = Problem(f"status {status}")
    text, hint = f"the backend says: {problem.error[:500]}", problem.hint[:500]
    if status in (401, 403):
        raise TeleportError(text, "ask for a token with the scopes read and write, and connect anew")
    raise _ERRORS.get(status, TeleportError)(text, hint)


def _lost(error: Exception) -> TeleportError:
    if "CERTIFICATE_VERIFY_FAILED" in str(error):  # the transport gives words alone
        return TeleportError(
            f"the backend cannot be trusted: nobody known here vouches for its certificate ({error})",
            "connect anew with --ca FILE: the authority that signed it, or the certificate itself",
        )
    if "WRONG_VERSION_NUMBER" in str(error):
        return TeleportError("what listens there speaks no TLS", "is it that address and port? plain http is for 127.0.0.1 alone")
    return TeleportError(f"the backend cannot be reached: {error or type(error).__name__}", "do the same again once it can be")

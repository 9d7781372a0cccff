"""A model behind an OpenAI-compatible server (vLLM, llama-server, Ollama, …): the same conversations, over the egress broker.

``openai:URL#NAME`` names one. Pictures are resized here and sent as PNG; what the server does not know of (grammars) is not sent.
"""

from __future__ import annotations

import os
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import msgspec

from edgeagent.egress import AppEgress
from edgeagent.engine.chat_wire import ServerAnswer, completed, request_body
from edgeagent.engine.tagging import Tags
from edgeagent.errors import ContextFull, EngineError
from edgeagent.remote_names import KEY_VARIABLE, RemoteName
from edgeagent_harness.policy.types import Egress
from edgeagent_harness.protocol.audit import Connection
from edgeagent_models.protocol import Complete, Completed

if TYPE_CHECKING:
    import httpx2

CONNECT_TIMEOUT_S = 15.0
READ_TIMEOUT_S = 300.0
"""For a whole reply: a large model on a CPU takes minutes for a long prompt."""
ATTEMPTS = 4
MAX_ANSWER_BYTES = 4 << 20
MAX_WAIT_S = 30.0
"""Between two attempts, whatever the server asks for."""
_NOT_UNDERSTOOD = (400, 422)
_PASSING = (408, 409, 425, 429, 500, 502, 503, 504)
"""Statuses that may be gone the next time."""


@asynccontextmanager
async def open_remote(
    remote: RemoteName, audited: Callable[[Connection], None], tags: Tags | None = None
) -> AsyncGenerator[RemoteEngine]:
    """A way to ``remote`` and to nowhere else. Raises `EnvironmentProblem`, in offline mode always.

    ``tags``: what the server is told of the session; None: nothing.
    """
    async with AppEgress(Egress("allowlist", (remote.endpoint,)), audited) as egress:
        import httpx2

        from edgeagent.egress_http import AsyncBrokerTransport

        timeout = httpx2.Timeout(READ_TIMEOUT_S, connect=CONNECT_TIMEOUT_S)
        transport = AsyncBrokerTransport(egress.broker_socket)
        key = os.environ.get(KEY_VARIABLE)
        headers = {**({"Authorization": f"Bearer {key}"} if key else {}), **(tags.headers if tags else {})}
        async with httpx2.AsyncClient(transport=transport, timeout=timeout, headers=headers, trust_env=False) as client:
            yield RemoteEngine(remote, client, tags)


class RemoteEngine:
    """Completes conversations by asking a server; what passes is tried again."""

    def __init__(self, remote: RemoteName, client: httpx2.AsyncClient, tags: Tags | None = None) -> None:
        self._remote = remote
        self._client = client
        self._hints = tags
        """None as soon as the server has refused them."""

    @property
    def hints_are_sent(self) -> bool:
        """Whether the server has not refused them so far."""
        return self._hints is not None

    async def request(self, request: Complete) -> Completed:
        """Ask. Raises `EngineError` with the server's words, `ContextFull`, `EgressDenied`."""
        import httpx2
        import tenacity

        plain = request_body(request, self._remote.name)
        body = self._hints.hinted(plain, request) if self._hints else plain
        began_s = time.monotonic()
        attempts = tenacity.AsyncRetrying(
            retry=tenacity.retry_if_exception_type((_Passing, httpx2.TransportError)),
            stop=tenacity.stop_after_attempt(ATTEMPTS),
            wait=_wait_s,
            reraise=True,
        )
        try:
            try:
                answer = await attempts(self._ask, body)
            except _Unknown:
                if self._hints is None:
                    raise
                answer = await attempts(self._ask, plain)
                self._hints = None
        except _Unknown as error:
            raise EngineError(str(error)) from error
        except (_Passing, httpx2.TransportError) as error:
            why = str(error) or type(error).__name__
            raise EngineError(f"{self._remote.url}: {why} ({ATTEMPTS} attempts)", "is the server running?") from error
        return completed(answer, (time.monotonic() - began_s) * 1000)

    async def _ask(self, body: bytes) -> ServerAnswer:
        url = f"{self._remote.url}/chat/completions"
        async with self._client.stream("POST", url, content=body, headers={"Content-Type": "application/json"}) as response:
            content = b""
            async for chunk in response.aiter_bytes():
                content += chunk
                if len(content) > MAX_ANSWER_BYTES:
                    raise EngineError(f"{url}: an answer of more than {MAX_ANSWER_BYTES >> 20} MiB")
            if response.status_code != 200:
                raise self._refusal(response.status_code, content, response.headers.get("Retry-After", ""))
        try:
            return msgspec.json.decode(content, type=ServerAnswer)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise EngineError(f"{url}: the answer is no chat completion: {error}", "is that an OpenAI-compatible API?") from error

    def _refusal(self, status: int, content: bytes, retry_after: str) -> Exception:
        said = content[:500].decode(errors="replace").strip()
        problem = f"{self._remote.url} answered {status}: {said}"
        if status in _PASSING:
            return _Passing(problem, float(retry_after) if retry_after.isdigit() else 0.0)
        if status == 400 and "context" in said.lower():
            return ContextFull(problem)
        if status in _NOT_UNDERSTOOD:
            return _Unknown(problem)
        hints = {401: f"give a key in {KEY_VARIABLE}", 403: f"give a key in {KEY_VARIABLE}", 404: "look at the URL and the name"}
        return EngineError(problem, hints.get(status, ""))


class _Unknown(Exception):
    """The server does not take the request as it is."""


class _Passing(Exception):
    """The server may answer the next time, after ``wait_s`` if it said so."""

    def __init__(self, problem: str, wait_s: float) -> None:
        super().__init__(problem)
        self.wait_s = wait_s


def _wait_s(state: object) -> float:
    """Half a second, doubled for each attempt, or what the server asked for."""
    import tenacity

    assert isinstance(state, tenacity.RetryCallState)
    error = state.outcome.exception() if state.outcome else None
    asked_s = error.wait_s if isinstance(error, _Passing) else 0.0
    return min(MAX_WAIT_S, max(asked_s, 0.5 * 2 ** (state.attempt_number - 1)))

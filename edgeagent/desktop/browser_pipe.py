"""Chromium's debugging protocol over the pipe that the supervisor hands out: JSON messages that end in NUL.

The benchmark opens it to load and seed a page and to read the page's own reward, and the gate to ask which pages are open.
Nothing that a model sees comes from it.
"""

from __future__ import annotations

import asyncio
import json
import socket
from typing import Any

from edgeagent.errors import DesktopError, DesktopLost

READ_BYTES = 1 << 16
MAX_MESSAGE_BYTES = 1 << 20
"""The browser is inside the sandbox and hostile: a longer message ends the connection."""


class BrowserPipe:
    """One page of the browser at the other end of ``sock``, which stays its owner's to close."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self._sock = sock
        self._buffer = bytearray()
        self._last_id = 0
        self._session = ""

    async def attach(self, timeout_s: float = 10) -> None:
        """Find the first page and talk to it from now on."""
        async with asyncio.timeout(timeout_s):
            while not (page := await self._first_page()):  # noqa: ASYNC110 - the browser gives no sign
                await asyncio.sleep(0.05)
        answer = await self.call("Target.attachToTarget", targetId=page, flatten=True)
        self._session = answer["sessionId"]

    async def evaluate(self, expression: str, wait: bool = False) -> Any:
        """The value of a JavaScript ``expression`` in the page; with ``wait``, of the promise that it is."""
        answer = await self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=wait)
        if "exceptionDetails" in answer:
            raise DesktopError(f"the page raised {answer['exceptionDetails'].get('text', 'an error')}: {str(answer)[:300]}")
        return answer["result"].get("value")

    async def call(self, method: str, timeout_s: float = 15, session: str | None = None, **params: Any) -> dict[str, Any]:
        """Call ``method`` of ``session`` (None: the attached page) and return its result; other messages are dropped."""
        self._last_id += 1
        request = {"id": self._last_id, "method": method, "params": params}
        if chosen := self._session if session is None else session:
            request["sessionId"] = chosen
        try:
            async with asyncio.timeout(timeout_s):
                await asyncio.get_running_loop().sock_sendall(self._sock, json.dumps(request).encode() + b"\0")
                return await self._reply(self._last_id, method)
        except TimeoutError as error:
            raise DesktopLost(f"the browser did not answer {method} within {timeout_s:g} s") from error
        except OSError as error:
            raise DesktopLost(f"the browser's debugging pipe broke: {error}") from error

    async def _first_page(self) -> str:
        answer = await self.call("Target.getTargets")
        return next((info["targetId"] for info in answer["targetInfos"] if info["type"] == "page"), "")

    async def _reply(self, request_id: int, method: str) -> dict[str, Any]:
        while True:
            message = json.loads(await self._message())
            if message.get("id") != request_id:
                continue
            if "error" in message:
                raise DesktopError(f"the browser refused {method}: {message['error'].get('message', '')}")
            return message["result"]

    async def _message(self) -> bytes:
        while (end := self._buffer.find(0)) < 0:
            chunk = await asyncio.get_running_loop().sock_recv(self._sock, READ_BYTES)
            if not chunk:
                raise DesktopLost("the browser closed its debugging pipe")
            self._buffer += chunk
            if len(self._buffer) > MAX_MESSAGE_BYTES:
                raise DesktopLost("the browser sent a message that is too long")
        message = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        return message

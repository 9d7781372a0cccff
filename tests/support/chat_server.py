"""An OpenAI-compatible server of a test's own, with answers that were laid down beforehand; it keeps what it was asked."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

HOLO = '{"note": null, "thought": "t", "tool_call": {"tool_name": "click", "element": "it", "x": 250, "y": 500}}'


@dataclass
class Server:
    """Answers with ``answers`` in turn, the last again and again: (status, body, further headers)."""

    answers: list[tuple[int, bytes, str]]
    bodies: list[dict[str, object]] = field(default_factory=list)
    heads: list[str] = field(default_factory=list)
    port: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = next(int(line.split(":")[1]) for line in head.splitlines() if line.lower().startswith("content-length"))
        self.heads.append(head)
        self.bodies.append(json.loads(await reader.readexactly(length)))
        status, body, more = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if status:
            writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n{more}\r\n".encode() + body)
            await writer.drain()
        writer.close()


def said(text: str | None, **more: object) -> bytes:
    message = {"role": "assistant", "content": text, **more}
    usage = {"prompt_tokens": 900, "completion_tokens": 30, "prompt_tokens_details": {"cached_tokens": 600}, "total_tokens": 930}
    return json.dumps(
        {"id": "x", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}], "usage": usage}
    ).encode()


@asynccontextmanager
async def serving(*answers: tuple[int, bytes, str]) -> AsyncGenerator[Server]:
    server = Server(list(answers))
    listening = await asyncio.start_server(server.serve, "127.0.0.1", limit=1 << 25)
    server.port = listening.sockets[0].getsockname()[1]
    async with listening:
        yield server

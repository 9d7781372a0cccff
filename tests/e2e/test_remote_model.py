"""A model behind an OpenAI-compatible server: the same adapters, through the egress broker, with retries; never when offline."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.chat_server import HOLO, Server, said, serving

from edgeagent.action import parse
from edgeagent.engine import open_model, remote, remote_family
from edgeagent.engine.conversation import Speaker
from edgeagent.engine.tagging import Tags
from edgeagent.errors import ContextFull, EngineError, EnvironmentProblem, UsageError
from edgeagent.history import History
from edgeagent.ports import Prompt, Reply
from edgeagent.remote_names import remote_name
from edgeagent.screen import Screen
from edgeagent_harness.protocol.actions import Click
from edgeagent_harness.protocol.audit import Connection
from edgeagent_harness.protocol.frames import FrameInfo

SIZE = (1000, 700)


def screen() -> Screen:
    pixels = np.zeros((SIZE[1], SIZE[0], 4), np.uint8)
    pixels[:, : SIZE[0] // 2, 2] = 255  # the left half red, the rest black
    return Screen(FrameInfo(1, *SIZE, 0), pixels.tobytes())


async def ask(
    server: Server, family: str = "holo", entries: list[Connection] | None = None, tags: Tags | None = None, times: int = 1
) -> Reply:
    name = f"openai:http://127.0.0.1:{server.port}#holo-3"
    heard = entries.append if entries is not None else lambda _: None
    async with open_model(name, "", 7, lambda _: None, family, audited=heard, tags=tags) as model:
        replies = [await model.complete(Prompt("click it", screen(), History("click it"))) for _ in range(times)]
    return replies[-1]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "MAX_WAIT_S", 0.05)


async def test_asked_in_the_familys_form_and_understood() -> None:
    entries: list[Connection] = []
    async with serving((200, said(HOLO), "")) as server:
        reply = await ask(server, entries=entries)
    click = parse(reply, screen().info).action
    assert isinstance(click, Click)
    assert (click.point.x, click.point.y) == pytest.approx((249.75, 349.5))
    assert (reply.usage.prompt_tokens, reply.usage.cached_tokens, reply.usage.output_tokens) == (900, 600, 30)
    (body,) = server.bodies
    assert (body["model"], body["seed"]) == ("holo-3", 7)
    assert "POST /v1/chat/completions" in server.heads[0]
    listed = [(entry.client, entry.decision, entry.host, entry.port) for entry in entries]
    assert listed == [("app", "allowed", "127.0.0.1", server.port)]


async def test_the_picture_is_resized_here_and_sent_as_png() -> None:
    async with serving((200, said(HOLO), "")) as server:
        await ask(server)
    parts = [part for message in server.bodies[0]["messages"] for part in message["content"] if isinstance(part, dict)]  # type: ignore[attr-defined]
    (address,) = [part["image_url"]["url"] for part in parts if part["type"] == "image_url"]
    picture = Image.open(io.BytesIO(base64.b64decode(address.removeprefix("data:image/png;base64,"))))
    view = Speaker(remote_family("openai:http://x#holo", ""), 32).view(screen())
    assert picture.size == (view.sent_width, view.sent_height)
    assert picture.size != SIZE
    assert [picture.getpixel((x, 300)) for x in (10, picture.width - 10)] == [(255, 0, 0), (0, 0, 0)]


async def test_a_call_that_the_server_took_out_is_read() -> None:
    function = {"name": "click", "arguments": '{"x": 932, "y": 880}'}
    calls = [{"id": "1", "type": "function", "function": function}]
    async with serving((200, said(None, tool_calls=calls), "")) as server:
        reply = await ask(server, "holo-tools")
    assert isinstance(parse(reply, screen().info).action, Click)


@pytest.mark.parametrize("trouble", [(503, b"loading", ""), (429, b"slow", "Retry-After: 1\r\n"), (0, b"", "")])
async def test_what_passes_is_tried_again(trouble: tuple[int, bytes, str]) -> None:
    async with serving(trouble, trouble, (200, said(HOLO), "")) as server:
        assert not (await ask(server)).problem
    assert len(server.bodies) == 3
    assert server.bodies[0] == server.bodies[2]


async def test_a_server_that_stays_away_is_given_up() -> None:
    async with serving((503, b"loading", "")) as server:
        with pytest.raises(EngineError, match=r"answered 503: loading \(4 attempts\)"):
            await ask(server)
    assert len(server.bodies) == remote.ATTEMPTS


async def test_nobody_there() -> None:
    async with serving((200, b"", "")) as server:
        port = server.port
    with pytest.raises(EngineError, match=rf"127\.0\.0\.1:{port}.*4 attempts"):
        await ask(Server([], port=port))


@pytest.mark.parametrize(
    ("answer", "error", "said"),
    [
        ((401, b"who are you", ""), EngineError, "answered 401: who are you"),
        ((400, b"maximum context length is 100", ""), ContextFull, "context length"),
        ((200, b"<html>", ""), EngineError, "no chat completion"),
        ((200, b" " * (5 << 20), ""), EngineError, "more than 4 MiB"),
    ],
)
async def test_what_does_not_pass_is_told_at_once(answer: tuple[int, bytes, str], error: type[Exception], said: str) -> None:
    async with serving(answer) as server:
        with pytest.raises(error, match=said):
            await ask(server)
        assert len(server.bodies) <= 2  # a full context is tried once more, without older screenshots


async def test_an_answer_without_words_is_no_action() -> None:
    async with serving((200, b'{"choices": []}', "")) as server:
        assert (await ask(server)).problem


async def test_the_key_is_sent_and_only_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEAGENT_OPENAI_KEY", "k-1")
    async with serving((200, said(HOLO), "")) as server:
        await ask(server)
    assert "authorization: bearer k-1" in server.heads[0].lower()
    assert "k-1" not in json.dumps(server.bodies)


async def test_no_other_place_is_reached() -> None:
    """A server that sends one elsewhere is not followed, and elsewhere could not be reached."""
    async with serving((200, said(HOLO), "")) as elsewhere:
        moved = (307, b"", f"Location: http://127.0.0.1:{elsewhere.port}/v1/chat/completions\r\n")
        async with serving(moved) as server:
            with pytest.raises(EngineError, match="answered 307"):
                await ask(server)
        assert elsewhere.bodies == []


async def test_a_proxy_in_the_environment_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with serving((200, said(HOLO), "")) as server:
        assert not (await ask(server)).problem


async def test_stopping_ends_the_request() -> None:
    waiting, gone = asyncio.Event(), asyncio.Event()

    async def never(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        waiting.set()
        while await reader.read(65536):
            pass
        gone.set()
        writer.close()

    listening = await asyncio.start_server(never, "127.0.0.1", limit=1 << 25)
    async with listening:
        asking = asyncio.create_task(ask(Server([], port=listening.sockets[0].getsockname()[1])))
        await asyncio.wait_for(waiting.wait(), 15)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await asyncio.wait_for(gone.wait(), 15)


@pytest.mark.parametrize(
    "text",
    [
        "openai:",
        "openai:http://h",
        "openai:ftp://h#m",
        "openai:http://u:p@h/v1#m",
        "openai:http://h:99999#m",
        "openai:http://[x#m",
    ],
)
def test_names_that_are_none(text: str) -> None:
    with pytest.raises(UsageError, match="names no server"):
        remote_name(text)


def test_names() -> None:
    assert remote_name("openai:http://127.0.0.1:8080#m").url == "http://127.0.0.1:8080/v1"
    assert remote_name("openai:https://h.example/api/v3/#org/m").url == "https://h.example/api/v3"
    assert "NOT encrypted" in remote_name("openai:http://h.example#m").notice()
    assert "every screenshot" in remote_name("openai:https://h.example#m").notice()
    assert "NOT encrypted" not in remote_name("openai:https://h.example#m").notice()
    assert remote_family("openai:http://h#Hcompany/Holo-3.1-4B", "").name == "holo"
    assert remote_family("openai:http://h#unknown", "").name == "generic"
    assert remote_family("openai:http://h#ui-tars-1.5", "").name == "ui-tars-1.5"
    assert remote_family("openai:http://h#unknown", "gta1").name == "gta1"


async def test_not_in_offline_mode(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(what: str) -> None:
        raise EnvironmentProblem(f"{what} needs the network")

    from edgeagent import egress

    monkeypatch.setattr(egress.offline, "require_network", refuse)
    async with serving((200, said(HOLO), "")) as server:
        with pytest.raises(EnvironmentProblem):
            await ask(server)
        assert server.heads == []


def test_the_command_line_refuses_it_offline_and_says_what_leaves(tmp_path: Path) -> None:
    environment = {**os.environ, "EDGEAGENT_HOME": str(tmp_path)}
    name = "openai:http://127.0.0.1:9#m"

    def edgeagent(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "edgeagent", *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=environment)

    offline = edgeagent("run", "click it", "--model", name, "--offline")
    assert (offline.returncode, "needs the network" in offline.stderr) == (3, True), offline.stderr
    told = edgeagent("models", "calibrate", name, "--targets", "4")
    assert "every screenshot of this session go to 127.0.0.1:9 (model 'm'), NOT encrypted" in told.stderr
    assert (told.returncode, "4 attempts" in told.stderr) == (3, True), told.stderr


async def test_a_whole_run_with_its_connections_in_the_audit(tmp_path: Path) -> None:
    """A real sandbox, a model elsewhere: it answers, and what was sent where stands in the session's audit."""
    answer = '{"note": null, "thought": "t", "tool_call": {"tool_name": "answer", "content": "42"}}'
    environment = {**os.environ, "EDGEAGENT_HOME": str(tmp_path)}
    async with serving((200, said(answer), "")) as server:
        name = f"openai:http://127.0.0.1:{server.port}#holo"
        command = [
            sys.executable,
            "-m",
            "edgeagent",
            "run",
            "what is it?",
            "--model",
            name,
            "--app",
            "mousepad",
            "--output",
            "json",
        ]
        process = await asyncio.create_subprocess_exec(
            *command, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        out, err = await asyncio.wait_for(process.communicate(), 90)
    assert process.returncode == 0, (out.decode(), err.decode())
    result = json.loads(out.decode().strip().splitlines()[-1])
    assert (result["outcome"], result["answer"]) == ("done", "42")
    assert "every screenshot of this session" in err.decode()
    (log,) = (tmp_path / "sessions").glob("*/audit.jsonl")
    entries = [json.loads(line) for line in log.read_text().splitlines()]
    connections = [entry for entry in entries if f'"port":{server.port}' in json.dumps(entry, separators=(",", ":"))]
    assert len(connections) == 1
    assert '"client":"app"' in json.dumps(connections[0], separators=(",", ":"))


async def test_a_server_is_told_whose_request_it_is_and_what_will_come_of_it() -> None:
    tags = Tags.of("acme", "20261121-201308-3ec838")
    async with serving((200, said(HOLO), "")) as server:
        await ask(server, tags=tags, times=2)
        await ask(server)
    hints = {"priority": 5, "osl": server.bodies[0]["max_tokens"], "speculative_prefill": True}
    assert [body.get("nvext") for body in server.bodies] == [{"agent_hints": hints}, {"agent_hints": hints}, None]
    named = [f"x-dynamo-session-id: {tags.session}" in head for head in map(str.lower, server.heads)]
    assert named == [True, True, False]
    assert "20261121" not in "".join(server.heads)
    assert Tags.of("acme", "one") != Tags.of("evil", "one")


@pytest.mark.parametrize("status", [400, 422])
async def test_hints_that_are_refused_are_sent_no_more(status: int) -> None:
    answers = (status, b"Unsupported parameter: nvext", ""), (200, said(HOLO), "")
    async with serving(*answers) as server:
        reply = await ask(server, tags=Tags.of("acme", "one"), times=3)
    assert not reply.problem
    assert ["nvext" in body for body in server.bodies] == [True, False, False, False]
    assert all("x-dynamo-session-id" in head.lower() for head in server.heads)


async def test_what_is_refused_for_another_reason_is_told_as_before() -> None:
    async with serving((400, b"no such sampling", "")) as server:
        with pytest.raises(EngineError, match="answered 400: no such sampling"):
            await ask(server, tags=Tags.of("acme", "one"))
        with pytest.raises(EngineError, match="answered 400: no such sampling"):
            await ask(server)
    assert ["nvext" in body for body in server.bodies] == [True, False, False]

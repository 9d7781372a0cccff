"""What every engine's process does, whatever it holds: serves, refuses clearly, has no network, ends with its app, survives."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest
from support.engines import until_gone, user
from support.tiny_models import TinyModels, picture

from edgeagent.engine.process import EngineKind, EngineProcess
from edgeagent.engine.watchdog import Engine
from edgeagent.errors import EngineError, EngineLost
from edgeagent_harness.protocol.wire import HEADER
from edgeagent_models.protocol import (
    MAX_ENGINE_MESSAGE_BYTES,
    Abort,
    CloseSequence,
    Complete,
    Completed,
    Decide,
    Decided,
    EngineFailed,
    EngineReply,
    EngineRequest,
    Health,
    Healthy,
    Load,
    Loaded,
    Ok,
    OpenSequence,
    Sampling,
)

TASK = "Press the button named OK."


@dataclass(frozen=True)
class Case:
    """One engine, what it loads, and a question that it can answer."""

    kind: EngineKind
    load: Load

    def question(self, sequence: str) -> EngineRequest:
        if self.kind == "llama":
            return Complete(0, sequence, (user(TASK, picture(5), "Now?"),), Sampling(max_tokens=12))
        return Decide(0, sequence, TASK, picture(5, 640, 400))


@pytest.fixture(
    params=[
        pytest.param("dense", marks=pytest.mark.llama),
        pytest.param("hybrid", marks=pytest.mark.llama),
        "embedded",
    ]
)  # fmt: skip
def case(request: pytest.FixtureRequest) -> Case:
    if request.param == "embedded":
        return Case("embedded", Load(0, max_sequences=2))
    models: TinyModels = request.getfixturevalue("tiny_models")
    return Case("llama", Load(0, str(models.named(request.param)), str(models.mmproj), context_tokens=1024, max_sequences=2))


@pytest.fixture
async def process(case: Case) -> AsyncGenerator[EngineProcess]:
    """An engine's process before anything is loaded."""
    process = await EngineProcess.start(case.kind)
    yield process
    await process.close()


def answer(reply: EngineReply) -> str:
    """The part of an answer that must repeat."""
    return reply.text if isinstance(reply, Completed) else reply.reply_json if isinstance(reply, Decided) else repr(reply)


async def test_serves_sequences_from_load_to_close(case: Case, process: EngineProcess) -> None:
    with pytest.raises(EngineError, match="load"):
        await process.request(case.question("one"))
    loaded = await process.request(case.load)
    assert isinstance(loaded, Loaded)
    assert loaded.name
    assert loaded.fingerprint
    assert loaded.missing_layers == ()
    with pytest.raises(EngineError, match="already"):
        await process.request(case.load)
    with pytest.raises(EngineError, match="one"):
        await process.request(case.question("one"))
    await process.request(OpenSequence(0, "one"))
    with pytest.raises(EngineError, match="one"):
        await process.request(OpenSequence(0, "one"))
    await process.request(OpenSequence(0, "two"))
    replies = await asyncio.gather(process.request(case.question("one")), process.request(case.question("two")))
    assert answer(replies[0]) == answer(replies[1])
    health = await process.request(Health(0))
    assert isinstance(health, Healthy)
    assert (health.sequences, health.busy) == (2, False)
    assert health.rss_bytes > 10_000_000
    assert isinstance(await process.request(CloseSequence(0, "one")), Ok)
    with pytest.raises(EngineError, match="one"):
        await process.request(case.question("one"))
    with pytest.raises(EngineError, match="one"):
        await process.request(CloseSequence(0, "one"))


async def test_refuses_what_the_other_engine_does(case: Case, process: EngineProcess) -> None:
    await process.request(case.load)
    await process.request(OpenSequence(0, "one"))
    other = Decide(0, "one", TASK, picture(5)) if case.kind == "llama" else Complete(0, "one", (user(TASK),))
    with pytest.raises(EngineError, match="cannot"):
        await process.request(other)
    assert isinstance(await process.request(Abort(0, 4711)), Ok)


async def test_health_is_answered_in_mid_work(case: Case, process: EngineProcess) -> None:
    await process.request(case.load)
    await process.request(OpenSequence(0, "one"))
    work = [asyncio.create_task(process.request(case.question("one"))) for _ in range(3)]
    await asyncio.sleep(0)
    health = await process.request(Health(0))
    assert isinstance(health, Healthy)
    assert health.busy
    await asyncio.gather(*work)


async def test_has_no_network_and_no_way_to_privileges(case: Case, process: EngineProcess) -> None:
    await process.request(case.load)
    proc = Path(f"/proc/{process.pid}")
    assert os.readlink(proc / "ns/net") != os.readlink("/proc/self/ns/net")
    interfaces = [line.split(":")[0].strip() for line in (proc / "net/dev").read_text().splitlines()[2:]]
    assert interfaces == ["lo"]
    status = (proc / "status").read_text()
    assert "NoNewPrivs:\t1" in status
    assert "Seccomp:\t2" in status


async def test_a_request_that_is_none_is_refused_and_the_next_one_served(case: Case) -> None:
    with raw_engine(case.kind) as (process, connection):
        for body in (b"\xc1", msgspec.msgpack.encode({"type": "explode", "id": 7}), msgspec.msgpack.encode([1, 2])):
            send(connection, HEADER.pack(len(body)) + body)
            failed = receive(connection)
            assert isinstance(failed, EngineFailed)
            assert failed.code == "usage"
        assert failed.id == 0
        body = msgspec.msgpack.encode(Health(9))
        send(connection, HEADER.pack(len(body)) + body)
        assert isinstance(receive(connection), Healthy)
        connection.close()
        assert process.wait(10) == 0


async def test_an_oversize_message_closes_the_connection(case: Case) -> None:
    with raw_engine(case.kind) as (process, connection):
        send(connection, HEADER.pack(MAX_ENGINE_MESSAGE_BYTES + 1))
        failed = receive(connection)
        assert isinstance(failed, EngineFailed)
        assert str(MAX_ENGINE_MESSAGE_BYTES + 1) in failed.message
        assert process.wait(10) == 0


async def test_a_request_too_large_to_send_is_an_error_of_its_own(case: Case, process: EngineProcess) -> None:
    await process.request(case.load)
    huge = msgspec.structs.replace(picture(5), pixels=bytes(MAX_ENGINE_MESSAGE_BYTES))
    with pytest.raises(EngineError, match="too large"):
        await process.request(Decide(0, "one", TASK, huge))
    assert isinstance(await process.request(Health(0)), Healthy)


def test_ends_when_its_app_is_killed(case: Case) -> None:
    script = (
        "import asyncio, sys\n"
        "from edgeagent.engine.process import EngineProcess\n"
        "async def main():\n"
        f"    process = await EngineProcess.start({case.kind!r})\n"
        "    print(process.pid, flush=True)\n"
        "    await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    app = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    assert app.stdout is not None
    engine_pid = int(app.stdout.readline())
    app.kill()
    app.wait()
    app.stdout.close()
    until_gone(engine_pid)


@pytest.mark.parametrize("deadly", [signal.SIGSEGV, signal.SIGKILL])
async def test_a_death_in_mid_request_is_not_noticed_by_who_asked(case: Case, deadly: signal.Signals) -> None:
    reasons: list[str] = []
    engine = Engine(case.kind, case.load, reasons.append)
    await engine.start()
    try:
        await engine.open_sequence("one")
        expected = answer(await engine.request(case.question("one")))
        first_pid = engine.pid
        question = asyncio.create_task(engine.request(case.question("one")))
        await asyncio.sleep(0)
        os.kill(first_pid, deadly)
        assert answer(await question) == expected
        assert engine.pid != first_pid
        assert [deadly.name in reason for reason in reasons] == [True]
        assert answer(await engine.request(case.question("one"))) == expected
    finally:
        await engine.close()


async def test_an_engine_that_dies_again_and_again_stays_dead(case: Case) -> None:
    engine = Engine(case.kind, case.load, lambda _: None)
    await engine.start()

    async def kill_and_ask() -> None:
        os.kill(engine.pid, signal.SIGKILL)
        await engine.request(Health(0))

    try:
        for _ in range(3):
            await kill_and_ask()
        with pytest.raises(EngineLost, match="3 times"):
            await kill_and_ask()
    finally:
        await engine.close()


class raw_engine:
    """A spawned engine and our end of its socket, without a client."""

    def __init__(self, kind: EngineKind) -> None:
        self._kind = kind

    def __enter__(self) -> tuple[subprocess.Popen[bytes], socket.socket]:
        ours, theirs = socket.socketpair()
        with theirs:
            arguments = ["--engine", self._kind, "--fd", str(theirs.fileno())]
            self._process = subprocess.Popen(
                [sys.executable, "-m", "edgeagent_models.serve", *arguments], pass_fds=[theirs.fileno()]
            )  # fmt: skip
        ours.settimeout(20)
        self._socket = ours
        return self._process, ours

    def __exit__(self, *_: object) -> None:
        self._socket.close()
        self._process.kill()
        self._process.wait()


def send(connection: socket.socket, data: bytes) -> None:
    connection.sendall(data)


def receive(connection: socket.socket) -> EngineReply:
    header = connection.recv(HEADER.size, socket.MSG_WAITALL)
    body = connection.recv(HEADER.unpack(header)[0], socket.MSG_WAITALL)
    return msgspec.msgpack.decode(body, type=EngineReply)

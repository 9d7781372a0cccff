"""Whatever a process inside sends or does with its memory, the supervisor answers with an error and goes on."""

from __future__ import annotations

import asyncio
import mmap
import os
import socket
from collections.abc import Callable

import msgspec
import numpy as np
import pytest

from edgeagent_harness.errors import PeerMisbehaved, SandboxGone
from edgeagent_harness.outside import executor as link
from edgeagent_harness.outside.executor import Executor
from edgeagent_harness.outside.seeing.frames import FrameMemory
from edgeagent_harness.protocol import actions
from edgeagent_harness.protocol import executor_wire as wire
from edgeagent_harness.protocol.wire import HEADER, pack

READY = wire.Ready(wire.EXECUTOR_PROTOCOL_VERSION, 64, 48, 7)


def framed(body: bytes) -> bytes:
    return HEADER.pack(len(body)) + body


async def greeted() -> tuple[Executor, socket.socket]:
    ours, theirs = socket.socketpair()
    executor = Executor(ours)
    theirs.sendall(pack(READY))
    await executor.greet(64, 48)
    return executor, theirs


@pytest.mark.parametrize(
    "first",
    [
        pack(wire.Ready(99, 64, 48, 7)),
        pack(wire.Ready(wire.EXECUTOR_PROTOCOL_VERSION, 640, 480, 7)),
        pack(wire.Grabbed(0, 0, 0.0, True)),
        framed(b"\xc1nonsense"),
        HEADER.pack(2**31),
    ],
    ids=["version", "size", "type", "nonsense", "huge"],
)
async def test_an_executor_that_begins_wrongly_is_not_accepted(first: bytes) -> None:
    ours, theirs = socket.socketpair()
    executor = Executor(ours)
    with theirs:
        theirs.sendall(first)
        with pytest.raises(PeerMisbehaved):
            await executor.greet(64, 48)
    await executor.close()


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (lambda _id: framed(b"\xc1nonsense"), PeerMisbehaved),
        (lambda _id: HEADER.pack(wire.MAX_EXECUTOR_MESSAGE_BYTES + 1), PeerMisbehaved),
        (lambda asked: pack(wire.Grabbed(asked + 1000, 0, 0.0, True)), PeerMisbehaved),
        (lambda asked: pack(wire.HeldNow(asked, (), (), 0, 0)), PeerMisbehaved),
        (lambda _id: pack(READY), PeerMisbehaved),
        (lambda asked: framed(msgspec.msgpack.encode({"type": "grabbed", "id": asked, "extra": 1})), PeerMisbehaved),
        (lambda asked: pack(wire.ExecutorFailed(asked, "the display failed")), SandboxGone),
    ],
    ids=["nonsense", "huge", "other id", "other type", "again ready", "unknown field", "failed"],
)
async def test_a_wrong_answer_ends_the_request(answer: Callable[[int], bytes], error: type[Exception]) -> None:
    executor, theirs = await greeted()
    with theirs:
        asking = asyncio.create_task(executor.grab())
        await asyncio.sleep(0)
        theirs.sendall(answer(1))
        with pytest.raises(error):
            await asyncio.wait_for(asking, 5)
    await executor.close()


async def test_silence_is_an_error_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "_ACTION_TIMEOUT_S", 0.05)
    executor, theirs = await greeted()
    with theirs, pytest.raises(PeerMisbehaved, match="did not answer Do"):
        await executor.do(actions.Key(("a",)), None)
    await executor.close()


async def test_closing_the_socket_fails_whatever_is_asked() -> None:
    executor, theirs = await greeted()
    asking = asyncio.create_task(executor.grab())
    await asyncio.sleep(0)
    theirs.close()
    for request in (asking, executor.grab()):
        with pytest.raises(SandboxGone):
            await request
    await executor.close()


def test_the_inner_memory_cannot_be_resized_and_the_outer_not_written() -> None:
    frames = FrameMemory(64, 48)
    for fd in (frames.inner.fd, frames.outer.fd):
        for size in (0, 1 << 20):
            with pytest.raises(PermissionError):
                os.ftruncate(fd, size)
    with pytest.raises(PermissionError):
        os.write(frames.outer.fd, b"x")
    with pytest.raises(PermissionError):
        mmap.mmap(frames.outer.fd, 64 * 48 * 4)
    with mmap.mmap(frames.inner.fd, 64 * 48 * 4) as writable:
        writable[:4] = b"abcd"
        taken = frames.snapshot()
        writable[:4] = b"efgh"
    assert bytes(taken[0, 0]) == b"abcd"
    info = frames.publish(taken, 5)
    assert (info.seq, info.width, info.height) == (0, 64, 48)
    with mmap.mmap(frames.outer.fd, 64 * 48 * 4, prot=mmap.PROT_READ) as shown:
        assert np.array_equal(np.frombuffer(shown[:], np.uint8).reshape(48, 64, 4), taken)
    frames.close()

"""A hijacked executor or process 1 that speaks the protocol against its rules ends its own session at most: the supervisor says
why, keeps its memory and descriptors, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import math
import os
import socket
from collections.abc import Callable
from pathlib import Path

import msgspec
import psutil
import pytest
from escape import boxes, hijack
from support.processes import survivors, tree

from edgeagent_harness.errors import PeerMisbehaved, SandboxGone
from edgeagent_harness.outside.executor import Executor
from edgeagent_harness.protocol import executor_wire as wire
from edgeagent_harness.protocol import messages
from edgeagent_harness.protocol.actions import Key
from edgeagent_harness.protocol.wire import HEADER, pack

SPEC = messages.DesktopSpec(640, 480)
PERFORM = {"action": Key(("a",)), "settle": messages.SettleSpec("nothing", timeout_ms=200)}
CAP = wire.MAX_EXECUTOR_MESSAGE_BYTES


def did(request_id: int, message: str = "") -> wire.Did:
    return wire.Did(request_id, "", message, "", performed=True, act_ms=1.0)


def framed(body: bytes) -> bytes:
    return HEADER.pack(len(body)) + body


def timed(request_id: int, act_ms: float) -> bytes:
    return msgspec.msgpack.encode(msgspec.structs.replace(did(request_id), act_ms=act_ms))


def bad_text(request_id: int) -> bytes:
    return pack(did(request_id, "abcd")).replace(b"abcd", b"\xff" * 4)


ANSWERS: dict[str, Callable[[int], bytes]] = {
    "nonsense": lambda _: framed(b"\xc1" * 9),
    "an announced gigabyte": lambda _: HEADER.pack(2**30),
    "one byte more than is permitted": lambda _: framed(bytes(CAP + 1)),
    "an answer to nothing": lambda _: pack(did(999_999)),
    "an answer to the future": lambda asked: pack(did(asked + 1)),
    "an answer of another kind": lambda asked: pack(wire.Grabbed(asked, 1, 1.0, changed=True)),
    "a flood of answers": lambda _: pack(wire.Grabbed(1, 1, 1.0, changed=True)) * 20_000,
    "half a message": lambda asked: pack(did(asked))[:9],
    "a deep nest": lambda _: framed(b"\x82\xa1x" + b"\x91" * 200_000),
    "a deep nest of maps": lambda _: framed(b"\x81\xa1x" * 150_000),
    "an announced endless list": lambda _: framed(b"\x84\xa4type\xa8held_now\xa4keys\xdd\xff\xff\xff\xff"),
    "an unknown field": lambda asked: framed(msgspec.msgpack.encode({"type": "did", "id": asked, "extra": 1})),
    "a field twice": lambda asked: framed(b"\x83\xa4type\xa7grabbed\xa2id\x01\xa4type\xa3did"),
    "an endless number": lambda _: framed(b"\x82\xa4type\xa3did\xa2id\xcf" + b"\xff" * 8),
    "a negative number": lambda _: framed(b"\x82\xa4type\xa3did\xa2id\xff"),
    "no number": lambda _: framed(b"\x82\xa4type\xa3did\xa2id\xcb\x7f\xf8" + bytes(6)),
    "a duration that is no number": lambda asked: framed(timed(asked, math.nan)),
    "an endless duration": lambda asked: framed(timed(asked, math.inf)),
    "a negative duration": lambda asked: framed(timed(asked, -1.0)),
    "too long a text": lambda asked: framed(msgspec.msgpack.encode(did(asked, "x" * 2001))),
    "no text": bad_text,
    "no bytes at all": lambda _: framed(b"") * 1000,
}


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
async def test_a_wrong_answer_is_an_error_with_a_reason(answer: Callable[[int], bytes]) -> None:
    executor, theirs = await greeted()
    with theirs:
        asking = asyncio.create_task(executor.do(Key(("a",)), None))
        await asyncio.sleep(0)
        sending = asyncio.create_task(asyncio.to_thread(send_and_end, theirs, answer(1)))
        with pytest.raises((PeerMisbehaved, SandboxGone), match="executor"):
            await asyncio.wait_for(asking, 20)
        await executor.close()
        await sending


async def test_descriptors_are_refused_and_closed() -> None:
    executor, theirs = await greeted()
    before = len(os.listdir("/proc/self/fd"))
    with theirs:
        asking = asyncio.create_task(executor.do(Key(("a",)), None))
        await asyncio.sleep(0)
        socket.send_fds(theirs, [pack(did(1))], [0] * 50)
        with pytest.raises(PeerMisbehaved, match="descriptors"):
            await asyncio.wait_for(asking, 20)
        assert len(os.listdir("/proc/self/fd")) == before
    await executor.close()


async def greeted() -> tuple[Executor, socket.socket]:
    ours, theirs = socket.socketpair()
    executor = Executor(ours)
    theirs.sendall(pack(wire.Ready(wire.EXECUTOR_PROTOCOL_VERSION, 64, 48, 7)))
    await executor.greet(64, 48)
    return executor, theirs


def send_and_end(sock: socket.socket, data: bytes) -> None:
    try:
        sock.sendall(data)
        sock.shutdown(socket.SHUT_WR)
    except OSError:  # the other side has had enough of it
        return


# -- the same against a whole supervisor ------------------------------------------------------------------------------------

EXECUTOR = """
import os, socket, sys
from edgeagent_harness.inside import executor_real as real
from edgeagent_harness.protocol import executor_wire as wire
from edgeagent_harness.protocol.wire import HEADER
honest = real.Executor._answer
def answer(self, request):
    sock = self._channel._socket
    if isinstance(request, wire.Do):
        ATTACK
    else:
        honest(self, request)
real.Executor._answer = answer
sys.exit(real.main())
"""
INIT = """
import socket, sys
from edgeagent_harness.inside import init_real as real
from edgeagent_harness.protocol.wire import HEADER
def spawn(self, request, fds):
    sock = self._control
    ATTACK
real.Init._spawn = spawn
sys.exit(real.main())
"""
FLOOD = "[socket.send_fds(sock, [byte.to_bytes()], [0] * 200) for byte in HEADER.pack(400) + bytes(300)]"
NO_TEXT = "sock.sendall(HEADER.pack(13) + b'\\x82\\xa4type\\xa3did\\xa1\\xff\\x01')"
WHOLE = {
    "executor: a flood of descriptors": ("executor", FLOOD),
    "executor: no text": ("executor", NO_TEXT),
    "executor: its end": ("executor", "os._exit(0)"),
    "init: a flood of descriptors": ("init", FLOOD),
    "init: no text": ("init", NO_TEXT),
    "init: its end": ("init", "sock.shutdown(socket.SHUT_RDWR)"),
}


@pytest.fixture
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Reachable for the user that the sandbox runs as."""
    path = tmp_path_factory.mktemp("hostile")
    for place in (path, *path.parents[:2]):
        place.chmod(0o755)
    return path


@pytest.mark.sandbox
@pytest.mark.parametrize(("module", "attack"), WHOLE.values(), ids=WHOLE)
def test_the_session_ends_and_nothing_else_does(scratch: Path, module: str, attack: str) -> None:
    code = {"executor": EXECUTOR, "init": INIT}[module].replace("ATTACK", attack)
    with boxes.supervisor(hijack.make(scratch / "inside", module, code)) as box:
        box.start(SPEC)
        processes = tree(box.process.pid)
        before = psutil.Process(box.process.pid).memory_info().rss
        if module == "executor":
            box.ask(messages.Perform, messages.Failed, **PERFORM)
        else:
            application = messages.Application(("true",), wait_window=False)
            box.ask(messages.Launch, messages.Failed, application=application)
        assert box.next_notice(messages.DesktopLost).reason
        assert psutil.Process(box.process.pid).memory_info().rss - before < 50 << 20
        box.close()
        assert box.process.returncode == 0
        assert not survivors(processes)

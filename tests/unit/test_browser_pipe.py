"""The debugging pipe's framing holds against split, stray, oversized and missing messages."""

import asyncio
import json
import socket
from collections.abc import Iterator

import pytest

from edgeagent.desktop import browser_pipe
from edgeagent.desktop.browser_pipe import BrowserPipe
from edgeagent.errors import DesktopError, DesktopLost


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def send(sock: socket.socket, **message: object) -> None:
    sock.sendall(json.dumps(message).encode() + b"\0")


async def test_reply_among_other_messages(ends: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = ends
    send(theirs, method="Target.created", params={})
    send(theirs, id=1, result={"result": {"value": [True, 0.5]}})
    assert await BrowserPipe(ours).evaluate("[1]") == [True, 0.5]
    assert json.loads(theirs.recv(4096).rstrip(b"\0"))["method"] == "Runtime.evaluate"


async def test_reply_in_pieces(ends: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = ends
    call = asyncio.create_task(BrowserPipe(ours).call("Page.navigate", url="x"))
    for piece in (b'{"id": 1, "res', b'ult": {"frameId": "f"', b"}}\0"):
        theirs.sendall(piece)
        await asyncio.sleep(0.01)
    assert await call == {"frameId": "f"}


async def test_refusal_and_exception_are_told(ends: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = ends
    pipe = BrowserPipe(ours)
    send(theirs, id=1, error={"message": "no such target"})
    send(theirs, id=2, result={"result": {}, "exceptionDetails": {"text": "Uncaught"}})
    with pytest.raises(DesktopError, match="no such target"):
        await pipe.call("Target.attachToTarget")
    with pytest.raises(DesktopError, match="Uncaught"):
        await pipe.evaluate("x")


async def test_silence_end_and_excess_are_a_lost_desktop(
    ends: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = ends
    pipe = BrowserPipe(ours)
    with pytest.raises(DesktopLost, match=r"within 0\.05 s"):
        await pipe.call("Page.enable", timeout_s=0.05)
    monkeypatch.setattr(browser_pipe, "MAX_MESSAGE_BYTES", 100)
    theirs.sendall(b"x" * 200)
    with pytest.raises(DesktopLost, match="too long"):
        await pipe.call("Page.enable")
    theirs.close()
    with pytest.raises(DesktopLost):
        await BrowserPipe(ours).call("Page.enable")

"""A process that ends while the prober looks at it, at any moment, has ended; one that cannot be read is told."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import pytest

from edgeagent.prove import looking
from edgeagent.prove.looking import look
from edgeagent.prove.sockets import UNSEEN


@contextmanager
def ending(child: subprocess.Popen[bytes], after_calls: int) -> Generator[list[int]]:
    """Meanwhile ``child`` is ended and buried when so many functions of C have been called; yields how many there were."""
    calls = [0]

    def count(_frame: FrameType, event: str, _what: object) -> None:
        if event == "c_call":
            calls[0] += 1
            if calls[0] == after_calls:
                sys.setprofile(None)
                child.kill()
                child.wait()

    sys.setprofile(count)
    try:
        yield calls
    finally:
        sys.setprofile(None)


def test_a_process_that_ends_at_any_moment() -> None:
    at = 0
    while True:
        at += 1
        with subprocess.Popen(["sleep", "60"], stdin=subprocess.PIPE) as child:
            wait_for_program(child.pid)
            with ending(child, at) as calls:
                found = look(child.pid, 0)
            child.kill()
        if calls[0] < at:  # it was looked at to the end
            assert found is not None
            assert found.name == "sleep"
            assert not found.unreadable
            break
    assert at > 50


def wait_for_program(pid: int) -> None:
    while b"sleep" not in Path(f"/proc/{pid}/cmdline").read_bytes():
        time.sleep(0.001)


def test_a_descriptor_whose_name_is_too_long_to_be_told(tmp_path: Path) -> None:
    """An application can make one; it must not end the prober."""
    before = os.getcwd()
    os.chdir(tmp_path)
    try:
        for _ in range(20):
            os.mkdir("d" * 250)
            os.chdir("d" * 250)
        with open("file", "w") as stream:
            os.chdir(before)
            found = look(os.getpid(), 0)
            stream.flush()
    finally:
        os.chdir(before)
    assert found is not None
    assert "too long" in found.unreadable


def test_who_is_at_the_other_end(tmp_path: Path) -> None:
    """The kernel does not say who reads the datagrams of a named socket (a log): that must not look like nobody."""
    name = str(tmp_path / "log")
    one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    idle, log, writer = (socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) for _ in range(3))
    os.mkfifo(tmp_path / "pipe")
    pipe = os.open(tmp_path / "pipe", os.O_RDWR)
    with one, other, idle, log, writer:
        log.bind(name)
        writer.connect(name)
        found = look(os.getpid(), 0)
        assert found is not None
        peers = {held.fd: held.peer for held in found.sockets}
        expected = {one: os.getpid(), other: os.getpid(), idle: 0, log: 0, writer: UNSEEN}
        assert {sock.fileno(): peers[sock.fileno()] for sock in expected} == {
            sock.fileno(): pid for sock, pid in expected.items()
        }
    os.close(pipe)
    assert f"{pipe}: {tmp_path}/pipe" in found.odd


def test_nobody() -> None:
    with pytest.raises(ProcessLookupError):
        os.kill(2**22, 0)
    assert look(2**22, 0) is None
    assert looking.descendants(2**22) == []

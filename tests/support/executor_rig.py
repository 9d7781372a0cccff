"""A private X server with a real executor on it, under the filter that it has in a sandbox, for tests that need no sandbox."""

from __future__ import annotations

import contextlib
import mmap
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import msgspec

from edgeagent_harness.inside import tighten
from edgeagent_harness.outside.containment import seccomp
from edgeagent_harness.protocol import executor_wire as wire
from edgeagent_harness.protocol.actions import Action
from edgeagent_harness.protocol.frames import BYTES_PER_PIXEL
from edgeagent_harness.protocol.geometry import Rect
from edgeagent_harness.protocol.wire import HEADER, body_length, pack

WIDTH, HEIGHT = 800, 600


class ExecutorRig:
    """Speaks `executor_wire` with one executor, as the supervisor does."""

    def __init__(self, sock: socket.socket, frame: mmap.mmap, width: int, height: int) -> None:
        self._socket = sock
        self._frame = frame
        self._decoder = msgspec.msgpack.Decoder[wire.ExecutorReply](wire.ExecutorReply)
        self._next_id = 0
        self.width = width
        self.height = height
        sock.settimeout(20)

    def read(self) -> wire.ExecutorReply:
        """The next reply."""
        header = self._exactly(HEADER.size)
        return self._decoder.decode(self._exactly(body_length(header)))

    def _exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            part = self._socket.recv(count - len(data))
            if not part:
                raise EOFError("the executor closed its socket")
            data += part
        return data

    def send(self, message: wire.ExecutorRequest) -> None:
        self._socket.sendall(pack(message, wire.MAX_EXECUTOR_MESSAGE_BYTES))

    def send_raw(self, data: bytes) -> None:
        self._socket.sendall(data)

    def new_id(self) -> int:
        self._next_id += 1
        return self._next_id

    def grab(self) -> bytes:
        """The screen now, ``(height, width, 4)`` BGRX."""
        self.send(wire.Grab(self.new_id()))
        reply = self.read()
        assert isinstance(reply, wire.Grabbed), reply
        return self._frame[:]

    def pixels(self, region: Rect) -> bytes:
        frame = self.grab()
        stride = self.width * BYTES_PER_PIXEL
        left, right = region.left * BYTES_PER_PIXEL, region.right * BYTES_PER_PIXEL
        return b"".join(frame[y * stride + left : y * stride + right] for y in range(region.top, region.bottom))

    def seen(self, region: Rect) -> wire.SeenRegion:
        """A guard on ``region`` as it looks now."""
        return wire.SeenRegion(region, wire.pixel_digest(self.pixels(region)))

    def start(self, action: Action, seen: wire.SeenRegion | None = None) -> int:
        """Begin ``action`` without waiting; returns its id."""
        request_id = self.new_id()
        self.send(wire.Do(request_id, action, seen))
        return request_id

    def do(self, action: Action, seen: wire.SeenRegion | None = None) -> wire.Did:
        request_id = self.start(action, seen)
        reply = self.read()
        assert isinstance(reply, wire.Did), reply
        assert reply.id == request_id
        return reply

    def held(self) -> wire.HeldNow:
        self.send(wire.Held(self.new_id()))
        reply = self.read()
        assert isinstance(reply, wire.HeldNow), reply
        return reply

    def wait_until_drawn(self, timeout_s: float = 20.0) -> None:
        """Wait until something was drawn and then nothing for 400 ms."""
        end = time.monotonic() + timeout_s
        last, since = self.grab(), time.monotonic()
        while time.monotonic() < end:
            time.sleep(0.03)
            frame = self.grab()
            if frame != last:
                last, since = frame, time.monotonic()
            elif any(frame) and time.monotonic() - since > 0.4:
                return
        raise TimeoutError("nothing was drawn, or it never came to rest")


@contextlib.contextmanager
def x_server(width: int = WIDTH, height: int = HEIGHT) -> Iterator[str]:
    """A private Xvfb; yields its display name."""
    read_end, write_end = os.pipe()
    argv = ["Xvfb", "-displayfd", str(write_end), "-screen", "0", f"{width}x{height}x24", "-nolisten", "tcp", "-noreset", "-ac"]
    process = subprocess.Popen(argv, pass_fds=[write_end], stderr=subprocess.DEVNULL)
    os.close(write_end)
    try:
        with open(read_end) as stream:
            yield f":{stream.readline().strip()}"
    finally:
        process.terminate()
        process.wait(10)


@contextlib.contextmanager
def client(argv: list[str], display: str, home: Path, **extra: str) -> Iterator[subprocess.Popen[bytes]]:
    """A program on ``display``, ended afterwards."""
    environment = {**os.environ, "DISPLAY": display, "HOME": str(home), "XDG_CONFIG_HOME": str(home / ".config"), **extra}
    log = (home / f"{Path(argv[0]).name}.log").open("wb")
    process = subprocess.Popen(argv, env=environment, stdout=log, stderr=log)
    try:
        yield process
    finally:
        log.close()
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(5)


def window_manager(display: str, home: Path) -> contextlib.AbstractContextManager[subprocess.Popen[bytes]]:
    """openbox, set up as in the sandbox."""
    config = files("edgeagent_harness.inside") / "openbox.xml"
    return client(["openbox", "--sm-disable", "--config-file", str(config)], display, home)


@contextlib.contextmanager
def executor(display: str, width: int = WIDTH, height: int = HEIGHT) -> Iterator[ExecutorRig]:
    """A real executor process on ``display``."""
    size = width * height * BYTES_PER_PIXEL
    frame_fd = os.memfd_create("frame")
    os.ftruncate(frame_fd, size)
    ours, theirs = socket.socketpair()
    argv = [sys.executable, "-m", "edgeagent_harness.inside.executor", "--control-fd", str(theirs.fileno())]
    argv += ["--frame-fd", str(frame_fd), "--width", str(width), "--height", str(height)]
    filter_fd = os.memfd_create("filter")
    os.write(filter_fd, seccomp.executor_program())
    environment = {**os.environ, "DISPLAY": display, tighten.EXECUTOR_FILTER_ENV: str(filter_fd)}
    process = subprocess.Popen(argv, pass_fds=[theirs.fileno(), frame_fd, filter_fd], env=environment)
    theirs.close()
    os.close(filter_fd)
    with ours, mmap.mmap(frame_fd, size) as frame:
        os.close(frame_fd)
        rig = ExecutorRig(ours, frame, width, height)
        ready = rig.read()
        assert isinstance(ready, wire.Ready), ready
        rig.send(wire.Begin())
        try:
            yield rig
        finally:
            ours.close()
            process.wait(10)

"""Pictures of a monitor from PipeWire, by the GStreamer that distributions ship, as a process of its own."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import io
import os
import re
import shutil
import signal
import subprocess
import threading
import time
from typing import NamedTuple

from edgeagent_harness.errors import EnvironmentLacks
from edgeagent_harness.host.portal.probe import MEND
from edgeagent_harness.inside.errors import ScreenError
from edgeagent_harness.protocol.frames import BYTES_PER_PIXEL

_LAUNCH, _INSPECT = "gst-launch-1.0", "gst-inspect-1.0"
_ELEMENTS = {"pipewiresrc": "gstreamer1.0-pipewire", "videoconvert": "gstreamer1.0-plugins-base"}
"""What is used beyond GStreamer's core, and the Debian package that has it."""
_CAPS = re.compile(rb"GstFdSink:out\.GstPad:sink: caps = video/x-raw.*?width=\(int\)(\d+), height=\(int\)(\d+)")
_FIRST_TIMEOUT_S = 10.0
_PR_SET_PDEATHSIG = 1
_POLL_S = 0.02
_MAX_LOG_BYTES = 1 << 20
_PIPE_BYTES = 1 << 20
_LATEST = ("queue", "leaky=downstream", "max-size-buffers=1", "max-size-bytes=0", "max-size-time=0")
"""A compositor that finds no room for a picture drops it, and may send no other until something changes again."""


class Running(NamedTuple):
    """Pictures that flow."""

    pictures: int
    """The pipe that they come from, one after the other."""
    log: int
    """What GStreamer says: a file in memory."""
    size_px: tuple[int, int]
    process: subprocess.Popen[bytes]


def check_tools() -> None:
    """Raise `EnvironmentLacks`, with the package to install, unless GStreamer can read from PipeWire."""
    if not (shutil.which(_LAUNCH) and shutil.which(_INSPECT)):
        raise _lacks(f"the command {_LAUNCH}", "gstreamer1.0-tools")
    for element, package in _ELEMENTS.items():
        # Not --exists, which finds only what has a version from 1.0 on.
        if subprocess.run([_INSPECT, element], capture_output=True, check=False).returncode:
            raise _lacks(f"GStreamer's {element}", package)


def start(pipewire: int, node: int) -> Running:
    """Have the pictures of ``node`` flow. Closes ``pipewire``. It ends with this process. Raises `EnvironmentLacks`.

    All in one go, as a compositor sends whoever comes later no picture until something changes.
    """
    ours, theirs = os.pipe()
    with contextlib.suppress(OSError):  # a smaller one works too
        fcntl.fcntl(ours, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
    log = os.memfd_create("edgeagent-gstreamer", os.MFD_CLOEXEC)
    argv = [
        _LAUNCH,
        "-v",
        "pipewiresrc",
        f"fd={pipewire}",
        f"path={node}",
        "always-copy=true",
        "!",
        *_LATEST,
        "!",
        "videoconvert",
    ]
    argv += ["!", "video/x-raw,format=BGRx", "!", "fdsink", "name=out", f"fd={theirs}", "sync=false"]
    process = subprocess.Popen(
        argv, pass_fds=(pipewire, theirs), stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=_end_with_us
    )
    os.close(theirs)
    os.close(pipewire)
    end = time.monotonic() + _FIRST_TIMEOUT_S
    while not (sizes := sizes_told(log)) and process.poll() is None and time.monotonic() < end:
        time.sleep(_POLL_S)
    if not sizes:
        process.kill()
        process.wait()
        os.close(ours)
        why = os.pread(log, _MAX_LOG_BYTES, 0).decode(errors="replace").strip()[-500:] or "none came"
        os.close(log)
        raise EnvironmentLacks(f"the desktop's portal let the screen be seen, but PipeWire gives no picture: {why}. {MEND}")
    return Running(ours, log, sizes.pop(), process)


def _end_with_us() -> None:
    """In the child: GStreamer does not end with the session that it reads from."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def sizes_told(log: int) -> set[tuple[int, int]]:
    """Widths and heights that GStreamer says its pictures have or had."""
    return {(int(width), int(height)) for width, height in _CAPS.findall(os.pread(log, _MAX_LOG_BYTES, 0))}


class PortalStream:
    """The latest picture: ``(height, width, 4) uint8`` BGRX."""

    def __init__(self, pictures: int, log: int, size_px: tuple[int, int]) -> None:
        """Go on with what `start` gave, in whatever process."""
        width, height = size_px
        self._size_px = size_px
        self._size_bytes = width * height * BYTES_PER_PIXEL
        self._log = log
        self._news = threading.Condition()
        self._latest: bytes | None = None
        self._ended = False
        threading.Thread(target=self._read, args=(pictures,), name="pictures", daemon=True).start()

    def latest(self) -> bytes:
        """The picture that came last; waits for the first. Raises `ScreenError`."""
        end = time.monotonic() + _FIRST_TIMEOUT_S
        with self._news:
            while self._latest is None and not self._ended:
                if not self._news.wait(end - time.monotonic()):
                    raise ScreenError(f"PipeWire gave no picture within {_FIRST_TIMEOUT_S:g} s")
            if self._ended or self._latest is None:
                raise ScreenError("the screen's stream has ended; was the session closed, or the monitor taken away?")
            if sizes_told(self._log) != {self._size_px}:
                raise ScreenError("the monitor's size or scale has changed; begin anew")
            return self._latest

    def _read(self, pipe: int) -> None:
        with open(pipe, "rb", buffering=0) as file:
            while (picture := _read_whole(file, self._size_bytes)) is not None:
                with self._news:
                    self._latest = picture
                    self._news.notify_all()
        with self._news:
            self._ended = True
            self._news.notify_all()


def _read_whole(file: io.FileIO, size_bytes: int) -> bytes | None:
    """None: the end."""
    picture = bytearray(size_bytes)
    view, got = memoryview(picture), 0
    while got < size_bytes:
        count = file.readinto(view[got:])
        if not count:
            return None
        got += count
    return bytes(picture)


def _lacks(what: str, package: str) -> EnvironmentLacks:
    return EnvironmentLacks(f"host mode on Wayland sees the screen by {what}, which is not here. Install {package}. {MEND}")

"""Two shared memories per desktop: one that the hostile executor writes, one that the app maps read-only."""

from __future__ import annotations

import mmap
import os
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeagent_harness.outside import memory
from edgeagent_harness.protocol.frames import BYTES_PER_PIXEL, FrameInfo

Pixels = NDArray[np.uint8]
"""``(height, width, 4) uint8`` BGRX."""


class SharedFrame:
    """A sealed memfd of one frame, mapped writable here. Its size can never change, so no reader gets SIGBUS."""

    def __init__(self, width: int, height: int, name: str) -> None:
        size = width * height * BYTES_PER_PIXEL
        self.fd = memory.anonymous(name, size)
        self._map = mmap.mmap(self.fd, size)
        self.pixels: Pixels = np.frombuffer(self._map, np.uint8).reshape(height, width, BYTES_PER_PIXEL)

    def seal(self, writable_by_others: bool) -> None:
        """Fix the size; unless ``writable_by_others``, nobody but this process's mapping can write from now on."""
        memory.seal(self.fd, writable_by_others)

    def close(self) -> None:
        os.close(self.fd)
        del self.pixels
        self._map.close()


class FrameMemory:
    """Numbers frames, and copies each out of the executor's reach before anyone looks at it."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.inner = SharedFrame(width, height, "edgeagent-inner-frame")
        self.outer = SharedFrame(width, height, "edgeagent-frame")
        self.inner.seal(writable_by_others=True)
        self.outer.seal(writable_by_others=False)
        self._next_seq = 0

    def snapshot(self) -> Pixels:
        """A private copy of what the executor has written."""
        return self.inner.pixels.copy()

    def publish(self, pixels: Pixels, time_ns: int) -> FrameInfo:
        """Put ``pixels`` where the app reads them, as the next frame."""
        np.copyto(self.outer.pixels, pixels)
        info = FrameInfo(self._next_seq, self.width, self.height, time_ns)
        self._next_seq += 1
        return info

    def close(self) -> None:
        self.inner.close()
        self.outer.close()


@dataclass(frozen=True, slots=True)
class Peeked:
    """What a view shows now."""

    memory: SharedFrame
    info: FrameInfo
    changed: bool


class View:
    """What the app's user sees live: apart from the frames that actions are decided on."""

    def __init__(self, width: int, height: int) -> None:
        self._memory = SharedFrame(width, height, "edgeagent-view")
        self._memory.seal(writable_by_others=False)
        self._shown: Pixels | None = None
        self._info = FrameInfo(0, width, height, 0)

    def put(self, pixels: Pixels, time_ns: int) -> Peeked:
        """Show ``pixels``."""
        changed = pixels is not self._shown
        if changed:
            np.copyto(self._memory.pixels, pixels)
            self._shown = pixels
            self._info = FrameInfo(self._info.seq + 1, self._info.width, self._info.height, time_ns)
        return Peeked(self._memory, self._info, changed)

    def close(self) -> None:
        self._memory.close()


def as_bytes(pixels: NDArray[Any]) -> bytes:
    """The rows of ``pixels`` joined."""
    return np.ascontiguousarray(pixels).tobytes()

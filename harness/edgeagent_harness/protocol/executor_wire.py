"""Messages between the supervisor (trusted) and the executor inside the sandbox (hostile), over an inherited socketpair.

msgpack, tagged by ``type``, framed as in `wire.py`; each end caps what it reads at `MAX_EXECUTOR_MESSAGE_BYTES`. The executor
sends `Ready` first; the supervisor answers `Begin`. From then on each request gets exactly one reply with its ``id``. Requests
are served in order, except that `Cancel`, `ReleaseAll` and `Held` overtake a `Do` under way. A cancelled `Do` is answered by a
`Did` with reason ``cancelled`` after everything held was released. At the socket's end it releases all and exits.

Pixels never travel here: `Grab` writes the whole screen, ``(height, width, 4) uint8`` BGRX, into the memfd that the executor
inherited, and the reply says when.
"""

from __future__ import annotations

import hashlib
from typing import Annotated, TypeAlias

import msgspec

from edgeagent_harness.isolation.canary import Canary, Targets
from edgeagent_harness.protocol.actions import Action
from edgeagent_harness.protocol.effects import RefusalReason
from edgeagent_harness.protocol.frames import BYTES_PER_PIXEL, Side
from edgeagent_harness.protocol.geometry import Point, Rect
from edgeagent_harness.protocol.windows import MAX_BESIDES, MAX_POINTS, MAX_WINDOWS, PlacedWindow, ShortText, WindowFacts

EXECUTOR_PROTOCOL_VERSION = 3
"""Raised whenever a message changes; both ends refuse another number."""
MAX_EXECUTOR_MESSAGE_BYTES = 512 * 1024
DIGEST_BYTES = 16

RequestId = Annotated[int, msgspec.Meta(ge=0, le=2**62)]
TimeNs = Annotated[int, msgspec.Meta(ge=0, le=2**62)]
DurationMs = Annotated[float, msgspec.Meta(ge=0, le=86_400_000)]
"""Neither infinite nor NaN: JSON has neither, so a recording with one could not be read again."""
Digest = Annotated[bytes, msgspec.Meta(min_length=DIGEST_BYTES, max_length=DIGEST_BYTES)]
Note = Annotated[str, msgspec.Meta(max_length=2000)]


def pixel_digest(rows: bytes | bytearray | memoryview) -> bytes:
    """What both ends compare: a digest of a region's BGRX bytes, rows joined without padding; the X byte does not count."""
    pixels = bytearray(rows)
    pixels[BYTES_PER_PIXEL - 1 :: BYTES_PER_PIXEL] = bytes(len(pixels) // BYTES_PER_PIXEL)
    return hashlib.blake2b(pixels, digest_size=DIGEST_BYTES).digest()


class _Message(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type"):
    """Base of all messages."""


class SeenRegion(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Act only if ``region`` of the screen still has the pixels with ``digest`` (see `pixel_digest`)."""

    region: Rect
    digest: Digest


# -- supervisor to executor ---------------------------------------------------------------------------------------------


class Begin(_Message, frozen=True, tag="begin"):
    """The supervisor accepts the executor's `Ready`."""

    version: int = EXECUTOR_PROTOCOL_VERSION


class Grab(_Message, frozen=True, tag="grab"):
    """Capture the whole screen into the memfd."""

    id: RequestId


class Do(_Message, frozen=True, tag="do"):
    """Perform ``action``. With ``seen``, the X server is grabbed, the region compared, and the action's first events (for a
    click: all of them) are sent before the server is released, so that nothing can be drawn in between."""

    id: RequestId
    action: Action
    seen: SeenRegion | None = None
    focus: Annotated[int, msgspec.Meta(ge=0, le=0xFFFF_FFFF)] = 0
    """Id of the window that must have the keyboard from the first event to the last; 0: any."""


class Cancel(_Message, frozen=True, tag="cancel"):
    """Stop the `Do` under way and release everything held."""

    id: RequestId


class ReleaseAll(_Message, frozen=True, tag="release_all"):
    """As `Cancel`, and also release what the X server says is down without our doing."""

    id: RequestId


class Held(_Message, frozen=True, tag="held"):
    """Ask what is held now."""

    id: RequestId


class RunCanary(_Message, frozen=True, tag="run_canary"):
    """Try to reach the prober's listeners."""

    id: RequestId
    targets: Targets


class AskWindows(_Message, frozen=True, tag="ask_windows"):
    """Which window has the keyboard, and which ones lie under ``points``."""

    id: RequestId
    points: Annotated[tuple[Point, ...], msgspec.Meta(max_length=MAX_POINTS)] = ()


class Arrange(_Message, frozen=True, tag="arrange"):
    """Put ``windows`` (by id, the lowest first) where they say; answered with all that there are: none are no order."""

    id: RequestId
    windows: Annotated[tuple[PlacedWindow, ...], msgspec.Meta(max_length=MAX_WINDOWS)] = ()


ExecutorRequest: TypeAlias = Begin | Grab | Do | Cancel | ReleaseAll | Held | RunCanary | AskWindows | Arrange


# -- executor to supervisor ---------------------------------------------------------------------------------------------


class Ready(_Message, frozen=True, tag="ready"):
    """The executor is warm: the display is open, one frame lies in the memfd."""

    version: int
    width: Side
    height: Side
    pid: int
    """In the sandbox's own pid namespace."""


class Grabbed(_Message, frozen=True, tag="grabbed"):
    """A capture is in the memfd."""

    id: RequestId
    time_ns: TimeNs
    """CLOCK_MONOTONIC when the capture began."""
    capture_ms: DurationMs
    changed: bool
    """False: byte for byte the frame of the `Grab` before, and the memfd was not written."""


class Did(_Message, frozen=True, tag="did"):
    """The end of a `Do`. An empty ``reason`` means that all events were sent; what they did is judged from pixels."""

    id: RequestId
    reason: RefusalReason
    message: Note
    output: Annotated[str, msgspec.Meta(max_length=100_000)]
    performed: bool
    """Whether any event was sent."""
    act_ms: DurationMs


class HeldNow(_Message, frozen=True, tag="held_now"):
    """Reply to `Held`, `Cancel` and `ReleaseAll` (then: what had been held)."""

    id: RequestId
    keys: Annotated[tuple[int, ...], msgspec.Meta(max_length=256)]
    """X keycodes that are down."""
    buttons: Annotated[tuple[int, ...], msgspec.Meta(max_length=16)]
    """X buttons that are down."""
    x: int
    y: int


class WindowsTold(_Message, frozen=True, tag="windows_told"):
    """Reply to `AskWindows`; ``at`` has one for each point, None: the bare screen."""

    id: RequestId
    focused: WindowFacts | None
    at: Annotated[tuple[WindowFacts | None, ...], msgspec.Meta(max_length=MAX_POINTS)] = ()


class Arranged(_Message, frozen=True, tag="arranged"):
    """Reply to `Arrange`: each managed window, the lowest first. The window manager may still be at what was asked for."""

    id: RequestId
    windows: Annotated[tuple[PlacedWindow, ...], msgspec.Meta(max_length=MAX_WINDOWS)] = ()
    besides: Annotated[tuple[ShortText, ...], msgspec.Meta(max_length=MAX_BESIDES)] = ()
    """What else there is that ends with the desktop: programs, files outside of the home, the clipboard."""


class ExecutorFailed(_Message, frozen=True, tag="executor_failed"):
    """The request was no valid message, or the display failed."""

    id: RequestId
    message: Note


class CanaryRan(_Message, frozen=True, tag="canary_ran"):
    """How the try to get out went."""

    id: RequestId
    canary: Canary


ExecutorReply: TypeAlias = Ready | Grabbed | Did | HeldNow | CanaryRan | WindowsTold | Arranged | ExecutorFailed

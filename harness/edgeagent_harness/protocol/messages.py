"""Messages between the app and a sandbox's supervisor: msgpack, tagged by ``type``, one reply for each request ``id``.

The first request is `Hello`, the second `Start`. The reply to `Start` carries the read-only frame memfd as ancillary data.
Requests are answered in order except `Cancel`, `ReleaseAll`, `Peek`, `Reload` and `AllowEndpoint`, which overtake a
`Perform` or `Observe` under way.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import msgspec

from edgeagent_harness.isolation.canary import Canary, Targets
from edgeagent_harness.protocol.actions import Action
from edgeagent_harness.protocol.audit import Entry
from edgeagent_harness.protocol.effects import Effect, SettleReport
from edgeagent_harness.protocol.frames import FrameInfo, Side
from edgeagent_harness.protocol.geometry import Point, Rect
from edgeagent_harness.protocol.windows import MAX_BESIDES, MAX_POINTS, MAX_WINDOWS, PlacedWindow, ShortText, WindowFacts

PROTOCOL_VERSION = 6
"""Raised whenever a message changes; both ends refuse another number."""

Argv = Annotated[tuple[str, ...], msgspec.Meta(min_length=1, max_length=256)]
Expectation = Literal["anywhere", "local", "nothing"]


class _Message(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type"):
    """Base of all messages."""


class SettleSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long to wait for the screen, in ms. See ``docs/settling.md``."""

    expect: Expectation = "anywhere"
    """Where a response should show: ``local`` (at the target, a check mark or typed text), ``anywhere`` (a button or a link:
    feedback at the pointer does not count as the response), ``nothing`` (do not wait for a first change)."""
    quiet_ms: int = 80
    """Stillness that counts as settled after the last change."""
    response_ms: int = 1_000
    """How long to wait for a first response where one is expected."""
    timeout_ms: int = 5_000
    """Upper bound on the whole wait."""


class Guard(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Act only if the pixels of ``region`` are still those of frame ``seen_seq``; checked with the X server grabbed."""

    seen_seq: int
    region: Rect


class Application(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Something to start in the sandbox before the first step."""

    argv: Argv
    wait_window: bool = True
    """Wait (bounded) until it has put up a window."""


class HostSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The user's own desktop instead of a sandbox, and which part of it. At most one of the three says the part; none: all."""

    monitor: Annotated[str, msgspec.Meta(max_length=200)] = ""
    """By name, or by number from left to right, counted from 1."""
    window: Annotated[str, msgspec.Meta(max_length=500)] = ""
    """A part of one window's title, in any case: nothing else is seen or touched."""
    region: Rect | None = None
    """In physical pixels of the desktop."""
    border: bool = True
    stop_key: Annotated[str, msgspec.Meta(max_length=64)] = "ctrl+alt+escape"
    """Empty: none; a corner of the desktop stops a session in any case."""


class DesktopSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What sandbox to start."""

    width: Side = 1280
    height: Side = 800
    home: str = ""
    """Host directory that becomes the sandbox's home (absolute); empty: a tmpfs."""
    applications: Annotated[tuple[Application, ...], msgspec.Meta(max_length=16)] = ()
    url: str = ""
    """Page to open in Chromium after ``applications`` are up; empty: none."""
    kiosk: bool = False
    browser_scale: Annotated[float, msgspec.Meta(ge=0.5, le=4)] = 1.0
    """Chromium's device scale factor for ``url``."""
    browser_debug_pipe: bool = False
    """Give the caller Chromium's debugging pipe (benchmark scoring only; a run never sets it)."""
    shared_dirs: Annotated[tuple[str, ...], msgspec.Meta(max_length=16)] = ()
    """Further host directories visible read-only at the same path (a benchmark's pages)."""
    session_bus: bool = False
    policy_yaml: Annotated[str, msgspec.Meta(max_length=100_000)] = ""
    """Text of a policy file; empty: the locked default."""
    policy_name: Annotated[str, msgspec.Meta(max_length=4096)] = "policy"
    """What errors and the audit call the policy: its file or profile."""
    offline: bool = False
    """The app that asks is in offline mode: start nothing that has a network, whatever the policy permits."""
    accept_missing: Annotated[tuple[str, ...], msgspec.Meta(max_length=16)] = ()
    """Layers that may be missing, by name; anything else missing refuses to start."""
    host: HostSpec | None = None
    """Work on the user's own desktop: no sandbox is started, and nothing of the policy but its gate holds."""


# -- requests ---------------------------------------------------------------------------------------------------------


class Hello(_Message, frozen=True, tag="hello"):
    """The first message: which version the app speaks."""

    id: int
    version: int = PROTOCOL_VERSION


class Start(_Message, frozen=True, tag="start"):
    """Start the desktop that ``spec`` describes."""

    id: int
    spec: DesktopSpec


class Observe(_Message, frozen=True, tag="observe"):
    """Take a frame once the screen has settled (at once if ``settle`` is None)."""

    id: int
    settle: SettleSpec | None = None


class Peek(_Message, frozen=True, tag="peek"):
    """Show the screen as it is now to whoever watches, also while an action is under way; answered with `Peeked`. No frame
    that an action is decided on: it has a memory of its own, which the app has copied out of before it peeks again."""

    id: int


class Perform(_Message, frozen=True, tag="perform"):
    """Do ``action``, wait for the screen to settle, judge the effect; the reply carries the settled frame."""

    id: int
    action: Action
    settle: SettleSpec
    guard: Guard | None = None
    focus_window: Annotated[int, msgspec.Meta(ge=0, le=0xFFFF_FFFF)] = 0
    """Id of the window that must have, and keep, the keyboard; 0: any. For what must not be typed elsewhere."""


class AskWindows(_Message, frozen=True, tag="ask_windows"):
    """Which window has the keyboard, and which ones lie under ``points`` (physical pixels)."""

    id: int
    points: Annotated[tuple[Point, ...], msgspec.Meta(max_length=MAX_POINTS)] = ()


class Arrange(_Message, frozen=True, tag="arrange"):
    """Put ``windows`` (by id, the lowest first) where they say; answered with `Arranged`. None: only tell."""

    id: int
    windows: Annotated[tuple[PlacedWindow, ...], msgspec.Meta(max_length=MAX_WINDOWS)] = ()


class Launch(_Message, frozen=True, tag="launch"):
    """Start one more application."""

    id: int
    application: Application


class Cancel(_Message, frozen=True, tag="cancel"):
    """Stop the request under way; it is answered with a ``cancelled`` effect after everything held was released."""

    id: int


class ReleaseAll(_Message, frozen=True, tag="release_all"):
    """Release every key and button that is held."""

    id: int


class TakeBrake(_Message, frozen=True, tag="take_brake"):
    """Ancillary fd: the read end of a pipe. Once it can be read, or its other end is closed, all that is held is released and
    no action is performed in this sandbox any more. Nobody reads it. Answered with `Done`."""

    id: int


class Reload(_Message, frozen=True, tag="reload"):
    """The policy file changed: take its ``network.egress.endpoints`` from now on; nothing else of it. Answered with
    `Done`, or `Failed` (usage) if it cannot be read: then the old endpoints hold. Audited either way."""

    id: int
    policy_yaml: Annotated[str, msgspec.Meta(max_length=100_000)]


class AllowEndpoint(_Message, frozen=True, tag="allow_endpoint"):
    """The user (never the model) permits one more place for the rest of this session. Answered with `Done` and audited,
    or `Failed` (usage) if the sandbox has no broker: then nothing can be permitted without starting it anew."""

    id: int
    host: Annotated[str, msgspec.Meta(max_length=253)]
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)]


class RunCanaries(_Message, frozen=True, tag="run_canaries"):
    """Let each kind of process on this side try to reach the prober's listeners; answered with `CanariesRan`."""

    id: int
    targets: Targets


class Close(_Message, frozen=True, tag="close"):
    """End the sandbox and the supervisor."""

    id: int


Request: TypeAlias = (
    Hello
    | Start
    | TakeBrake
    | Observe
    | Peek
    | Perform
    | Launch
    | Cancel
    | ReleaseAll
    | Reload
    | AllowEndpoint
    | RunCanaries
    | AskWindows
    | Arrange
    | Close
)


# -- replies and notices ------------------------------------------------------------------------------------------------


class Done(_Message, frozen=True, tag="done"):
    """Plain success."""

    id: int


class Welcome(_Message, frozen=True, tag="welcome"):
    """The supervisor speaks that version, too."""

    id: int
    version: int
    supervisor_pid: int


class Started(_Message, frozen=True, tag="started"):
    """The desktop is up. Ancillary fds: the frame memfd, then (if asked for) the browser's debugging socket."""

    id: int
    frame: FrameInfo
    layers: tuple[str, ...]
    missing_layers: tuple[str, ...]
    start_ms: float


class Observed(_Message, frozen=True, tag="observed"):
    """A frame was taken; its pixels are in the memfd of `Started`."""

    id: int
    frame: FrameInfo
    capture_ms: float
    settle: SettleReport | None


class Peeked(_Message, frozen=True, tag="peeked"):
    """Ancillary with the first one: the memfd of the view."""

    id: int
    frame: FrameInfo
    changed: bool
    """Whether it shows something else than at the peek before."""


class Performed(_Message, frozen=True, tag="performed"):
    """``frame`` is the settled screen after the action (also after a refusal: then it is what was found instead)."""

    id: int
    effect: Effect
    frame: FrameInfo
    settle: SettleReport | None
    act_ms: float
    capture_ms: float


class CanariesRan(_Message, frozen=True, tag="canaries_ran"):
    """What the supervisor, the executor and an application tell of their attempts. The prober knows by itself who got out."""

    id: int
    canaries: Annotated[tuple[Canary, ...], msgspec.Meta(max_length=8)]


class WindowsTold(_Message, frozen=True, tag="windows_told"):
    """As the sandbox's display says it; ``at`` has one for each point asked about, None: the bare screen."""

    id: int
    focused: WindowFacts | None
    at: Annotated[tuple[WindowFacts | None, ...], msgspec.Meta(max_length=MAX_POINTS)] = ()


class Arranged(_Message, frozen=True, tag="arranged"):
    """Each managed window, the lowest first, as the sandbox's display says it; on the user's own desktop nothing is told."""

    id: int
    windows: Annotated[tuple[PlacedWindow, ...], msgspec.Meta(max_length=MAX_WINDOWS)] = ()
    besides: Annotated[tuple[ShortText, ...], msgspec.Meta(max_length=MAX_BESIDES)] = ()
    """What else there is that ends with the desktop: programs, files outside of the home, the clipboard."""


class Failed(_Message, frozen=True, tag="failed"):
    """The request could not be served. ``code`` is an error class of ``docs/errors.md``."""

    id: int
    code: Literal["usage", "environment", "desktop_lost", "violation", "stopped", "protocol", "internal"]
    message: Annotated[str, msgspec.Meta(max_length=4000)]


class DesktopLost(_Message, frozen=True, tag="desktop_lost"):
    """Notice without a request: the sandbox died."""

    reason: Annotated[str, msgspec.Meta(max_length=2000)]
    violation: bool = False
    """A violation of its policy, or a limit in it, ended it."""
    by_user: bool = False
    """The user ended it, at the desktop itself."""


class ApplicationExited(_Message, frozen=True, tag="application_exited"):
    """Notice without a request."""

    argv: tuple[str, ...]
    returncode: int


class Audited(_Message, frozen=True, tag="audited"):
    """Notice without a request: an entry for the audit."""

    entry: Entry


Reply: TypeAlias = (
    Done
    | Welcome
    | Started
    | Observed
    | Peeked
    | Performed
    | CanariesRan
    | WindowsTold
    | Arranged
    | Failed
    | DesktopLost
    | ApplicationExited
    | Audited
)

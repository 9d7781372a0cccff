"""The facts of a session: one frozen type and one tag each. Unknown fields are tolerated here (logs outlive versions).

The envelope stands from the first day: ``prev_hash`` chains the lines, ``parent`` names the session that this one was
forked from, ``agent`` who acted. Fold the events with `edgeagent.history.fold` to get what the model remembers.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import msgspec

from edgeagent.agents.agent import Agent
from edgeagent_harness.protocol.actions import Action
from edgeagent_harness.protocol.effects import Effect, SettleReport
from edgeagent_harness.protocol.frames import Side
from edgeagent_harness.protocol.geometry import Rect
from edgeagent_harness.protocol.messages import DesktopSpec, Expectation
from edgeagent_harness.protocol.windows import MAX_BESIDES, MAX_WINDOWS, PlacedWindow, ShortText
from edgeagent_models.protocol import Element, Usage

FORMAT = 2
"""Version of the event log; `edgeagent.recording.migrations` lists what changed."""

Outcome = Literal["done", "failed", "needs_user", "limit", "stopped", "interrupted", "error"]
LimitName = Literal["steps", "wall_time", "rejected", "no_effect"]
GateModeName = Literal["", "plan", "ask", "bounded", "auto"]
HomeState = Literal["restored", "partly", "as_it_is", "none"]
"""What the sandbox's home came to be: as it was after the step, but for what could not be kept, left as it is, or empty."""


class _Fact(msgspec.Struct, frozen=True, tag_field="kind", omit_defaults=True):
    """Base of every fact."""


class SessionCreated(_Fact, frozen=True, tag="session_created"):
    """The first event of every session."""

    task: str
    model: str
    """``embedded``, or the path of a GGUF file."""
    desktop: DesktopSpec
    version: str
    """Of edgeagent."""
    mmproj: str = ""
    family: str = ""
    """How a GGUF model is spoken to; empty: as its header suggests."""
    skip_unchanged: bool = False
    """A screen that stays as it was is not sent again: the model is told so."""
    seed: int | None = None
    limits: dict[str, float] = {}
    mode: GateModeName = ""
    """How the gate judges what no rule decides; empty: as the policy and the agent say."""
    agent: Agent | None = None
    """As it was when the session began: its file may change or go."""


class RunStarted(_Fact, frozen=True, tag="run_started"):
    """A process took up the session: the first time, or again after a stop, a crash or a lost desktop."""

    reason: Literal["new", "resumed", "desktop_restarted", "forked"]
    layers: tuple[str, ...] = ()
    missing_layers: tuple[str, ...] = ()
    start_ms: float = 0.0
    machine: str = ""
    """Processor, cores, memory and system in words, for reports."""


class Observed(_Fact, frozen=True, tag="observed"):
    """The screen as it was seen."""

    frame: str
    """Content id in the frame store."""
    capture_ms: float
    settle: SettleReport | None = None
    record_ms: float = 0.0


class Replied(_Fact, frozen=True, tag="replied"):
    """What the model said, raw."""

    text: str
    target: Element | None = None
    expect: Expectation = "anywhere"
    memory: str = ""
    score: float = 1.0
    usage: Usage = Usage()
    timings_ms: dict[str, float] = {}


class Malformed(_Fact, frozen=True, tag="malformed"):
    """The reply was no action; the model sees ``error``."""

    error: str


class Verdict(_Fact, frozen=True, tag="judged"):
    """What the gate said."""

    allow: bool
    rule: str = ""
    reason: str = ""
    judge_ms: float = 0.0
    asked: bool = False
    """The rules left it to the user; ``allow`` is what the user said, or false where nobody could be asked."""
    ends: Literal["", "needs_user", "stopped"] = ""
    """How the run ends because of it."""
    action: Action | None = None
    """Set where the run ends for the user to approve it."""
    instead: Action | None = None
    """What the user put in the place of what was asked about: this is done."""


class Intent(_Fact, frozen=True, tag="intent"):
    """About to act: durable, with the frame's changed tiles, before anything is sent to the desktop."""

    step: int
    action: Action
    frame: str
    thought: str = ""
    target: Element | None = None
    by: Literal["model", "user"] = "model"
    """``user``: with their own hands, having taken over."""


class Acted(_Fact, frozen=True, tag="effect"):
    """What the action did; an `Intent` without one was under way when the process died."""

    step: int
    effect: Effect
    frame: str
    """The settled screen afterwards."""
    act_ms: float = 0.0
    capture_ms: float = 0.0
    record_ms: float = 0.0
    settle: SettleReport | None = None


class Reconciled(_Fact, frozen=True, tag="reconciled"):
    """After a crash: the screen was looked at for an `Intent` without effect. It is never repeated blindly."""

    step: int
    screen_changed: bool
    frame: str


class DesktopWasLost(_Fact, frozen=True, tag="desktop_lost"):
    """The sandbox died."""

    reason: str
    violation: bool = False
    """It was ended because its policy was violated; it is not started again."""


class EngineRestarted(_Fact, frozen=True, tag="engine_restarted"):
    """The engine's process died and was started again."""

    reason: str


class UserMessage(_Fact, frozen=True, tag="user_message"):
    """What the user said in mid-run."""

    text: str


class ModeChanged(_Fact, frozen=True, tag="mode_changed"):
    """The user has the gate judge in another mode from here on."""

    mode: GateModeName


class Approved(_Fact, frozen=True, tag="approved"):
    """The user permits, once, the action that the run had ended for."""

    rule: str
    action: Action


class Memorized(_Fact, frozen=True, tag="memorized"):
    """A fact that the model asked to keep."""

    fact: str


class LimitReached(_Fact, frozen=True, tag="limit_reached"):
    """A limit ended the run."""

    limit: LimitName
    value: float


class LogRepaired(_Fact, frozen=True, tag="log_repaired"):
    """A torn tail was cut when the log was opened."""

    bytes_cut: int


class AuditAnchored(_Fact, frozen=True, tag="audit_anchored"):
    """So far had the audit log come: whoever cuts its end, or writes its chain anew, has to change this log too."""

    lines: int
    head: str
    """Hash of the audit log's last line."""


class StateChanged(_Fact, frozen=True, tag="state_changed"):
    """The run goes on in another state, without having ended: held by the user, or waiting for an answer."""

    state: Literal["running", "waiting", "paused"]
    why: str = ""


class NamedModel(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a session names a model: as `SessionCreated` does."""

    model: str
    mmproj: str = ""
    family: str = ""


class ModelChanged(_Fact, frozen=True, tag="model_changed"):
    """From here on another model decides."""

    model: str
    mmproj: str = ""
    family: str = ""
    before: NamedModel | None = None
    """Whose the decisions until here were; None: written by a version that did not say."""


class Compacted(_Fact, frozen=True, tag="compacted"):
    """From here on the model is told less of the steps up to ``last_step``. The recording keeps all of them."""

    what: Literal["screens", "turns", "steps"]
    """``screens``: their pictures are not shown any more; ``turns``: they are told in one line each; ``steps``: not at all."""
    first_step: int
    last_step: int
    why: str


class HomeKept(_Fact, frozen=True, tag="home_kept"):
    """The sandbox's home as it was after ``step`` can be had back."""

    step: int
    files: int
    """In the home."""
    changed: int
    """Files that were stored anew."""
    bytes_stored: int
    keep_ms: float
    left_out: tuple[str, ...] = ()
    """What could not be kept and why, at most a few of them."""


class Forked(_Fact, frozen=True, tag="forked"):
    """What stands before was taken from the session ``source``, up to and with ``at_step``."""

    source: str
    at_step: int
    home: HomeState
    not_undoable: tuple[str, ...] = ()
    """Effects outside the sandbox that the source had after that step: they stay."""


class Rewound(_Fact, frozen=True, tag="rewound"):
    """The session goes on from ``to_step``: what was done after it counts as not done, but stays recorded."""

    to_step: int
    steps_dropped: int
    home: HomeState
    not_undoable: tuple[str, ...] = ()


class MaskedArea(msgspec.Struct, frozen=True):
    """A part of a screen that was painted over before anyone saw it."""

    box: Rect
    why: str
    """The rule that asked for it: ``region NAME``, ``pattern NAME``, ``secret``, ``outside the window``."""


class Masked(_Fact, frozen=True, tag="masked"):
    """What is not in ``frame``, or in texts since the last such fact, because a rule says so."""

    frame: str = ""
    areas: tuple[MaskedArea, ...] = ()
    texts: dict[str, int] = {}
    """Rule -> how many pieces of text it took out."""


class HandedOver(_Fact, frozen=True, tag="handed_over"):
    """The session belongs to ``to`` now; here it is read only until it is taken back."""

    to: str
    epoch: int
    engine_state: str = ""
    """What became of the engine's state that came along; empty: none did."""


class TakenBack(_Fact, frozen=True, tag="taken_back"):
    """The session belongs to this machine again."""

    source: str
    epoch: int
    engine_state: str = ""
    """As in `HandedOver`."""


class Restored(_Fact, frozen=True, tag="restored"):
    """How the screen was restored after the session had moved. The model is told."""

    how: Literal["exact", "replayed", "reopened"]
    """``exact``: the state came along; ``replayed``: recorded actions without outside effect were done again and the screen
    agrees; ``reopened``: applications were opened, and the model goes on from what it sees."""
    steps: int = 0
    """That were done again."""
    memory: str = ""
    """What the model had noted of its progress, where that still holds."""
    why: str = ""
    """Why it is not more exact."""
    windows: str = ""
    """What became of the windows that were open; empty: none were, or it is not known where."""


class WindowsLeft(_Fact, frozen=True, tag="windows_left"):
    """What was open in the sandbox when a run had ended, as its display said it."""

    width: Side
    """Of the screen, like ``height`` in pixels."""
    height: Side
    windows: Annotated[tuple[PlacedWindow, ...], msgspec.Meta(max_length=MAX_WINDOWS)] = ()
    """The lowest first."""
    besides: Annotated[tuple[ShortText, ...], msgspec.Meta(max_length=MAX_BESIDES)] = ()
    """What else ended with the desktop: programs without a window, files outside of the home, the clipboard."""


class RunEnded(_Fact, frozen=True, tag="run_ended"):
    """The run is over; a later `RunStarted` may take the session up again."""

    outcome: Outcome
    message: str = ""
    answer: str = ""


EventData: TypeAlias = (
    SessionCreated | RunStarted | Observed | Replied | Malformed | Verdict | Intent | Acted | Reconciled | DesktopWasLost
    | EngineRestarted | UserMessage | ModeChanged | Approved | Memorized | LimitReached | LogRepaired | AuditAnchored
    | StateChanged | ModelChanged | Compacted | HomeKept | Forked | Rewound | Masked | HandedOver | TakenBack | Restored
    | WindowsLeft | RunEnded
)  # fmt: skip


class Event(msgspec.Struct, frozen=True):
    """The envelope: one line of ``events.jsonl``."""

    format: int
    seq: int
    session: str
    agent: str
    parent: str
    """Id of the session this one was forked from; empty for none."""
    prev_hash: str
    """BLAKE2b-256 (hex) of the previous line's bytes without its newline; 64 zeros for the first."""
    time: float
    """Unix seconds."""
    data: EventData

    @property
    def kind(self) -> str:
        return str(self.data.__struct_config__.tag)

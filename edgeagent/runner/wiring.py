"""What is plugged into a run: whoever asks, listens, looks on, takes over and stops; and who opens desktops and models."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from edgeagent import events
from edgeagent.brake import Brake
from edgeagent.clock import SystemClock
from edgeagent.policy.asking import Asker
from edgeagent.ports import Clock, Desktop, Gate, Hands, Model, NoHands
from edgeagent.runner.attending import Attendance
from edgeagent.runner.deciding import ModelSwitch
from edgeagent.runner.noting import Listener
from edgeagent.runner.request import ModelChoice
from edgeagent.screen import Screen
from edgeagent.sessions.store import SessionStore
from edgeagent_harness.policy.gate_types import GateMode
from edgeagent_harness.protocol.audit import Entry
from edgeagent_harness.protocol.messages import DesktopSpec

AuditListener = Callable[[str, Entry], None]
"""(session, entry), once the entry is in the audit log."""


class RunningDesktop(Desktop, Protocol):
    """A started sandbox."""

    @property
    def layers(self) -> tuple[str, ...]: ...

    @property
    def missing_layers(self) -> tuple[str, ...]: ...

    @property
    def start_ms(self) -> float: ...


DesktopFactory = Callable[[DesktopSpec], AbstractAsyncContextManager[RunningDesktop]]
ModelFactory = Callable[[ModelChoice, int, Callable[[str], None]], AbstractAsyncContextManager[Model]]
"""(choice, seed, told when the engine was restarted and why) -> a loaded model."""


@dataclass(slots=True)
class Wiring:
    """What a run is plugged into. The factories are the real ones unless a test or a benchmark gives others."""

    store: SessionStore = field(default_factory=SessionStore)
    clock: Clock = field(default_factory=SystemClock)
    gate: Gate | None = None
    """A gate that must allow an action too, beside the policy's own."""
    asker: Asker | None = None
    """Whom the policy's gate asks; None: nobody can be asked, so the run ends and waits for its approval."""
    listeners: list[Listener] = field(default_factory=list[Listener])
    open_desktop: DesktopFactory | None = None
    open_model: ModelFactory | None = None
    audit_listeners: list[AuditListener] = field(default_factory=list[AuditListener])
    on_opened: Callable[[str, Path], None] | None = None
    """Told a session's id and directory as soon as it is owned."""
    on_frame: Callable[[str, Screen], None] | None = None
    """Told each screen with its content id once it is kept."""
    brake: Brake = field(default_factory=Brake)
    """Takes the hands off the sandbox at once; a runner whose brake was pulled acts no more."""
    inbox: Callable[[], Sequence[events.EventData]] = tuple
    """Gives what the user has said or changed since it was last asked: noted before the model's next decision."""
    hands: Hands = field(default_factory=NoHands)
    """Who may take over from the model."""
    wanted_mode: Callable[[], GateMode | None] = lambda: None
    """The mode that the user wants the gate to judge in from now on; None: as it is."""
    model_switch: ModelSwitch = field(default_factory=ModelSwitch)
    """The model that the user wants to decide from now on."""
    attendance: Attendance = field(default_factory=Attendance)
    """Tells the model when its user is waited for, and has begun to answer."""
    viewing: Callable[[Desktop], AbstractAsyncContextManager[None]] | None = None
    """Entered for as long as there is a desktop: whoever wants to see it live."""

"""One session, and the user's hand on it: stop, hold, step, answer, steer, take over; afterwards look back, fork, resume."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.binding import Binding, BindingType
from textual.widgets import Input

from edgeagent.clock import SystemClock
from edgeagent.errors import EdgeAgentError
from edgeagent.machine import available_mb
from edgeagent.policy.asking import Question
from edgeagent.recording.export import FORMATS, default_name
from edgeagent.remote_names import model_name
from edgeagent.sessions.branching import fork
from edgeagent.sessions.store import SessionStore
from edgeagent.tui.ahead import expect_to_go_on
from edgeagent.tui.asking import AskAnswer, AskScreen
from edgeagent.tui.choices import MODE_CHOICES
from edgeagent.tui.dialog import Choice, ChoiceScreen
from edgeagent.tui.frame_view import FrameView
from edgeagent.tui.permitting import PermitScreen, Scope, file_of, permit
from edgeagent.tui.timeline_view import TimelineView
from edgeagent.tui.wanted import ResumeWanted, gate_mode
from edgeagent.tui.watching import WatchScreen
from edgeagent.words import printable

_TYPING_S = 0.2
"""Of rest between two keys: the log is not read for each of them."""


class SessionScreen(WatchScreen):
    """Watch, stop, hold, steer; afterwards look at each step again."""

    TITLE = "Session"
    HELP = (
        "On the left the sandbox's screen, with the next action drawn on it before it is done; on the right the steps, and "
        "what the selected one cost. Esc or Ctrl+C stops at once, whatever else is open; the session can be resumed. "
        "After F10 your keys and presses go to the sandbox, and are recorded like the model's; F10 hands back."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Back"),
        Binding("f2", "hold", "Pause"),
        Binding("f3", "one_step", "One step", show=False),
        Binding("f7", "resume", "Resume"),
        Binding("f6", "steer", "Say"),
        Binding("f10", "take_over", "Take over", priority=True),
        Binding("f", "fork", "Fork here"),
        Binding("w", "rewind", "Rewind to here"),
        Binding("r", "replay", "Replay"),
        Binding("f8", "export", "Export"),
        Binding("m", "mode", "Mode"),
        Binding("f4", "close_up", "Close-up"),
        Binding("f9", "permit", "Permit a host", show=False),
        Binding("o", "model", "Model", show=False),
        Binding("a", "audit", "Audit / step", show=False),
        Binding("t", "teleport", "Teleport", show=False),
    ]

    _asking: AskScreen | None = None
    _earlier_mode = ""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The footer, the help and the palette offer what can be done now: something else while it runs than afterwards."""
        if action == "leave" and self.running:  # Esc stops it then
            return False
        live = self.run is not None and not self.outcome
        if action in (_AFTERWARDS if live else _WHILE_RUNNING):
            return False
        return super().check_action(action, parameters)

    def finished(self, outcome: str) -> None:
        if self._asking is not None and self._asking.is_attached:
            while self.app.screen is not self and len(self.app.screen_stack) > 1:
                self.app.pop_screen()
        self._asking = None
        self._set_hands(False)
        super().finished(outcome)

    # -- answering --------------------------------------------------------------------------------------------------------

    def ask(self, question: object) -> None:
        if isinstance(question, Question):
            self._asking = AskScreen(question, self.size_px)
            self.app.push_screen(self._asking, self._answered)

    def _answered(self, said: AskAnswer | None) -> None:
        self._asking = None
        if self.run is None or not self.running:
            return
        if said == "take_over":
            self._set_hands(True)
            self.run.take_over()
        self.run.answer("no" if said is None or said == "take_over" else said)

    # -- the hand on the run ----------------------------------------------------------------------------------------------

    def go_back(self) -> None:
        """While the session runs, Esc does not come here: it stops."""
        if not self.running:
            super().go_back()

    def action_hold(self) -> None:
        """Pause before the next action, or go on."""
        if self.running and self.run is not None:
            self.held = not self.held
            self.run.hold(self.held)
            self.show_status()

    def action_one_step(self) -> None:
        """Let one action pass, then pause."""
        if self.running and self.run is not None:
            self.held = True
            self.run.one_step()

    def action_take_over(self) -> None:
        """One's own keys and presses to the sandbox; or the model goes on."""
        if not self.running or self.run is None:
            return
        if self.query_one(FrameView).hands_on:
            self.run.hand_back()
            self._set_hands(False)
        else:
            self.run.take_over()
            self._set_hands(True)

    def _set_hands(self, on: bool) -> None:
        frame = self.query_one(FrameView)
        if frame.hands_on == on:
            return
        frame.hands_on = on
        picture = self.query_one("#picture")
        picture.set_class(on, "hands-on")
        picture.border_title = "YOUR HANDS: keys and presses go to the sandbox; F10 hands back" if on else "Screen"
        if on:
            self.query_one(TimelineView).to_end()
        else:
            self.query_one(TimelineView).focus()

    @on(FrameView.Acted)
    def _act(self, message: FrameView.Acted) -> None:
        if self.running and self.run is not None:
            self.run.act(message.action)

    @work(group="mode")
    async def action_mode(self) -> None:
        """Have the gate judge in another mode from the next action on."""
        run = self.run
        if run is None or not self.running:
            self.app.notify("The session does not run.")
            return
        undo = (Choice(_UNDO, f"undo: back to {self._earlier_mode}"),) if self._earlier_mode else ()
        chosen = await self.app.push_screen_wait(ChoiceScreen("Mode", (*undo, *MODE_CHOICES), self.timeline.mode or "auto"))
        mode = gate_mode(self._earlier_mode if chosen == _UNDO else chosen)
        if mode is not None and self.running:
            self._earlier_mode = self.timeline.mode or "auto"
            run.set_mode(mode)
            self.timeline.mode = mode
            self.app.notify(f"From the next action on: {mode}. M takes it back.")

    @work(group="model")
    async def action_model(self) -> None:
        """Have another model decide from the next step on; a session that does not run is taken up again by it."""
        if self.directory is None:
            return
        from edgeagent.tui.models_here import choose_decider

        room_mb = self.run.room_mb if self.run is not None and self.running else available_mb
        try:
            model = await choose_decider(self.app, self.timeline.model, room_mb)
        except EdgeAgentError as error:
            self.app.notify(printable(f"{error}. {error.hint}"), severity="error", timeout=10, markup=False)
            return
        if model is None:
            return
        if self.run is not None and self.running:
            self.run.set_model(model)
            self.app.notify(f"After the step under way: {model_name(model.model)} decides, in the same sandbox.", markup=False)
        else:
            self.post_message(ResumeWanted(self.directory.name, "", model))

    def action_steer(self) -> None:
        """Open the line for a message to the model."""
        if self.running and self.run is not None:
            self.run.expect()
        super().action_steer()

    @on(Input.Changed, "#message")
    def _foresee(self, event: Input.Changed) -> None:
        if event.value and self.directory is not None and not self.running:
            self._expect(self.directory)

    @work(group="expect", exclusive=True)
    async def _expect(self, directory: Path) -> None:
        await asyncio.sleep(_TYPING_S)
        await expect_to_go_on(directory)

    def say(self, text: str) -> None:
        if self.running and self.run is not None:
            self.run.steer(text)
            self.app.notify("It is told before its next decision.")
        else:
            self._go_on(text)

    # -- looking ----------------------------------------------------------------------------------------------------------

    def action_audit(self) -> None:
        """The audit's tail, or the step's details."""
        self.toggle_audit()

    # -- afterwards -------------------------------------------------------------------------------------------------------

    def action_resume(self) -> None:
        """Take the session up again, unless that was asked for already."""
        if not self.running and (self.run is None or self.run.begun):
            self._go_on("")

    def _go_on(self, message: str) -> None:
        if self.directory is not None:
            self.post_message(ResumeWanted(self.directory.name, message))

    def action_replay(self) -> None:
        """Do the recorded actions again, without a model."""
        if self.directory is not None and not self.running:
            from edgeagent.tui.replaying import ReplayScreen

            self.app.push_screen(ReplayScreen(self.directory))

    @work(group="fork")
    async def action_fork(self) -> None:
        """A new session that begins as this one was after the selected step."""
        row = self.query_one(TimelineView).selected_row
        step = row.step if row is not None and row.step else self.timeline.steps
        if self.directory is None or self.running or not step:
            self.app.notify("There is no step yet to begin a fork at.")
            return
        try:
            store = SessionStore(self.directory.parent)
            branched = await asyncio.to_thread(fork, store, self.directory.name, step, SystemClock())
        except EdgeAgentError as error:
            self.app.notify(printable(f"{error}. {error.hint}"), severity="error", timeout=10, markup=False)
            return
        stays = f" Not undone: {'; '.join(branched.not_undoable)}" if branched.not_undoable else ""
        self.app.notify(printable(f"Forked after step {step}; F7 goes on from there.{stays}"), timeout=8, markup=False)
        self.app.switch_screen(SessionScreen(store.root / branched.session))

    @work(group="teleport", exclusive=True)
    async def action_teleport(self) -> None:
        """Move the session to a backend, where it goes on; a run under way finishes its step first."""
        if self.directory is None:
            self.app.notify("The session has not begun yet.")
            return
        from edgeagent.tui.follow_screen import FollowScreen
        from edgeagent.tui.teleporting import teleported

        run = self.run if self.running else None
        held = self.held or self.query_one(FrameView).hands_on
        ended = await teleported(self.app, self.directory, run, held)
        if ended == "moved":
            self.app.switch_screen(FollowScreen(self.directory))
        elif ended == "kept":
            self.app.notify("It stays here. F7 goes on.")

    @work(group="rewind")
    async def action_rewind(self) -> None:
        """Let the session go on from the selected step, after a question that says what that undoes."""
        timeline = self.query_one(TimelineView)
        row = timeline.selected_row
        if self.directory is None or self.running or row is None or not (row.step or timeline.highlighted == 0):
            self.app.notify("Choose a step first; or the task, to go back to the beginning.")
            return
        from edgeagent.tui.rewinding import rewound

        try:
            done = await rewound(self.app, self.directory, row.step)
        except EdgeAgentError as error:
            self.app.notify(printable(f"{error}. {error.hint}"), severity="error", timeout=10, markup=False)
            return
        if done:
            self.app.switch_screen(SessionScreen(self.directory))
            self.app.notify("F7 goes on from here.")

    @work(group="export")
    async def action_export(self) -> None:
        """Write the session beside its recording, in a format of choice."""
        if self.directory is None or self.running:
            return
        choices = [Choice(name, name, note) for name, note in _FORMAT_WORDS.items() if name in FORMATS]
        chosen = await self.app.push_screen_wait(ChoiceScreen("Export as", choices))
        if chosen:
            await self._export(self.directory, chosen)

    async def _export(self, directory: Path, format_name: str) -> None:
        from edgeagent.recording import export

        out = directory / ("report.html" if format_name == "html" else default_name(directory.name, format_name))
        try:
            written = await asyncio.to_thread(export.export, directory, format_name, out)
        except EdgeAgentError as error:
            self.app.notify(printable(str(error)), severity="error", markup=False)
            return
        self.app.notify(f"Written: {written}", timeout=10, markup=False)

    def action_permit(self) -> None:
        """Ask whether the denied place under the cursor, else the one denied last, may be reached from now on."""
        row = self.query_one(TimelineView).selected_row
        place = (row.place if row is not None else "") or self.timeline.denied
        if self.directory is None or not place:
            self.app.notify("No connection was denied.")
        else:
            self._ask_to_permit(self.directory, place)

    @work(group="permit")
    async def _ask_to_permit(self, directory: Path, place: str) -> None:
        try:
            file = await asyncio.to_thread(file_of, directory)
            scope: Scope = await self.app.push_screen_wait(PermitScreen(place, file))
            if scope != "no":
                self.app.notify(printable(await asyncio.to_thread(permit, directory, file, place, scope)), markup=False)
        except (EdgeAgentError, ValueError) as error:
            self.app.notify(printable(str(error)), severity="error", timeout=10, markup=False)


_WHILE_RUNNING = frozenset({"hold", "one_step", "take_over", "mode"})
_AFTERWARDS = frozenset({"resume", "fork", "rewind", "replay", "export"})
_UNDO = "undo"
"""The choice of the mode before; no mode is called that."""
_FORMAT_WORDS = {
    "html": "a report: one page with every screen, for people",
    "mp4": "a video of the screens with the actions drawn on them",
    "atif": "a trajectory in the Agent Trajectory Interchange Format",
    "osworld": "a trajectory as OSWorld writes them",
}

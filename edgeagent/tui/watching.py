"""One session on the screen: its picture, its steps and what they cost. Live and recorded sessions look the same."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Footer, Input, Static

from edgeagent.cli.audit import entry_words
from edgeagent.counts import counted
from edgeagent.errors import EdgeAgentError
from edgeagent.events import EventData
from edgeagent.recording.reader import SessionReader
from edgeagent.remote_names import model_name
from edgeagent.sessions.summary import human_bytes
from edgeagent.tui.frame_view import FrameView, Shown, ShowsFrames
from edgeagent.tui.metrics import memory_bytes
from edgeagent.tui.rows import STARTING, Row, Timeline
from edgeagent.tui.timeline_view import TimelineView
from edgeagent.tui.working import (
    Asked,
    Audited,
    Broken,
    Fact,
    Finished,
    Glimpsed,
    ModelKept,
    ModelLoading,
    Opened,
    RunThread,
    Seen,
    Told,
)
from edgeagent.words import milliseconds, printable
from edgeagent_harness.protocol.audit import Entry

_STATUS_S = 0.25
_MEMORY_S = 3.0
_AUDIT_LINES = 200
_THREAD_ENDS_S = 0.2
"""A run's thread tells of its end as the last thing that it does."""


class RunTold(Message):
    """Something that the run's thread said."""

    def __init__(self, told: Told) -> None:
        super().__init__()
        self.told = told


class WatchScreen(ShowsFrames):
    """Shows a session, and takes a line for its model; what else the user can do about it is the subclasses'."""

    CSS_PATH = "screens.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Back"),
        Binding("f1", "app.help", "Help"),
        Binding("f5", "before", "Before / after", show=False),
        Binding("p", "policy", "Policy", show=False),
    ]

    def __init__(self, directory: Path | None = None, run: RunThread | None = None) -> None:
        super().__init__()
        self.directory = directory
        self.run = run
        self.timeline = Timeline()
        self.latest: Shown | None = None
        """The screen as it was seen last, live or recorded."""
        self.outcome = ""
        """Said once the session does not run any more."""
        self.held = False
        self.show_before = False
        self._latest_id = ""
        self._live = False
        """Whether what is shown is newer than the newest row's screen."""
        self._reader: SessionReader | None = None
        self._since_s = time.monotonic()
        self._memory = ""
        self._audit: list[str] = []
        if run is not None:
            run.tell = self._tell

    def _tell(self, told: Told) -> None:
        self.post_message(RunTold(told))

    def compose(self) -> ComposeResult:
        with Horizontal(id="stage"):
            with Vertical(id="picture"):
                yield FrameView(id="frame")
            with Vertical(id="side"):
                yield TimelineView(id="timeline")
                with Vertical(id="detail-box"):
                    yield Static(id="detail", markup=False)
        yield Input(placeholder="Tell the model something before its next decision, Enter to send", id="message")
        yield Static(id="status", markup=False)
        yield Footer()

    def on_mount(self) -> None:
        self.query_one("#picture").border_title = "Screen"
        self.query_one("#timeline").border_title = "Steps"
        self.query_one("#detail-box").border_title = "This step"
        self.query_one("#message").display = False
        self.query_one(TimelineView).focus()
        self.set_interval(_STATUS_S, self.show_status)
        if self.run is not None:
            self.set_interval(_MEMORY_S, self._read_memory)
        if self.directory is not None:
            self._load(self.directory)
        elif self.run is not None:
            self.run.start()

    def on_screen_suspend(self) -> None:
        if self.run is not None:
            self.run.watched = False

    def on_screen_resume(self) -> None:
        if self.run is not None:
            self.run.watched = True

    def on_unmount(self) -> None:
        if self._reader is not None:
            self._reader.close()

    @property
    def running(self) -> bool:
        return self.run is not None and self.run.alive and not self.outcome

    @property
    def size_px(self) -> tuple[int, int]:
        """Of the sandbox's screen."""
        return (self.latest.width, self.latest.height) if self.latest is not None else (1280, 800)

    # -- what the run says ----------------------------------------------------------------------------------------------

    @on(RunTold)
    def _hear(self, message: RunTold) -> None:
        match message.told:
            case Opened(directory=directory):
                self.directory = directory
                self.query_one("#picture").border_subtitle = directory.name
            case Seen(frame=frame, screen=screen):
                self._latest_id = frame
                self._see(Shown(screen.pixels, screen.info.width, screen.info.height), live=False)
            case Glimpsed():
                glimpse = self.run.take_glimpse() if self.run else None
                if glimpse is not None:
                    self._see(Shown(glimpse.pixels, glimpse.info.width, glimpse.info.height), live=True)
            case Fact(data=data):
                self.take_fact(data)
            case Audited(entry=entry):
                self._put(self.timeline.audited(entry))
                self._note_audit(entry)
            case Asked(question=question):
                self.ask(question)
            case ModelLoading(model=model):
                self._since_s, self.timeline.doing = time.monotonic(), f"loading {printable(model_name(model))}"
            case ModelKept(model=model, why=why):
                self._put(self.timeline.model_kept(model, why))
            case Finished(result=result):
                self.finished(f"{result.ended.outcome} after {counted(result.steps, 'step')} in {result.wall_s:.1f} s")
            case Broken(message=text, hint=hint):
                self.query_one(TimelineView).put(Row("broken", printable(text), "bad", printable(hint)))
                self.finished("error")

    def take_fact(self, fact: EventData) -> None:
        """Something was noted."""
        self._since_s = time.monotonic()
        self.notice(fact)
        self._put(self.timeline.advance(fact))

    def notice(self, fact: EventData) -> None:
        """Each fact, recorded or live, in its order; of the recorded ones a thread of their own tells."""

    def ask(self, question: object) -> None:
        """The run waits for an answer."""

    def finished(self, outcome: str) -> None:
        """The run is over."""
        self.outcome = outcome
        self._live = False
        self.show_status()
        self.set_timer(_THREAD_ENDS_S, self.refresh_bindings)

    def _put(self, row: Row | None) -> None:
        if row is not None:
            self.query_one(TimelineView).put(row)
            self.show_row()

    def _see(self, shown: Shown, live: bool) -> None:
        self.latest, self._live = shown, live
        if self.query_one(TimelineView).at_end and not self.show_before:
            self.show_row()

    def _note_audit(self, entry: Entry) -> None:
        self._audit = [*self._audit[1 - _AUDIT_LINES :], printable(entry_words(entry))]
        if self.showing_audit:
            self._show_detail(None)

    # -- a line for the model -------------------------------------------------------------------------------------------

    def action_steer(self) -> None:
        """Open the line for a message to the model."""
        message = self.query_one("#message", Input)
        message.display = True
        message.focus()

    @on(Input.Submitted, "#message")
    def _take_message(self, event: Input.Submitted) -> None:
        text = event.value.strip()
        self._close_message()
        if text:
            self.say(text)

    def _close_message(self) -> None:
        message = self.query_one("#message", Input)
        message.clear()
        message.display = False
        self.query_one(TimelineView).focus()

    def say(self, text: str) -> None:
        """The user wants the model told this."""

    def action_leave(self) -> None:
        """Close the line for messages if it is open, else go back."""
        if self.query_one("#message", Input).display:
            self._close_message()
        else:
            self.go_back()

    def go_back(self) -> None:
        """To the screen before."""
        self.app.pop_screen()

    # -- what is shown --------------------------------------------------------------------------------------------------

    showing_audit = False
    """Whether the audit's tail stands where the step's details do."""

    def toggle_audit(self) -> None:
        """The audit's tail in the place of the step's details, or back."""
        self.showing_audit = not self.showing_audit
        self.query_one("#detail-box").border_title = "Audit" if self.showing_audit else "This step"
        self._show_detail(self.query_one(TimelineView).selected_row)

    @on(TimelineView.OptionHighlighted)
    def show_row(self) -> None:
        """Show what belongs to the selected step."""
        timeline, frame = self.query_one(TimelineView), self.query_one(FrameView)
        row = timeline.selected_row
        self._show_detail(row)
        under_way = self._live and timeline.at_end and not self.show_before
        if row is None or not row.frame or under_way:
            marks = row.marks if row is not None and row.pending else ()
            frame.show(Shown(self.latest.pixels, self.latest.width, self.latest.height, marks) if self.latest else None)
            return
        wanted, marks = (row.before, row.before_marks) if self.show_before else (row.frame, row.marks)
        if self.latest is not None and wanted == self._latest_id and not self._live:
            frame.show(Shown(self.latest.pixels, self.latest.width, self.latest.height, marks))
        elif self.directory is not None:
            self._read_frame(self.directory, wanted, row, self.show_before)

    def action_close_up(self) -> None:
        """Show what was acted on in more detail, or the whole screen again."""
        frame = self.query_one(FrameView)
        frame.close_up = not frame.close_up

    def action_before(self) -> None:
        """Show the screen that the step was decided on, or that after it."""
        self.show_before = not self.show_before
        self.query_one("#picture").border_title = "Screen before" if self.show_before else "Screen"
        self.show_row()

    def action_policy(self) -> None:
        """What the session's policy permits, in words."""
        if self.directory is not None:
            from edgeagent.tui.policy_screen import PolicyScreen

            self.app.push_screen(PolicyScreen.of_session(self.directory))

    def _show_detail(self, row: Row | None) -> None:
        detail = self.query_one("#detail", Static)
        tail = self._audit[-max(1, detail.size.height) :]
        # Without a layout of the whole screen, which takes a tenth of a second: its place is what it is.
        detail.update("\n".join(tail if self.showing_audit else row.lines if row is not None else ()), layout=False)

    @work(thread=True, exclusive=True, group="read")
    def _read_frame(self, directory: Path, wanted: str, row: Row, before: bool) -> None:
        try:
            if self._reader is None:
                self._reader = SessionReader.open(directory)
            recorded = self._reader.frame(wanted)
        except EdgeAgentError:
            return
        marks = row.before_marks if before else row.marks
        self.app.call_from_thread(self._show_recorded, Shown(recorded.pixels, recorded.width, recorded.height, marks))

    def _show_recorded(self, shown: Shown) -> None:
        for frame in self.query(FrameView):  # none: the screen was left meanwhile
            frame.show(shown)

    @work(thread=True, group="load")
    def _load(self, directory: Path) -> None:
        try:
            reader = SessionReader.open(directory)
        except EdgeAgentError as error:
            self.app.call_from_thread(self._not_read, str(error))
            return
        rows: list[Row] = []
        for event in reader.events():
            self.notice(event.data)
            if (row := self.timeline.advance(event.data)) is not None:
                rows.append(row)
        self._reader = reader
        self.app.call_from_thread(self.loaded, rows, directory.name, reader.contents.next_seq)

    def _not_read(self, problem: str) -> None:
        self.app.notify(printable(problem), severity="error", markup=False)
        if self.run is not None and self.is_attached:
            self.run.start()  # it says itself what is wrong

    def loaded(self, rows: list[Row], name: str, next_seq: int) -> None:
        """The recording was read: ``rows``, up to its event number ``next_seq``. A run that takes it up begins now."""
        if not self.query("#detail"):  # the screen was left meanwhile
            return
        self.query_one("#picture").border_subtitle = name
        self.query_one(TimelineView).fill(rows)
        if self.run is None:
            self.outcome = "recorded"
        else:
            self.timeline.doing, self._since_s = STARTING, time.monotonic()
            self.run.start()
        self.show_row()
        self.show_status()

    @work(thread=True, exclusive=True, group="memory")
    def _read_memory(self) -> None:
        self._memory = f"RAM {human_bytes(memory_bytes(os.getpid()))}"

    def now_words(self) -> str:
        """What is going on, or how it ended."""
        if self.outcome:
            return self.outcome
        if self.run is not None and self.run.stopping:
            return "STOPPED: the hands are off; ending the session"
        if self.held:
            return "PAUSED before the next action"
        return f"{self.timeline.doing} … {time.monotonic() - self._since_s:.1f} s"

    def show_status(self) -> None:
        """The line at the bottom."""
        line = self.timeline
        parts = [self.now_words(), f"step {line.steps}"]
        parts += filter(None, (line.mode, line.model.rsplit("/", 1)[-1]))
        if line.last_ms:
            parts.append(f"last step {milliseconds(line.last_ms)}")
        parts += line.metrics.words()
        if self.running and self._memory:
            parts.append(self._memory)
        if line.layers:
            parts.append(f"{len(line.layers)} layers" + (f", {len(line.missing_layers)} MISSING" if line.missing_layers else ""))
        self.query_one("#status", Static).update("  |  ".join(parts), layout=False)

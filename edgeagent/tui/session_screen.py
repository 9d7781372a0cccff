"""One session: its screen, its timeline, and, while it runs, the hand on it. Live and recorded sessions look the same."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Footer, Input, Static

from edgeagent.errors import EdgeAgentError
from edgeagent.policy.asking import Said
from edgeagent.recording.reader import SessionReader
from edgeagent.tui.asking import AskScreen
from edgeagent.tui.frame_view import FrameView, Shown
from edgeagent.tui.permitting import PermitScreen, Scope, file_of, permit
from edgeagent.tui.rows import Row, Timeline
from edgeagent.tui.timeline_view import TimelineView
from edgeagent.tui.working import Asked, Audited, Broken, Fact, Finished, Opened, RunThread, Seen, Told
from edgeagent.words import milliseconds, printable


class RunTold(Message):
    """Something that the run's thread said."""

    def __init__(self, told: Told) -> None:
        super().__init__()
        self.told = told


class SessionScreen(Screen[None]):
    """Watch, stop, hold, steer; afterwards look at each step again."""

    BINDINGS = (
        Binding("escape", "stop_or_leave", "Stop / back", priority=True),
        Binding("f2", "hold", "Pause / go on"),
        Binding("f3", "one_step", "One step"),
        Binding("f4", "close_up", "Close-up"),
        Binding("f5", "before", "Before / after"),
        Binding("f6", "steer", "Say something"),
        Binding("f7", "resume", "Resume"),
        Binding("f8", "report", "Report"),
        Binding("f9", "permit", "Permit a host"),
    )

    def __init__(self, directory: Path | None = None, run: RunThread | None = None) -> None:
        super().__init__()
        self._directory = directory
        self._timeline = Timeline()
        self._reader: SessionReader | None = None
        self._latest: Shown | None = None
        self._latest_id = ""
        self._held = False
        self._show_before = False
        self._since_s = time.monotonic()
        self._outcome = ""
        self.run = run
        if run is not None:
            run.tell = self._tell

    def _tell(self, told: Told) -> None:
        self.post_message(RunTold(told))

    def compose(self) -> ComposeResult:
        with Horizontal(id="stage"):
            with Vertical(id="picture"):
                yield FrameView(id="frame")
            yield TimelineView(id="timeline")
        yield Input(placeholder="Tell the model something before its next decision, Enter to send", id="message")
        yield Static(id="status", markup=False)
        yield Footer()

    def on_mount(self) -> None:
        self.query_one("#picture").border_title = "Screen"
        self.query_one("#timeline").border_title = "Steps"
        self.query_one("#message").display = False
        self.query_one(TimelineView).focus()
        self.set_interval(0.25, self._show_status)
        if self.run is not None:
            self.run.start()
        elif self._directory is not None:
            self._load(self._directory)

    def on_unmount(self) -> None:
        if self._reader is not None:
            self._reader.close()

    # -- what the run says ----------------------------------------------------------------------------------------------

    @on(RunTold)
    def _hear(self, message: RunTold) -> None:
        match message.told:
            case Opened(directory=directory):
                self._directory = directory
                self.query_one("#picture").border_subtitle = directory.name
            case Seen(frame=frame, screen=screen):
                self._latest_id = frame
                self._latest = Shown(screen.pixels, screen.info.width, screen.info.height)
                self._show_row()
            case Fact(data=data):
                self._since_s = time.monotonic()
                row = self._timeline.advance(data)
                if row is not None:
                    self.query_one(TimelineView).put(row)
                    self._show_row()
            case Asked(question=question):
                self.app.push_screen(AskScreen(question), self._answered)
            case Audited(entry=entry):
                row = self._timeline.audited(entry)
                if row is not None:
                    self.query_one(TimelineView).put(row)
            case Finished(result=result):
                self._outcome = f"{result.ended.outcome} after {result.steps} steps in {result.wall_s:.1f} s"
                self._show_status()
            case Broken(message=text, hint=hint):
                self._outcome = "error"
                self.query_one(TimelineView).put(Row("broken", printable(text), "bad", printable(hint)))
                self._show_status()

    def _answered(self, said: Said | None) -> None:
        if self.run is not None:
            self.run.answer(said or "no")

    # -- what is shown --------------------------------------------------------------------------------------------------

    @on(TimelineView.OptionHighlighted)
    def _show_row(self) -> None:
        timeline = self.query_one(TimelineView)
        row = timeline.selected_row
        frame = self.query_one(FrameView)
        if row is None or not row.frame:
            frame.show(self._latest)
            return
        wanted, marks = (row.before, row.before_marks) if self._show_before else (row.frame, row.marks)
        if self._latest is not None and wanted == self._latest_id:
            frame.show(Shown(self._latest.pixels, self._latest.width, self._latest.height, marks))
        elif self._directory is not None:
            self._read_frame(self._directory, wanted, row, self._show_before)

    @work(thread=True, exclusive=True, group="read")
    def _read_frame(self, directory: Path, wanted: str, row: Row, before: bool) -> None:
        try:
            if self._reader is None:
                self._reader = SessionReader.open(directory)
            recorded = self._reader.frame(wanted)
        except EdgeAgentError:
            return
        marks = row.before_marks if before else row.marks
        self.app.call_from_thread(self.query_one(FrameView).show, Shown(recorded.pixels, recorded.width, recorded.height, marks))

    @work(thread=True, group="load")
    def _load(self, directory: Path) -> None:
        try:
            reader = SessionReader.open(directory)
        except EdgeAgentError as error:
            self.app.call_from_thread(self.app.notify, str(error), severity="error")
            return
        rows = [row for event in reader.events() if (row := self._timeline.advance(event.data)) is not None]
        self._reader = reader
        self.app.call_from_thread(self._loaded, rows, directory.name)

    def _loaded(self, rows: list[Row], name: str) -> None:
        self._outcome = "recorded"
        self.query_one("#picture").border_subtitle = name
        self.query_one(TimelineView).fill(rows)
        self._show_row()
        self._show_status()

    def _show_status(self) -> None:
        line = self._timeline
        parts = [f"step {line.steps}"]
        if line.last_ms:
            parts.append(f"last step {milliseconds(line.last_ms)}")
        if self._outcome:
            parts.insert(0, self._outcome)
        elif self._held:
            parts.insert(0, "PAUSED before the next action")
        else:
            parts.insert(0, f"{line.doing} … {time.monotonic() - self._since_s:.1f} s")
        self.query_one("#status", Static).update("  |  ".join(parts))

    # -- what the user does -----------------------------------------------------------------------------------------------

    @property
    def running(self) -> bool:
        return self.run is not None and self.run.alive and not self._outcome

    def action_stop_or_leave(self) -> None:
        """Stop the run if there is one, else go back."""
        message = self.query_one("#message", Input)
        if message.display and message.has_focus:
            message.display = False
            self.query_one(TimelineView).focus()
        elif self.running and self.run is not None:
            self.run.stop()
            self.app.notify("Stopping: the hands are off. The session can be resumed.")
        else:
            self.app.pop_screen()

    def action_hold(self) -> None:
        """Pause before the next action, or go on."""
        if self.running and self.run is not None:
            self._held = not self._held
            self.run.hold(self._held)
            self._show_status()

    def action_one_step(self) -> None:
        """Let one action pass, then pause."""
        if self.running and self.run is not None:
            self._held = True
            self.run.one_step()

    def action_close_up(self) -> None:
        """Show what was acted on in more detail, or the whole screen again."""
        frame = self.query_one(FrameView)
        frame.close_up = not frame.close_up

    def action_before(self) -> None:
        """Show the screen that the step was decided on, or that after it."""
        self._show_before = not self._show_before
        self.query_one("#picture").border_title = "Screen before" if self._show_before else "Screen"
        self._show_row()

    def action_steer(self) -> None:
        """Open the line for a message to the model."""
        message = self.query_one("#message", Input)
        message.display = True
        message.focus()

    @on(Input.Submitted, "#message")
    def _say(self, event: Input.Submitted) -> None:
        text = event.value.strip()
        event.input.clear()
        event.input.display = False
        self.query_one(TimelineView).focus()
        if text and self.running and self.run is not None:
            self.run.steer(text)
            self.app.notify("It is told before its next decision.")
        elif text:
            self._go_on(text)

    def action_resume(self) -> None:
        """Take the session up again."""
        if not self.running:
            self._go_on("")

    def _go_on(self, message: str) -> None:
        if self._directory is not None:
            self.post_message(ResumeWanted(self._directory.name, message))

    def action_report(self) -> None:
        """Write the HTML report and say where it is."""
        if self._directory is not None and not self.running:
            self._export(self._directory)

    def action_permit(self) -> None:
        """Ask whether the denied place under the cursor, else the one denied last, may be reached from now on."""
        row = self.query_one(TimelineView).selected_row
        place = (row.place if row is not None else "") or self._timeline.denied
        if self._directory is None or not place:
            self.app.notify("No connection was denied.")
        else:
            self._ask_to_permit(self._directory, place)

    @work(group="permit")
    async def _ask_to_permit(self, directory: Path, place: str) -> None:
        try:
            file = await asyncio.to_thread(file_of, directory)
            scope: Scope = await self.app.push_screen_wait(PermitScreen(place, file))
            if scope != "no":
                self.app.notify(printable(await asyncio.to_thread(permit, directory, file, place, scope)))
        except (EdgeAgentError, ValueError) as error:
            self.app.notify(printable(str(error)), severity="error", timeout=10)

    @work(thread=True, group="export")
    def _export(self, directory: Path) -> None:
        from edgeagent.recording import export

        try:
            written = export.export(directory, "html", directory / "report.html")
        except EdgeAgentError as error:
            self.app.call_from_thread(self.app.notify, str(error), severity="error")
            return
        self.app.call_from_thread(self.app.notify, f"The report is {written}", timeout=10)


class ResumeWanted(Message):
    """The user wants this session taken up again."""

    def __init__(self, session: str, message: str) -> None:
        super().__init__()
        self.session = session
        self.message = message

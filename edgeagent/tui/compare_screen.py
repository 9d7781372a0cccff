"""Two sessions side by side, step by step: where they first part, and what each saw."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import DataTable, Footer, Static

from edgeagent.counts import counted
from edgeagent.errors import EdgeAgentError
from edgeagent.history import Step
from edgeagent.recording.reader import SessionReader
from edgeagent.sessions.comparing import Comparison, Pair, compare
from edgeagent.tui.frame_view import FrameView, Shown, ShowsFrames
from edgeagent.words import describe, effect_words, printable


class CompareScreen(ShowsFrames):
    """The steps of both in one table; above it the two screens after the selected one."""

    CSS_PATH = "screens.tcss"
    TITLE = "Compare"
    HELP = (
        "Steps of the same number stand side by side. ≠ marks those that did something else, ~ those that did the same and "
        "saw something else."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "app.pop_screen", "Back"),
        Binding("f4", "close_up", "Close-up"),
        Binding("n", "first", "First difference"),
        Binding("f1", "app.help", "Help"),
    ]

    def __init__(self, left: Path, right: Path) -> None:
        super().__init__()
        self._directories = (left, right)
        self._readers: list[SessionReader] = []
        self._comparison = Comparison(())

    def compose(self) -> ComposeResult:
        with Horizontal(id="screens"):
            for side in ("left", "right"):
                with Vertical(id=f"{side}-picture", classes="picture"):
                    yield FrameView(id=f"{side}-frame")
        yield DataTable(id="pairs", cursor_type="row")
        yield Static("reading …", id="status", markup=False)
        yield Footer()

    def on_mount(self) -> None:
        for side, directory in zip(("left", "right"), self._directories, strict=True):
            self.query_one(f"#{side}-picture").border_title = directory.name
        self.query_one(DataTable).add_columns("", "step", "this", "that")
        self._read()

    def on_unmount(self) -> None:
        for reader in self._readers:
            reader.close()

    @work(thread=True)
    def _read(self) -> None:
        try:
            self._readers = [SessionReader.open(directory) for directory in self._directories]
            compared = compare(self._readers[0].steps(), self._readers[1].steps())
        except EdgeAgentError as error:
            self.app.call_from_thread(self._say, printable(str(error)))
            return
        self.app.call_from_thread(self._show, compared)

    def _say(self, words: str) -> None:
        for status in self.query("#status").results(Static):  # none: the screen was left meanwhile
            status.update(words)

    def _show(self, compared: Comparison) -> None:
        if not self.is_attached:
            return
        self._comparison = compared
        table = self.query_one(DataTable)
        for pair in compared.pairs:
            table.add_row(_sign(pair), str(pair.number), _words(pair.left), _words(pair.right))
        first = compared.first_difference
        same = "every step did the same" if first is None else f"they part at step {first} (N goes there)"
        self._say(f"{counted(len(compared.pairs), 'step')}; {same}")
        table.focus()

    @on(DataTable.RowHighlighted)
    def _select(self, event: DataTable.RowHighlighted) -> None:
        if event.cursor_row < len(self._comparison.pairs):
            self._read_frames(self._comparison.pairs[event.cursor_row])

    @work(thread=True, exclusive=True, group="frames")
    def _read_frames(self, pair: Pair) -> None:
        for side, step, reader in zip(("left", "right"), (pair.left, pair.right), self._readers, strict=True):
            shown = None
            if step is not None and step.frame_after:
                try:
                    frame = reader.frame(step.frame_after)
                    shown = Shown(frame.pixels, frame.width, frame.height)
                except EdgeAgentError:
                    shown = None
            self.app.call_from_thread(self._show_frame, side, shown)

    def _show_frame(self, side: str, shown: Shown | None) -> None:
        for frame in self.query(f"#{side}-frame").results(FrameView):
            frame.show(shown)

    def action_first(self) -> None:
        """Go to the first step that did something else."""
        if self._comparison.first_difference is not None:
            self.query_one(DataTable).move_cursor(row=self._comparison.first_difference - 1)

    def action_close_up(self) -> None:
        """More detail, or the whole screens again."""
        for frame in self.query(FrameView):
            frame.close_up = not frame.close_up


def _sign(pair: Pair) -> str:
    if not pair.same_action:
        return "≠"
    return " " if pair.same_screen else "~"


def _words(step: Step | None) -> str:
    return f"{describe(step.action, step.target)} → {effect_words(step.effect)}" if step is not None else "—"

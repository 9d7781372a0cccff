"""The first screen: what should be done, on what, and what was done before."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from textual import events as ui
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.screen import Screen
from textual.widgets import DataTable, Footer, Header, Input, Label, Select, Static, TextArea

from edgeagent.sessions.store import SessionStore
from edgeagent.sessions.summary import SessionSummary, summarize
from edgeagent.words import printable
from edgeagent_harness.policy.gate_types import GateMode

_SHOWN_SESSIONS = 200
_OPTIONS = {
    "applications": ("app", "mousepad"),
    "url": ("page", "http://…"),
    "home": ("folder", "a new one"),
    "model": ("model", "embedded"),
    "policy": ("policy", "locked"),
}
"""Name -> title and what stands there while it is empty."""
_FIRST_WORDS = (
    "Nothing was done yet. Try it: write\n\n    Write 'Hello' and save it as hello.txt\n\n"
    "above, press Tab, write mousepad as the app, press Enter, and watch.\n\n"
    "A folder that you name is what the applications see as their home: what they save is found there. "
    "Without one they get a new one, kept beside the session's recording."
)
_MODE_WORDS: dict[GateMode, str] = {
    "plan": "plan: only looks",
    "ask": "ask: asks first",
    "bounded": "bounded: by rules",
    "auto": "auto: acts alone",
}


class TaskWanted(Message):
    """The user asks for this."""

    def __init__(self, task: str, applications: str, url: str, home: str, model: str, mode: GateMode, policy: str) -> None:
        super().__init__()
        self.task = task
        self.applications = applications
        self.url = url
        self.home = home
        self.model = model
        self.mode: GateMode = mode
        self.policy = policy


class SessionWanted(Message):
    """The user wants to look at this session."""

    def __init__(self, session: str) -> None:
        super().__init__()
        self.session = session


class TaskInput(TextArea):
    """Several lines; Enter starts, Ctrl+J or Shift+Enter breaks the line, Up in an empty field brings back earlier tasks."""

    class Submitted(Message):
        """Enter was pressed."""

    def __init__(self, id: str) -> None:
        super().__init__(id=id, soft_wrap=True, show_line_numbers=False)
        self.earlier: list[str] = []
        self._back = 0

    async def _on_key(self, event: ui.Key) -> None:
        if event.key == "enter":
            event.prevent_default().stop()
            self.post_message(self.Submitted())
        elif event.key in {"ctrl+j", "shift+enter"}:
            event.prevent_default().stop()
            self.insert("\n")
        elif event.key in {"up", "down"} and self._browses():
            event.prevent_default().stop()
            self._show_earlier(1 if event.key == "up" else -1)
        else:
            await super()._on_key(event)

    def _browses(self) -> bool:
        return bool(self.earlier) and (not self.text or self.text in self.earlier)

    def _show_earlier(self, step: int) -> None:
        self._back = min(max(self._back + step, 0), len(self.earlier))
        self.text = self.earlier[-self._back] if self._back else ""
        self.move_cursor(self.document.end)


class HomeScreen(Screen[None]):
    """Ask for a task, or go back to a session."""

    BINDINGS = (
        Binding("ctrl+s", "search", "Find a session"),
        Binding("ctrl+n", "task", "New task"),
        Binding("ctrl+q", "app.quit", "Quit"),
    )

    def __init__(self, store: SessionStore) -> None:
        super().__init__()
        self._store = store
        self._summaries: list[SessionSummary] = []

    def compose(self) -> ComposeResult:
        yield Header()
        with Vertical(id="ask-task"):
            yield Label("What should be done? (Enter starts, Ctrl+J breaks the line)", markup=False)
            yield TaskInput(id="task")
            with Horizontal(id="options"):
                for name, (title, hint) in _OPTIONS.items():
                    option = Input(placeholder=hint, id=name)
                    option.border_title = title
                    yield option
                yield Select([(words, mode) for mode, words in _MODE_WORDS.items()], value="auto", allow_blank=False, id="mode")
        yield Input(placeholder="find in tasks and outcomes", id="find")
        yield DataTable(id="sessions", cursor_type="row")
        yield Static(_FIRST_WORDS, id="first-words", markup=False)
        yield Footer()

    def on_mount(self) -> None:
        self.query_one("#ask-task").border_title = "New task"
        self.query_one("#mode").border_title = "mode"
        table = self.query_one("#sessions", DataTable)
        table.border_title = "Sessions"
        table.add_columns("when", "outcome", "steps", "task")
        self.query_one("#task").focus()

    def on_screen_resume(self) -> None:
        self._read_sessions()

    @work(thread=True, exclusive=True, group="sessions")
    def _read_sessions(self) -> None:
        summaries = [summarize(self._store.root / known) for known in self._store.ids()[-_SHOWN_SESSIONS:]]
        self.app.call_from_thread(self._show_sessions, summaries)

    def _show_sessions(self, summaries: list[SessionSummary]) -> None:
        self._summaries = summaries[::-1]
        self.query_one("#first-words").display = not summaries
        self.query_one("#sessions").display = bool(summaries)
        self.query_one(TaskInput).earlier = list(dict.fromkeys(summary.task for summary in summaries if summary.task))
        self._fill(self.query_one("#find", Input).value)

    def _fill(self, wanted: str) -> None:
        table = self.query_one("#sessions", DataTable)
        table.clear()
        for summary in _matching(self._summaries, wanted):
            when = datetime.fromtimestamp(summary.created_s).strftime("%d %b %H:%M") if summary.created_s else "?"
            table.add_row(when, summary.status, str(summary.steps), " ".join(printable(summary.task).split()), key=summary.id)
        table.border_subtitle = f"{table.row_count} of {len(self._summaries)}"

    @on(Input.Changed, "#find")
    def _find(self, event: Input.Changed) -> None:
        self._fill(event.value)

    @on(DataTable.RowSelected, "#sessions")
    def _open(self, event: DataTable.RowSelected) -> None:
        if event.row_key.value:
            self.post_message(SessionWanted(event.row_key.value))

    @on(TaskInput.Submitted)
    @on(Input.Submitted, "#options Input")
    def _start(self) -> None:
        task = self.query_one(TaskInput).text.strip()
        if not task:
            self.app.notify("Say first what should be done.", severity="warning")
            self.action_task()
            return
        said = {name: self.query_one(f"#{name}", Input).value.strip() for name in _OPTIONS}
        mode = _mode(self.query_one("#mode", Select).value)
        self.post_message(
            TaskWanted(task, said["applications"], said["url"], said["home"], said["model"] or "embedded", mode, said["policy"])
        )

    def started(self) -> None:
        """What was asked for is under way: the next task is another one."""
        self.query_one(TaskInput).clear()

    def action_search(self) -> None:
        """Go to the line that filters the sessions."""
        self.query_one("#find").focus()

    def action_task(self) -> None:
        """Go to the task."""
        self.query_one("#task").focus()


def _mode(chosen: object) -> GateMode:
    for mode in _MODE_WORDS:
        if chosen == mode:
            return mode
    return "auto"


def _matching(summaries: Iterable[SessionSummary], wanted: str) -> list[SessionSummary]:
    words = wanted.casefold().split()
    return [summary for summary in summaries if all(word in _searched(summary) for word in words)]


def _searched(summary: SessionSummary) -> str:
    return f"{summary.id} {summary.task} {summary.status} {summary.message} {summary.answer}".casefold()

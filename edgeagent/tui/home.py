"""The first screen: what should be done, on what, and what was done before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Footer, Header, Input, Label, Select, Static

from edgeagent.errors import EdgeAgentError
from edgeagent.settings import Settings
from edgeagent.tui.frame_view import ShowsFrames
from edgeagent.tui.task_input import TaskInput
from edgeagent.tui.wanted import MODE_WORDS, SessionsRead, Wanted, gate_mode

if TYPE_CHECKING:
    from edgeagent.sessions.store import SessionStore

_OPTIONS = {
    "applications": ("app", "none"),
    "url": ("page", "none"),
    "home": ("folder", "a new one"),
    "agent": ("agent", "none"),
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


class TaskWanted(Message):
    """The user asks for this."""

    def __init__(self, task: str, on: Wanted) -> None:
        super().__init__()
        self.task = task
        self.on = on


class HomeScreen(ShowsFrames):
    """Ask for a task, or go back to a session."""

    TITLE = "edgeagent"
    HELP = (
        "Write what should be done; Enter starts it. @ and a path (Tab completes it) puts a text file's words behind the task. "
        "Below are the sessions: words find them by task and outcome, and by what was typed and seen in them; state:done and "
        "model:embedded narrow down. On them: Enter opens, C compares two, D deletes, "
        "K keeps one whatever the rules say, X deletes by a rule."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "search", "Find a session"),
        Binding("ctrl+n", "task", "New task"),
        Binding("f1", "app.help", "Help"),
        Binding("f8", "agent", "Agents"),
        Binding("f9", "model", "Models"),
        Binding("f11,ctrl+l", "policy", "Policy in words"),
        Binding("f12,ctrl+o", "app.settings", "Settings"),
        Binding("ctrl+q", "app.quit", "Quit"),
    ]

    def __init__(self, store: Callable[[], SessionStore], settings: Settings) -> None:
        super().__init__()
        self._store = store
        self._settings = settings
        self._gave_way = (Wanted(), Wanted())
        """What was written before the agent was heard, and what of it stayed."""

    def compose(self) -> ComposeResult:
        yield Header()
        with Vertical(id="ask-task"):
            yield Label("What should be done? (Enter starts, Ctrl+J breaks the line)", markup=False)
            yield TaskInput(id="task")
            with Horizontal(id="options"):
                for name, (title, hint) in _OPTIONS.items():
                    option = Input(self._begins_with(name), placeholder=hint, id=name)
                    option.border_title = title
                    yield option
                modes = [(f"{mode}: {words}", mode) for mode, words in MODE_WORDS.items()]
                yield Select(modes, value=gate_mode(self._settings.mode) or "auto", allow_blank=False, id="mode")
        yield Static(_FIRST_WORDS, id="first-words", markup=False)
        yield Footer()

    def _begins_with(self, name: str) -> str:
        said = {"model": self._settings.model, "policy": self._settings.policy}.get(name, "")
        return "" if said == "embedded" else said

    def on_mount(self) -> None:
        self.query_one("#ask-task").border_title = "New task"
        self.query_one("#mode").border_title = "mode"
        self.query_one("#first-words").display = False
        self.query_one("#task").focus()

    def on_screen_resume(self) -> None:
        super().on_screen_resume()
        self.call_after_refresh(self._read_sessions)

    def _read_sessions(self) -> None:
        """Behind the first paint: the table, and what reads sessions, take a moment."""
        from edgeagent.tui.session_table import SessionTable

        if not self.query(SessionTable):
            table = SessionTable(self._store, id="session-table")
            table.display = False
            self.mount(table, before="#first-words")
            self.call_after_refresh(table.read)
        else:
            self.query_one(SessionTable).read()

    @on(SessionsRead)
    def _sessions_read(self, message: SessionsRead) -> None:
        self.query_one("#first-words").display = not self.query_one("#session-table").display
        self.query_one(TaskInput).earlier = message.tasks

    @on(TaskInput.Submitted)
    @on(Input.Submitted, "#options Input")
    def _start(self) -> None:
        task = self.query_one(TaskInput).text.strip()
        if not task:
            self.app.notify("Say first what should be done.", severity="warning")
            self.action_task()
            return
        self.post_message(TaskWanted(task, self._wanted()))

    def _wanted(self) -> Wanted:
        said = {name: self.query_one(f"#{name}", Input).value.strip() for name in _OPTIONS}
        return Wanted(**said, mode=gate_mode(self.query_one("#mode", Select).value) or "auto")

    def started(self) -> None:
        """What was asked for is under way: the next task is another one."""
        self.query_one(TaskInput).clear()

    def fill_in(self, task: str, applications: str) -> None:
        """Write this as if the user had, and start it."""
        self.query_one(TaskInput).text = task
        self.query_one("#applications", Input).value = applications
        self._start()

    def action_search(self) -> None:
        """Go to the line that filters the sessions."""
        for line in self.query("#find"):
            line.focus()

    def action_task(self) -> None:
        """Go to the task."""
        self.query_one("#task").focus()

    @work(group="model")
    async def action_model(self) -> None:
        """Choose among the models that are here, and see which others fit."""
        from edgeagent.tui.models_here import choose_model

        field = self.query_one("#model", Input)
        said = await choose_model(self.app, field.value or "embedded")
        if said:
            field.value = "" if said == "embedded" else said

    @work(group="agent")
    async def action_agent(self) -> None:
        """Choose what to work as, and see what it means."""
        from edgeagent.tui.agents_screen import AgentsScreen, agents_here

        now = self.query_one("#agent", Input).value.strip()
        said = await self.app.push_screen_wait(AgentsScreen(now, agents_here(now)))
        if said is not None:
            self.query_one("#agent", Input).value = said
            self._make_room()

    @on(Input.Blurred, "#agent")
    def _make_room(self) -> None:
        """What the settings filled in gives way to what the agent says; that is shown where nothing else is written."""
        from edgeagent.agents.reading import load
        from edgeagent.tui.request import giving_way

        before = self._given_back(self._wanted())
        try:
            agent = load(before.agent)
        except EdgeAgentError:  # said when the task is started
            agent = None
        begun = Wanted(model=self._begins_with("model"), policy=self._begins_with("policy"))
        wanted = giving_way(before, begun, agent)
        self._gave_way = (before, wanted)
        start = agent.start if agent else None
        hints = {"model": agent.model, "policy": agent.policy} if agent else {}
        hints |= {"applications": " ".join(start.apps), "url": start.url, "home": start.home} if start else {}
        for name, (_, hint) in _OPTIONS.items():
            field = self.query_one(f"#{name}", Input)
            field.placeholder = hints.get(name) or hint
            field.value = getattr(wanted, name)
        self.query_one("#mode", Select).value = wanted.mode

    def _given_back(self, now: Wanted) -> Wanted:
        """``now`` as it would be without the agent that was heard last."""
        before, stayed = self._gave_way
        names = ("model", "policy", "mode")
        return replace(now, **{name: getattr(before, name) for name in names if getattr(now, name) == getattr(stayed, name)})

    def action_policy(self) -> None:
        """What the policy that is named here permits."""
        from edgeagent.tui.policy_screen import PolicyScreen
        from edgeagent.words import printable

        try:
            self.app.push_screen(PolicyScreen.of_choice(self.query_one("#policy", Input).value.strip()))
        except EdgeAgentError as error:
            self.app.notify(printable(f"{error}. {error.hint}"), severity="error", timeout=10, markup=False)

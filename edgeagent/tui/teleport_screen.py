"""A session moves to a backend, or back: what leaves, the question, and how far it is. Renders typed progress, and no more."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Button, Footer, Static

from edgeagent.errors import EdgeAgentError
from edgeagent.sessions.summary import human_bytes
from edgeagent.sessions.whereabouts import whereabouts
from edgeagent.teleport.plan import Plan, make_plan
from edgeagent.teleport.progress import Entered, Moved, Previewed, Progress, Stage
from edgeagent.teleport.telling import Line, bar, plan_lines, whose
from edgeagent.tui.lines_view import LinesView
from edgeagent.tui.moving import MayLeave, MoveThread, MoveTold, Over, Progressed, Way
from edgeagent.tui.working import RunThread
from edgeagent.words import printable

Ended = Literal["moved", "kept", "not moved"]
Shown = Stage | Literal["previewed"]
_STAGES: dict[Way, dict[Shown, str]] = {
    "push": {
        "previewed": "you look at what leaves",
        "preparing": "the step here ends",
        "uploading": "it is sent",
        "verifying": "rebuilt, compared there",
        "handing_over": "handed over",
        "there": "it goes on there",
    },
    "pull": {"returning": "the step there ends", "fetching": "it is fetched", "returned": "it is here again"},
    "keep": {},
}
_CELLS = 18
_ENDED_S = 0.5
"""A run's thread ends a moment after it has said so; Esc is this screen's from then on."""
_ENDS_S = 3.0
"""For a move that was let go of to end."""


class MoveSaid(Message):
    """Something that the move's thread said."""

    def __init__(self, told: MoveTold) -> None:
        super().__init__()
        self.told = told


class TeleportScreen(Screen[Ended]):
    """The list of what leaves, the stages, and a question; nothing leaves before it is answered."""

    CSS_PATH = "screens.tcss"
    TITLE = "Teleport"
    HELP = (
        "The list is what leaves, to the byte, and nothing else does; arrows and Page keys move in it. A run under way finishes "
        "its step first, and you are asked again if that changed the list. Esc lets go at any point: then it is said whose the "
        "session is, and the same key goes on where this ended."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "say(True)", "Yes"),
        Binding("n", "say(False)", "No"),
        Binding("t", "again", "Go on"),
        Binding("k", "keep", "Keep it here"),
        Binding("escape", "let_go", "Let go, back"),
        Binding("ctrl+c", "let_go", "Let go", show=False),
        Binding("f1", "app.help", "Help"),
    ]

    def __init__(
        self, directory: Path, name: str, place: str, way: Way, run: RunThread | None = None, held: bool = False
    ) -> None:  # fmt: skip
        """``place``: address of the backend called ``name``. ``run``: works on the session now; ``held`` before an action.

        Raises `RecordingDamaged`.
        """
        super().__init__()
        self.directory = directory
        self._name, self._place = name, place
        self._way: Way = way
        self._run, self._held = run, held
        self._cut_off = whereabouts(directory).phase == "handing_over"
        self._move: MoveThread | None = None
        self._leaving = ""
        """Names the list that the user has said yes to, or looks at."""
        self._asking = self._declined = False
        self._over: Over | None = None
        self._at: Shown | None = None
        self._seen: set[Shown] = set()
        self._moved: Moved | None = None

    def compose(self) -> ComposeResult:
        yield Static(id="teleport-to", markup=False)
        with Horizontal(id="teleport-stage"):
            yield LinesView(id="leaves")
            yield Static(id="stages", markup=False)
        with Vertical(id="teleport-ask"):
            yield Static(id="teleport-words", markup=False)
            with Horizontal(classes="buttons"):
                yield Button("Yes (y)", id="yes", variant="success")
                yield Button("No (n)", id="no", variant="error")
        yield Footer()

    def on_mount(self) -> None:
        where = "from" if self._way == "pull" else "to"
        self.query_one("#teleport-to", Static).update(f"{self.directory.name} {where} {self._name}, {self._place}")
        self.query_one("#leaves").border_title = "What leaves"
        self.query_one("#stages").border_title = "On the way"
        if self._way == "push":
            self._enter("previewed")
            self.say_words("looking at what would leave …")
            self._look()
        else:
            self.query_one("#leaves").display = False
            self.query_one("#stages").add_class("alone")
            self._begin(self._way)

    def on_unmount(self) -> None:
        if self._move is not None and self._over is None:
            self._move.cancel()

    # -- looking and answering --------------------------------------------------------------------------------------------

    @work(thread=True)
    def _look(self) -> None:
        try:
            plan = make_plan(self.directory)
            lines = list(plan_lines(plan))
            self.app.call_from_thread(self._ask, plan.leaving, lines)
        except EdgeAgentError as error:
            self.app.call_from_thread(self._end, Over(str(error), error.hint))

    def _ask(self, leaving: str, lines: list[Line]) -> None:
        if self._over is not None or not self.is_attached:
            return
        self._leaving = leaving
        self.query_one(LinesView).show(lines)
        self._asking = True
        words = f"May this leave for {self._name}?"
        if self._move is None and self._run is not None and self._run.alive:
            words = "It runs: its step finishes first, then you are asked with the list as it is then. Go on?"
        elif self._move is None and self._cut_off:
            words = f"{whose(whereabouts(self.directory))} Y goes on; K keeps it here."
        self.say_words(words)
        self.query_one("#yes").focus()
        self.set_timer(_ENDED_S, self.refresh_bindings)

    def action_say(self, send: bool) -> None:
        """Answer the question."""
        if not self._asking:
            return
        self._asking = False
        self.say_words("")
        if not send:
            self._declined = True
            self.action_let_go()
        elif self._move is not None:
            self._move.answer(True)
        else:
            if self._run is not None and self._held:
                self._run.stop()  # nothing is under way: what it was held before is decided anew there
            self._begin("push")

    @on(Button.Pressed)
    def _press(self, event: Button.Pressed) -> None:
        self.action_say(event.button.id == "yes")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what makes sense at the moment is offered."""
        if action == "say":
            return self._asking
        if action == "again":
            return self._over is not None
        if action == "keep":
            return self._move is None and self._cut_off
        return super().check_action(action, parameters)

    def action_again(self) -> None:
        """Go on with a move that did not come through."""
        self._over, self._moved, self._at = None, None, None
        self._seen.clear()
        self._begin(self._way)

    def action_keep(self) -> None:
        """Have a session whose hand-over was cut off stay here after all."""
        self._asking = False
        self._begin("keep")

    def action_let_go(self) -> None:
        """End the move where it is, and say whose the session is; once that is said, go back."""
        if self._over is not None or self._move is None:
            self.dismiss("not moved")
        else:
            self.say_words("letting go …")
            self._move.cancel()

    # -- the move ---------------------------------------------------------------------------------------------------------

    def _begin(self, way: Way) -> None:
        self._move = MoveThread(self.directory, self._name, way, self._leaving)
        self._move.tell = self._tell
        self.say_words("" if way != "keep" else f"asking {self._name} …")
        self._move.start()
        self.refresh_bindings()

    def _tell(self, told: MoveTold) -> None:
        self.post_message(MoveSaid(told))

    @on(MoveSaid)
    def _hear(self, message: MoveSaid) -> None:
        self.hear(message.told)

    def hear(self, told: MoveTold) -> None:
        """Show what the move tells of itself."""
        match told:
            case Progressed(progress=progress):
                self._asking = False
                self._progress(progress)
            case MayLeave(plan=plan):
                self._list(plan)
            case Over() as over:
                self._end(over)

    def _progress(self, progress: Progress) -> None:
        match progress:
            case Entered(stage=stage):
                self._enter(stage)
            case Moved():
                self._moved = progress
                self._show_stages()
            case Previewed():
                self._enter("previewed")

    @work(thread=True)
    def _list(self, plan: Plan) -> None:
        lines = list(plan_lines(plan))
        self.app.call_from_thread(self._ask, plan.leaving, lines)

    def _end(self, over: Over) -> None:
        if not self.is_attached:
            return
        if self._move is not None:
            self._move.join(_ENDS_S)  # it has said its last word
        self._over, self._asking = over, False
        if over.moved or self._declined:
            kept = self._move is not None and self._move.way == "keep"
            self.dismiss("not moved" if self._declined else "kept" if kept else "moved")
            return
        now = whereabouts(self.directory)
        problem = (
            "Let go." if over.problem == "cancelled" else f"It did not come through: {over.problem}; {over.hint}".rstrip("; ")
        )
        self.say_words(printable(f"{problem}\n{whose(now)} T goes on; Esc goes back."))
        self._show_stages()
        self.refresh_bindings()

    # -- what is shown ----------------------------------------------------------------------------------------------------

    def say_words(self, words: str) -> None:
        """What is asked, or what went wrong; empty: nothing."""
        self.query_one("#teleport-words", Static).update(words)
        self.query_one("#teleport-ask").display = bool(words)
        self.query_one(".buttons").display = self._asking
        self.refresh_bindings()

    def _enter(self, stage: Shown) -> None:
        if self._at is not None:
            self._seen.add(self._at)
        self._at = stage
        self._show_stages()

    def _show_stages(self) -> None:
        lines: list[str] = []
        for stage, words in _STAGES[self._way].items():
            sign = ("✗" if self._over else "▶") if stage == self._at else "✓" if stage in self._seen else "·"
            lines.append(f"{sign} {words}")
            if self._moved is not None and stage in ("uploading", "fetching"):
                lines += _moved_lines(self._moved)
        self.query_one("#stages", Static).update("\n".join(lines))


def _moved_lines(moved: Moved) -> list[str]:
    if not moved.total:
        return [f"  nothing new: {human_bytes(moved.had)}", "  are there already"]
    return [f"  {bar(moved.done, moved.total, _CELLS)}", f"  {human_bytes(moved.done)} of {human_bytes(moved.total)}"]

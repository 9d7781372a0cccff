"""The question before an action. Drawn by this program alone: nothing on the sandbox's screen can answer it."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from edgeagent.policy.asking import GRANT_S, Question, Said
from edgeagent.words import printable


class AskScreen(ModalScreen[Said]):
    """Yes, yes for the same thing in the same place for a while, or no."""

    BINDINGS = (
        Binding("y", "say('yes')", "Yes"),
        Binding("a", "say('always')", "Always here"),
        Binding("n", "say('no')", "No"),
        Binding("escape", "say('no')", "No", priority=True),
    )

    def __init__(self, question: Question) -> None:
        super().__init__()
        self._question = question

    def compose(self) -> ComposeResult:
        question = self._question
        where = f"in {', '.join(question.places)}" if question.places else "where it goes is not known"
        with Vertical(id="ask"):
            yield Static("May this be done?", id="ask-title", markup=False)
            yield Static(printable(question.action), id="ask-action", markup=False)
            yield Static(printable(where), markup=False)
            yield Static(printable(f"asked because of {question.rule}. {question.why}".rstrip()), id="ask-rule", markup=False)
            with Horizontal(id="ask-buttons"):
                yield Button("Yes (y)", id="yes", variant="success")
                yield Button(f"The same again for {GRANT_S / 60:.0f} min (a)", id="always")
                yield Button("No (n)", id="no", variant="error")

    def on_mount(self) -> None:
        self.query_one("#yes").focus()

    def action_say(self, said: Said) -> None:
        """Answer."""
        self.dismiss(said)

    @on(Button.Pressed, "#yes")
    def _yes(self) -> None:
        self.dismiss("yes")

    @on(Button.Pressed, "#always")
    def _always(self) -> None:
        self.dismiss("always")

    @on(Button.Pressed, "#no")
    def _no(self) -> None:
        self.dismiss("no")

"""The question before an action. Drawn by this program alone: nothing on the sandbox's screen can answer it."""

from __future__ import annotations

from typing import ClassVar, Literal, TypeAlias

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from edgeagent.policy.asking import Answer, Instead, Question
from edgeagent.policy.grants import GRANT_S
from edgeagent.tui.editing import EditScreen
from edgeagent.words import printable
from edgeagent_harness.protocol.actions import Action

AskAnswer: TypeAlias = Answer | Literal["take_over"]
Key = Literal["yes", "always", "no", "take_over"]


class AskScreen(ModalScreen[AskAnswer]):
    """Yes, yes for the same thing in the same place for a while, something else instead, by one's own hands, or no."""

    CSS_PATH = "screens.tcss"
    HELP = (
        "The policy, or the mode, leaves this action to you. Nothing on the sandbox's screen can answer here. "
        "'Always' covers what the button says: this kind of action, in this application, within 24 pixels of this place, "
        f"asked because of the same rule, for {GRANT_S / 60:.0f} minutes. Typing may then go on with other text where it is "
        "known which field it goes to, and Enter is not pressed behind it."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "say('yes')", "Yes"),
        Binding("a", "say('always')", "Always, here"),
        Binding("e", "edit", "Edit"),
        Binding("t", "say('take_over')", "Take over"),
        Binding("n", "say('no')", "No"),
        Binding("m", "beneath('mode')", "Mode, from the action after this one on"),
        Binding("o", "beneath('model')", "Model, from the step after this one on"),
        Binding("f1", "app.help", "Help"),
    ]

    def __init__(self, question: Question, size_px: tuple[int, int]) -> None:
        super().__init__()
        self._question = question
        self._size_px = size_px

    def compose(self) -> ComposeResult:
        question = self._question
        where = f"in {', '.join(question.places)}" if question.places else "where it goes is not known"
        with Vertical(id="ask", classes="dialog"):
            yield Static("May this be done?", id="ask-title", classes="dialog-title", markup=False)
            yield Static(printable(question.action), id="ask-action", markup=False)
            yield Static(printable(where), markup=False)
            yield Static(printable(f"asked because of {question.rule}. {question.why}".rstrip()), id="ask-rule", markup=False)
            with Horizontal(classes="buttons"):
                yield Button("Yes (y)", id="yes", variant="success")
                yield Button("Edit (e)", id="edit", disabled=question.proposed is None)
                yield Button("No (n)", id="no", variant="error")
            with Horizontal(classes="buttons"):
                yield Button(f"Always, for {GRANT_S / 60:.0f} min (a)", id="always", disabled=not question.again)
                yield Button("Take over (t)", id="take_over")
            always = f"Always: {question.again}. " if question.again else ""
            yield Static(f"{always}M another mode, O another model. Esc stops the run", classes="dialog-keys", markup=False)

    def on_mount(self) -> None:
        self.query_one("#yes").focus()

    def action_say(self, said: Key) -> None:
        """Answer."""
        if said != "always" or self._question.again:
            self.dismiss(said)

    async def action_beneath(self, action: str) -> None:
        """What the session's screen does with that key: for what comes after this question."""
        await self.app.run_action(action, self.app.screen_stack[-2])

    def action_edit(self) -> None:
        """Change the action first."""
        if self._question.proposed is not None:
            self.app.push_screen(EditScreen(self._question.proposed, self._size_px), self._edited)

    def _edited(self, action: Action | None) -> None:
        if action is not None:
            self.dismiss(Instead(action))

    @on(Button.Pressed)
    def _press(self, event: Button.Pressed) -> None:
        match event.button.id:
            case "yes" | "always" | "no" | "take_over" as said:
                self.dismiss(said)
            case _:
                self.action_edit()

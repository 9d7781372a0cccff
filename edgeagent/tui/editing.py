"""An action is edited as what it is: JSON of the one action vocabulary, checked while it is typed."""

from __future__ import annotations

from typing import ClassVar

import msgspec
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Static, TextArea

from edgeagent.action import to_physical
from edgeagent.errors import ReplyMalformed, UsageError
from edgeagent.words import describe
from edgeagent_harness.protocol.actions import Action
from edgeagent_harness.protocol.frames import FrameInfo


def as_text(action: Action) -> str:
    """``action`` to be edited."""
    return msgspec.json.format(msgspec.json.encode(action), indent=2).decode()


def from_text(text: str, size_px: tuple[int, int]) -> Action:
    """The action that was typed, on a screen of ``size_px``. Raises `UsageError` saying what is wrong."""
    try:
        action = msgspec.json.decode(text, type=Action)
        return to_physical(action, "physical", FrameInfo(0, *size_px, 0))
    except (msgspec.MsgspecError, RecursionError, ReplyMalformed) as error:
        raise UsageError(f"not an action: {error}", "docs/actions.md lists them") from error


class EditScreen(ModalScreen[Action | None]):
    """Another action in the place of the proposed one; None: back to the question."""

    CSS_PATH = "screens.tcss"
    HELP = "Change what is to be done: the place, the text, the keys, or the whole action. docs/actions.md lists all actions."
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "accept", "Do this instead", priority=True),
        Binding("f4", "dismiss(None)", "Back to the question"),
        Binding("f1", "app.help", "Help"),
    ]

    def __init__(self, action: Action, size_px: tuple[int, int]) -> None:
        super().__init__()
        self._size_px = size_px
        self._text = as_text(action)

    def compose(self) -> ComposeResult:
        with Vertical(id="edit-action", classes="dialog"):
            yield Static("Do this instead", classes="dialog-title", markup=False)
            yield TextArea(self._text, language=None, show_line_numbers=False, id="action-text")
            yield Static(id="action-words", markup=False)
            with Horizontal(classes="buttons"):
                yield Button("Do this (Ctrl+S)", id="accept", variant="success")
                yield Button("Back (F4)", id="back")

    def on_mount(self) -> None:
        self.query_one(TextArea).focus()
        self._check()

    @on(TextArea.Changed)
    def _check(self) -> None:
        words = self.query_one("#action-words", Static)
        try:
            action = from_text(self.query_one(TextArea).text, self._size_px)
        except UsageError as error:
            words.update(f"✗ {error}")
            words.set_class(True, "wrong")
            self.query_one("#accept", Button).disabled = True
        else:
            words.update(f"✓ {describe(action)}")
            words.set_class(False, "wrong")
            self.query_one("#accept", Button).disabled = False

    @on(Button.Pressed, "#accept")
    def action_accept(self) -> None:
        """Take what is there, if it is an action."""
        try:
            self.dismiss(from_text(self.query_one(TextArea).text, self._size_px))
        except UsageError as error:
            self.app.notify(str(error), severity="error", markup=False)

    @on(Button.Pressed, "#back")
    def _back(self) -> None:
        self.dismiss(None)

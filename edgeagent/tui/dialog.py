"""Small windows over a screen: a question with a few answers, a list to choose from. Drawn by this program alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from edgeagent.words import printable


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing to choose."""

    id: str
    title: str
    note: str = ""


class ChoiceScreen(ModalScreen[str | None]):
    """Choose one of a few; None: nothing was chosen."""

    CSS_PATH = "screens.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss(None)", "Back"),
        Binding("f1", "app.help", "Help"),
    ]

    def __init__(self, title: str, choices: Sequence[Choice], chosen: str = "") -> None:
        super().__init__()
        self._title = title
        self._choices = choices
        self._chosen = chosen

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(printable(self._title), classes="dialog-title", markup=False)
            yield OptionList(*(Option(_words(choice), id=choice.id) for choice in self._choices), id="choices")
            yield Static("Up, Down, Enter; Q goes back", classes="dialog-keys", markup=False)

    def on_mount(self) -> None:
        choices = self.query_one("#choices", OptionList)
        ids = [choice.id for choice in self._choices]
        choices.highlighted = ids.index(self._chosen) if self._chosen in ids else 0
        choices.focus()

    @on(OptionList.OptionSelected, "#choices")
    def _choose(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option.id)


class LineScreen(ModalScreen[str | None]):
    """One line of text; None: nothing was said."""

    CSS_PATH = "screens.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "Back")]

    def __init__(self, title: str, note: str, value: str = "", hint: str = "") -> None:
        super().__init__()
        self._title, self._note, self._value, self._hint = title, note, value, hint

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(printable(self._title), classes="dialog-title", markup=False)
            yield Static(printable(self._note), markup=False)
            yield Input(self._value, placeholder=self._hint, id="line")
            yield Static("Enter says it", classes="dialog-keys", markup=False)

    def on_mount(self) -> None:
        self.query_one("#line").focus()

    @on(Input.Submitted, "#line")
    def _say(self, event: Input.Submitted) -> None:
        self.dismiss(event.value.strip() or None)


def _words(choice: Choice) -> Text:
    text = Text(printable(choice.title), style="bold")
    if choice.note:
        text.append(f"\n  {printable(choice.note)}", "not bold dim")
    return text

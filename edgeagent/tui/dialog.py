"""Small windows over a screen: a question with a few answers, a list to choose from. Drawn by this program alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Button, Input, OptionList, Static
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


class TellScreen(ModalScreen[None]):
    """Something that the user should have read before going on."""

    CSS_PATH = "screens.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,enter", "dismiss(None)", "Back", priority=True)]

    def __init__(self, title: str, lines: Sequence[str]) -> None:
        super().__init__()
        self._title, self._lines = title, lines

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(printable(self._title), classes="dialog-title", markup=False)
            yield Static("\n".join(printable(line) for line in self._lines), markup=False)
            yield Static("Enter or Q goes back", classes="dialog-keys", markup=False)


class ConfirmScreen(ModalScreen[bool]):
    """Whether something is to be done that cannot simply be taken back; ``lines`` say what it comes to."""

    CSS_PATH = "screens.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "dismiss(True)", "Yes"),
        Binding("n,q", "dismiss(False)", "No"),
        Binding("escape", "dismiss(False)", "No", priority=True),
        Binding("f1", "app.help", "Help"),
    ]

    def __init__(self, title: str, lines: Sequence[str], yes: str, no: str = "No") -> None:
        super().__init__()
        self._title, self._lines, self._yes, self._no = title, lines, yes, no

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(printable(self._title), classes="dialog-title", markup=False)
            with VerticalScroll(id="confirm-lines"):
                yield Static("\n".join(printable(line) for line in self._lines), markup=False)
            with Horizontal(classes="buttons"):
                yield Button(f"{self._yes} (y)", id="yes", variant="warning")
                yield Button(f"{self._no} (n)", id="no")

    def on_mount(self) -> None:
        self.query_one("#no").focus()

    @on(Button.Pressed)
    def _press(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "yes")


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
            yield Static("Enter says it; Enter on nothing goes back", classes="dialog-keys", markup=False)

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

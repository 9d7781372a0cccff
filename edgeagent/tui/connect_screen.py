"""A backend is connected to: the user says where it is, it is met, and its key is shown before it is remembered."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Label, Static

from edgeagent.errors import EdgeAgentError, UsageError
from edgeagent.teleport.backends import Connected, checked_name, keep_backend
from edgeagent.teleport.meeting import said_of, token_in
from edgeagent.tui.meeting import NOTES, MeetThread, MeetTold, Met, NotMet, shown_key
from edgeagent.words import printable

_FIELDS = {
    "name": ("name here", "attic"),
    "url": ("its address", "https://ADDRESS:8470, or http://127.0.0.1:8470 on this machine"),
    "token": ("token", "paste it, or name its file below"),
    "token-file": ("or its file", ""),
    "ca": ("CA file", "PEM, where its certificate is of your own making"),
}
"""Field -> (label, what stands in it while it is empty)."""


class MeetSaid(Message):
    """Something that the thread said."""

    def __init__(self, thread: MeetThread, told: MeetTold) -> None:
        super().__init__()
        self.thread = thread
        self.told = told


class ConnectScreen(ModalScreen[str | None]):
    """The name of the backend that was connected to; None: none was."""

    CSS_PATH = "screens.tcss"
    TITLE = "Connect to a backend"
    HELP = (
        "Enter in any field meets the backend: it has to answer, and to take the token. Then its key is shown; what comes back "
        "from it must be signed with that one from then on. Nothing is remembered before you say yes; no session leaves here."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back", priority=True),
        Binding("y", "keep", "Yes"),
        Binding("n", "back", "No"),
        Binding("f1", "app.help", "Help"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._meeting: MeetThread | None = None
        self._met: Connected | None = None

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog", id="connect"):
            yield Static("Connect to a backend", classes="dialog-title", markup=False)
            with VerticalScroll(id="connect-form"):
                yield Static("\n".join(NOTES), id="connect-notes", markup=False)
                for name, (label, hint) in _FIELDS.items():
                    with Horizontal(classes="field"):
                        yield Label(label, markup=False)
                        yield Input(placeholder=hint, password=name == "token", compact=True, id=name)
            yield Static(id="connect-words", markup=False)
            with Horizontal(classes="buttons"):
                yield Button("Meet it (Enter)", id="meet", variant="success", compact=True)
                yield Button("Yes, keep it (y)", id="keep", variant="warning", compact=True)
                yield Button("Back (Esc)", id="back", compact=True)

    def on_mount(self) -> None:
        self.query_one("#keep").display = False
        self.query_one("#name").focus()

    def on_unmount(self) -> None:
        if self._meeting is not None:
            self._meeting.cancel()

    # -- the form ---------------------------------------------------------------------------------------------------------

    @on(Input.Submitted)
    @on(Button.Pressed, "#meet")
    def action_meet(self) -> None:
        """Check what is written, and ask the backend who it is."""
        if self._meeting is not None:
            return
        try:
            checked_name(self._said("name"))
            unknown = said_of(self._said("url"), self._token(), self._said("ca"))
        except UsageError as error:
            self._say(f"✗ {error}: {error.hint}".removesuffix(": "), wrong=True)
            return
        self._say(f"asking {unknown.url} …")
        self._meeting = thread = MeetThread(unknown)
        thread.tell = lambda told: self._tell(thread, told)
        thread.start()

    def _tell(self, thread: MeetThread, told: MeetTold) -> None:
        self.post_message(MeetSaid(thread, told))

    def _said(self, name: str) -> str:
        return self.query_one(f"#{name}", Input).value.strip()

    def _token(self) -> str:
        pasted, file = self._said("token"), self._said("token-file")
        if pasted and file:
            raise UsageError("a token and a file with one", "empty one of the two fields")
        return token_in(file) if file else pasted

    @on(MeetSaid)
    def _hear(self, message: MeetSaid) -> None:
        if message.thread is not self._meeting:
            return
        self._meeting = None
        match message.told:
            case Met(found=found):
                self.show_key(found)
            case NotMet(problem=problem, hint=hint):
                self._say(f"✗ {problem}: {hint}".removesuffix(": "), wrong=True)

    def show_key(self, found: Connected) -> None:
        """Have the user compare the key of the backend that was met."""
        self._met = found
        self._say(shown_key(found))
        for field in self.query(Input):
            field.disabled = True
        self.query_one("#connect-form").display = False
        self.query_one("#meet").display = False
        self.query_one("#keep").display = True
        self.query_one("#back").focus()

    def _say(self, words: str, wrong: bool = False) -> None:
        said = self.query_one("#connect-words", Static)
        said.update(printable(words))
        said.set_class(wrong, "wrong")

    # -- the answer -------------------------------------------------------------------------------------------------------

    @on(Button.Pressed, "#keep")
    def action_keep(self) -> None:
        """Remember it with that key."""
        if self._met is None:
            return
        name = self._said("name")
        try:
            keep_backend(name, self._met)
        except EdgeAgentError as error:
            self._say(f"✗ {error}: {error.hint}".removesuffix(": "), wrong=True)
            return
        self.dismiss(name)

    @on(Button.Pressed, "#back")
    def action_back(self) -> None:
        """To the form while a key is looked at, else out of here; nothing is remembered."""
        if self._met is None:
            self.dismiss(None)
            return
        self._met = None
        self._say("")
        for field in self.query(Input):
            field.disabled = False
        self.query_one("#connect-form").display = True
        self.query_one("#meet").display = True
        self.query_one("#keep").display = False
        self.query_one("#url").focus()

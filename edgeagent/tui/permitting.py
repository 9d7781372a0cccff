"""The user permits a place that the policy denied: for this session, or for good. Drawn by this program alone."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from edgeagent.policy.allowed import allow_in
from edgeagent.policy.editing import add_endpoint
from edgeagent.policy.loading import policy_file
from edgeagent.sessions.summary import desktop_of
from edgeagent.words import printable
from edgeagent_harness.policy.hosts import parse_endpoint

Scope = Literal["session", "good", "no"]


class PermitScreen(ModalScreen[Scope]):
    """For this session, for good (in the policy's own file, if it is one of the user's), or not at all."""

    CSS_PATH = "screens.tcss"
    BINDINGS = (
        Binding("s", "say('session')", "This session"),
        Binding("g", "say('good')", "For good"),
        Binding("n", "say('no')", "No"),
        Binding("escape", "say('no')", "No", priority=True),
    )

    def __init__(self, place: str, file: Path | None) -> None:
        super().__init__()
        self._place = place
        self._file = file

    def compose(self) -> ComposeResult:
        where = f"For good: in {self._file}" if self._file else "The policy is a profile of edgeagent's own: not for good"
        with Vertical(id="ask", classes="dialog"):
            yield Static("May this place be reached from the sandbox?", id="ask-title", markup=False)
            yield Static(printable(self._place), id="ask-action", markup=False)
            yield Static(printable(where), id="ask-rule", markup=False)
            with Horizontal(classes="buttons"):
                yield Button("This session (s)", id="session")
                yield Button("For good (g)", id="good", disabled=self._file is None)
                yield Button("No (n)", id="no", variant="error")

    def on_mount(self) -> None:
        self.query_one("#no").focus()

    def action_say(self, scope: Scope) -> None:
        """Answer."""
        if scope != "good" or self._file is not None:
            self.dismiss(scope)

    @on(Button.Pressed, "#session")
    def _session(self) -> None:
        self.action_say("session")

    @on(Button.Pressed, "#good")
    def _good(self) -> None:
        self.action_say("good")

    @on(Button.Pressed, "#no")
    def _no(self) -> None:
        self.action_say("no")


def file_of(directory: Path) -> Path | None:
    """The user's policy file that the session in ``directory`` runs under, if it is no profile. Raises `SessionError`."""
    return policy_file(desktop_of(directory).policy_name)


def permit(directory: Path, file: Path | None, place: str, scope: Scope) -> str:
    """Permit ``place`` (``HOST:PORT``) and say in words what holds now. Raises `EdgeAgentError`."""
    endpoint = parse_endpoint(place)
    if scope == "good" and file is not None:
        added = add_endpoint(file, endpoint)
        return f"{place} is permitted {'from now on' if added else 'already'}, in {file}"
    allow_in(directory, endpoint)
    return f"{place} is permitted in this session"

"""A policy in plain words, and its file: edited, checked as a run would check it, and only then written."""

from __future__ import annotations

import re
from pathlib import Path
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import Screen
from textual.widgets import Footer, Static, TabbedContent, TabPane, TextArea

from edgeagent.errors import EdgeAgentError, UsageError
from edgeagent.policy.checking import require_sound
from edgeagent.policy.editing import replace_text
from edgeagent.policy.loading import load_policy, policy_file, read_policy
from edgeagent.sessions.summary import desktop_of
from edgeagent.words import printable
from edgeagent_harness.errors import UsageProblem
from edgeagent_harness.policy.explain import explain
from edgeagent_harness.policy.explain_gate import Mark
from edgeagent_harness.policy.files import PROFILES, profile_text, read_file

_LINE = re.compile(r", line (\d+):")
_MARKS: dict[Mark, tuple[str, str]] = {"yes": ("allowed", "green"), "no": ("denied ", "red"), "if": ("   ·   ", "")}


class PolicyScreen(Screen[None]):
    """What is permitted, in words; and the text that says so."""

    CSS_PATH = "screens.tcss"
    TITLE = "Policy"
    HELP = (
        "The first page says in plain words what the policy permits, what not, and which layer sees to it. The second is its "
        "text: Ctrl+S checks it as a run would, and writes it if it is sound. A profile of edgeagent's own is not changed: "
        "copy it with `edgeagent policy show NAME > my.yaml` first. What is saved takes effect in runs under way at once as "
        "far as network.egress.endpoints goes, and for the rest at their next start."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Back"),
        Binding("ctrl+s", "save", "Check and save", priority=True),
        Binding("f1", "app.help", "Help"),
    ]

    def __init__(self, name: str, text: str) -> None:
        super().__init__()
        self._name = name
        self._text = text
        self._file = policy_file(name)
        self._seen_changed = ""
        """What somebody else wrote meanwhile, and the user knows of."""
        self._warned = False

    @classmethod
    def of_session(cls, directory: Path) -> PolicyScreen:
        """The policy that the session in ``directory`` was started with. Raises `SessionError`."""
        spec = desktop_of(directory)
        return cls(spec.policy_name if spec.policy_yaml else "locked", spec.policy_yaml or profile_text("locked"))

    @classmethod
    def of_choice(cls, choice: str) -> PolicyScreen:
        """A profile or a file. Raises `UsageError`."""
        found, _ = load_policy(choice)
        return cls(found.name, found.text or profile_text("locked"))

    def compose(self) -> ComposeResult:
        with TabbedContent(id="policy-tabs"):
            with TabPane("In words", id="words"), VerticalScroll():
                yield Static(in_words(self._text, self._name), id="policy-words")
            with TabPane("Text", id="text"):
                yield TextArea(
                    self._text, language="yaml", read_only=self._file is None, show_line_numbers=True, id="policy-text"
                )
        yield Static(id="policy-sound", markup=False)
        yield Footer()

    def on_mount(self) -> None:
        where = str(self._file) if self._file else f"profile {self._name}: {PROFILES.get(self._name, 'of a session')}; read only"
        self.query_one("#policy-tabs").border_title = printable(where)
        self._check()

    @property
    def _typed(self) -> str:
        return self.query_one("#policy-text", TextArea).text

    @on(TextArea.Changed, "#policy-text")
    def _check(self) -> None:
        says = self.query_one("#policy-sound", Static)
        changed = "; not written yet" if self._typed != self._text else ""
        try:
            require_sound(self._typed, self._name)
            says.update(f"✓ sound{changed}")
        except UsageError as error:
            says.update(printable(f"✗ {self._short(error)}{changed}"))

    def _short(self, error: EdgeAgentError) -> str:
        """What is wrong, without the file's name, which stands above."""
        return f"{error}. {error.hint}".rstrip(". ").removeprefix(self._name).lstrip(",: ")

    def action_save(self) -> None:
        """Write the file, if its text is sound; else the file stays as it is."""
        if self._file is None:
            self.app.notify("This is no file of yours: copy it first (F1 says how).", severity="warning")
            return
        text = self._typed
        try:
            require_sound(text, self._name)
            self._refuse_if_changed(self._file)
            replace_text(self._file, text)
        except EdgeAgentError as error:
            self._to_line(str(error))
            self.app.notify(printable(f"Not written: {self._short(error)}"), severity="error", timeout=10, markup=False)
            return
        self._text = text
        self._check()
        self.query_one("#policy-words", Static).update(in_words(text, self._name))
        self.app.notify(f"Written: {self._file}", markup=False)

    def _refuse_if_changed(self, file: Path) -> None:
        """Raise `UsageError` if somebody else has written the file since it was read here; the next save writes nevertheless."""
        try:
            now = read_file(file)
        except UsageProblem as problem:
            raise UsageError(str(problem)) from problem
        if now not in (self._text, self._seen_changed):
            self._seen_changed = now
            raise UsageError("the file has changed since it was opened", "Ctrl+S again writes over it; Esc leaves it as it is")

    def _to_line(self, error: str) -> None:
        """Go to the line that ``error`` names."""
        if found := _LINE.search(error):
            self.query_one(TabbedContent).active = "text"
            area = self.query_one("#policy-text", TextArea)
            area.move_cursor((max(0, min(int(found[1]), area.document.line_count) - 1), 0))
            area.focus()

    def action_leave(self) -> None:
        """Go back; what is not written is asked for once."""
        if self._typed == self._text or self._warned:
            self.app.pop_screen()
            return
        self._warned = True
        self.app.notify("Not written: Ctrl+S writes it, Esc again leaves without.", severity="warning")


def in_words(text: str, name: str) -> Text:
    """What the policy comes to; what is wrong with it, if it is not sound."""
    words = Text()
    try:
        rules = read_policy(text, name)
    except UsageError as error:
        return Text(printable(f"This policy cannot be used: {error}"), style="red")
    for chapter in explain(rules):
        words.append(f"{chapter.title}\n", "bold")
        for mark, sentence, layer in chapter.lines:
            word, colour = _MARKS[mark]
            words.append(f"  {word}  ", colour)
            words.append(printable(sentence))
            words.append(f"  [{layer}]\n" if layer else "\n", "dim")
        words.append("\n")
    return words

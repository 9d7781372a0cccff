"""Choose what to work as: the user's agents, and in plain words what the one under the cursor means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from edgeagent.agents.agent import Agent
from edgeagent.agents.reading import agents_folder, load, own_names
from edgeagent.agents.telling import in_words
from edgeagent.errors import UsageError
from edgeagent.words import printable

_NONE = "\0"
"""Nobody can write that as the name of an agent."""
_WITHOUT = "The model, the policy and the mode are those of the first screen; nothing else is taken away."


class AgentsScreen(ModalScreen[str | None]):
    """The name or file of the agent to work as; empty: none; None: as it was."""

    CSS_PATH = "screens.tcss"
    TITLE = "Agents"
    HELP = (
        "An agent is a way of working of your own: a small TOML file with a prompt, a model, a policy, a mode, what may be done, "
        "limits, and what to start with. It can only take away from what the policy and the mode permit. "
        "`edgeagent agents new NAME` makes one; docs/agents.md tells all keys."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss(None)", "Back"),
        Binding("f1", "app.help", "Help"),
    ]

    def __init__(self, chosen: str, found: Mapping[str, Agent | UsageError]) -> None:
        """``found``: the agents to choose from by what they are asked for with, or what is wrong with each; one is ``chosen``."""
        super().__init__()
        self._chosen = chosen
        self._found = found

    def compose(self) -> ComposeResult:
        options = [Option(_title(name, agent), id=name) for name, agent in self._found.items()]
        with Vertical(id="agents", classes="dialog tall"):
            yield Static("What is it to work as?", classes="dialog-title", markup=False)
            yield OptionList(Option("none", id=_NONE), *options, id="agent-names")
            with VerticalScroll(id="agent-words-box"):
                yield Static(id="agent-words", markup=False)
            keys = "Up, Down, Enter; Tab and Down scroll the words; Q goes back"
            hint = "" if self._found else f"None in {agents_folder()} yet: edgeagent agents new NAME makes one. "
            yield Static(printable(hint + keys), classes="dialog-keys", markup=False)

    def on_mount(self) -> None:
        names = self.query_one("#agent-names", OptionList)
        names.highlighted = [_NONE, *self._found].index(self._chosen or _NONE)
        names.focus()

    @on(OptionList.OptionHighlighted, "#agent-names")
    def _tell(self, event: OptionList.OptionHighlighted) -> None:
        found = self._found.get(event.option.id or "")
        self.query_one("#agent-words", Static).update(_words(found) if found is not None else Text(_WITHOUT))
        self.query_one("#agent-words-box").scroll_home(animate=False)

    @on(OptionList.OptionSelected, "#agent-names")
    def _choose(self, event: OptionList.OptionSelected) -> None:
        name = event.option.id or _NONE
        if isinstance(self._found.get(name), UsageError):
            self.app.notify("This one cannot be used: mend its file first.", severity="warning")
        else:
            self.dismiss("" if name == _NONE else name)


def agents_here(chosen: str) -> dict[str, Agent | UsageError]:
    """The user's agents, and the file that is ``chosen`` if it is one."""
    own = own_names()
    return {name: _read(name) for name in (*own, *((chosen,) if chosen and chosen not in own else ()))}


def _read(name: str) -> Agent | UsageError:
    """The agent, or what is wrong with it."""
    try:
        return load(name) or Agent()
    except UsageError as error:
        return error


def _title(name: str, found: Agent | UsageError) -> Text:
    text = Text(printable(name), style="bold")
    note = "cannot be used" if isinstance(found, UsageError) else found.description
    return text.append(f"  {printable(note)}" if note else "", "not bold dim")


def _words(found: Agent | UsageError) -> Text:
    if isinstance(found, UsageError):
        return Text(printable(f"✗ {found}. {found.hint}".rstrip(". ")))
    words = Text()
    for what, how in in_words(found):
        words.append(f"{what}: " if what else "", "bold")
        words.append(f"{printable(how)}\n")
    return words

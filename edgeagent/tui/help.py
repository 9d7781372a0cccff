"""Help on every screen: what the screen is for, and every key that works there now."""

from __future__ import annotations

from typing import ClassVar

from rich.table import Table
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.dom import DOMNode
from textual.keys import format_key
from textual.screen import ModalScreen, Screen
from textual.widgets import Static


class HelpScreen(ModalScreen[None]):
    """The help of ``about``, the screen that it was asked for on."""

    CSS_PATH = "screens.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,f1,q", "dismiss", "Back")]

    def __init__(self, about: Screen[object]) -> None:
        super().__init__()
        self._title = about.title or type(about).__name__.removesuffix("Screen")
        self._words = str(getattr(about, "HELP", "") or "")
        self._keys = keys_of(about)

    def compose(self) -> ComposeResult:
        keys = Table.grid(padding=(0, 2))
        for key, words in self._keys:
            keys.add_row(f"[bold]{key}[/]", words)
        with Vertical(classes="dialog tall"):
            yield Static(f"Help: {self._title}", classes="dialog-title", markup=False)
            with VerticalScroll():
                yield Static(self._words, markup=False, id="help-words")
                yield Static(keys)
            yield Static(
                "F1 or Q goes back. Ctrl+P finds every command, Ctrl+Q leaves the program", classes="dialog-keys", markup=False
            )


def keys_of(screen: Screen[object]) -> list[tuple[str, str]]:
    """Each key of ours that works on ``screen`` now, and what it does; moving about comes by itself."""
    told: dict[str, str] = {}
    for key, active in screen.active_bindings.items():
        words = active.binding.tooltip or active.binding.description
        if words and active.binding.action in _own_actions(type(active.node)) and not active.binding.system:
            told.setdefault(words, "")
            told[words] = f"{told[words]}, {format_key(key)}".removeprefix(", ")
    return sorted(((keys, words) for words, keys in told.items()), key=_place)


def _place(told: tuple[str, str]) -> tuple[int, int]:
    """Esc, then the function keys by number, then the others in their order."""
    first = told[0].split(",")[0]
    if first == "esc":
        return 0, 0
    return (1, int(first[1:])) if first[:1] == "f" and first[1:].isdigit() else (2, 0)


def _own_actions(kind: type[DOMNode]) -> set[str]:
    """What the keys of our own classes do, not those of Textual's that they are made from."""
    ours = [one for one in kind.__mro__ if one.__module__.startswith("edgeagent.")]
    given: list[BindingType] = [binding for one in ours for binding in vars(one).get("BINDINGS", ())]
    return {binding.action if isinstance(binding, Binding) else binding[1] for binding in given}

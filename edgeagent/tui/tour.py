"""The first minute: what this is, how to stop it, and a task that gets done."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

TASK = "Write 'Hello' and save it as hello.txt"
APPLICATION = "mousepad"
_SEEN_NAME = "tour-seen"
_PAGES = (
    (
        "Welcome",
        "A model on this machine works at a desktop of its own: a sandbox without a way out, which you watch from here. Every "
        "step is recorded and can be looked at, replayed, forked and taken up again.\n\nNothing leaves this machine.",
    ),
    (
        "The one key to know",
        "Esc stops the run at once, whatever else is going on: the hands are off, held keys and buttons are released, and F7 "
        "goes on later.\n\nF2 pauses, F10 lets you take over with your own hands, F6 tells the model something, F1 is help on "
        "every screen, Ctrl+P finds every command.",
    ),
    (
        "Now let it do something",
        f"The task:  {TASK}\nThe application:  {APPLICATION}\n\nEnter starts it. It takes a quarter of a minute; watch the "
        "steps on the right.",
    ),
)


class TourScreen(ModalScreen[bool]):
    """True: the task is wanted."""

    CSS_PATH = "screens.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,right,space", "next", "Next"),
        Binding("left", "back", "Back"),
        Binding("escape,q", "dismiss(False)", "Leave the tour"),
    ]

    _page = 0

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog", id="tour"):
            yield Static(id="tour-title", classes="dialog-title", markup=False)
            yield Static(id="tour-words", markup=False)
            yield Static(id="tour-keys", classes="dialog-keys", markup=False)

    def on_mount(self) -> None:
        self._show()

    def action_next(self) -> None:
        """The next page; after the last, the task."""
        if self._page == len(_PAGES) - 1:
            self.dismiss(True)
        else:
            self._page += 1
            self._show()

    def action_back(self) -> None:
        """The page before."""
        self._page = max(0, self._page - 1)
        self._show()

    def _show(self) -> None:
        title, words = _PAGES[self._page]
        self.query_one("#tour-title", Static).update(title)
        self.query_one("#tour-words", Static).update(words)
        on = "Enter does it" if self._page == len(_PAGES) - 1 else "Enter goes on"
        self.query_one("#tour-keys", Static).update(f"{self._page + 1} of {len(_PAGES)}   {on}   Esc leaves the tour")


def first_time(data: Path) -> bool:
    """Whether the tour was never shown to whoever keeps their data in ``data``; from now on it was."""
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        (data / _SEEN_NAME).open("x").close()
    except OSError:  # seen before, or nothing can be kept there: then better no tour than one at every start
        return False
    return True

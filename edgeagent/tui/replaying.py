"""A recorded session done again in a fresh sandbox, without a model: a line for each screen compared."""

from __future__ import annotations

from contextlib import aclosing
from pathlib import Path
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import DataTable, Footer, Static

from edgeagent.cli.replaying import replayed, replayed_words
from edgeagent.counts import counted
from edgeagent.errors import EdgeAgentError
from edgeagent.words import printable


class ReplayScreen(Screen[None]):
    """Esc ends the replay, too."""

    CSS_PATH = "screens.tcss"
    TITLE = "Replay"
    HELP = (
        "The recorded actions are done again in a fresh sandbox that begins with the files this session began with. No model "
        "is asked. Each screen is compared with the recorded one, to the pixel but for a blinking caret."
    )
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q", "app.pop_screen", "Back"), Binding("f1", "app.help", "Help")]

    def __init__(self, directory: Path) -> None:
        super().__init__()
        self._directory = directory

    def compose(self) -> ComposeResult:
        yield DataTable(id="replayed", cursor_type="row")
        yield Static("starting a fresh sandbox …", id="status", markup=False)
        yield Footer()

    def on_mount(self) -> None:
        table = self.query_one(DataTable)
        table.border_title = f"Replay of {self._directory.name}"
        table.add_columns("step", "action", "screen")
        self._replay()

    @work(exclusive=True)
    async def _replay(self) -> None:
        table, status = self.query_one(DataTable), self.query_one("#status", Static)
        done = differing = 0
        try:
            async with aclosing(replayed(self._directory)) as results:
                async for result in results:
                    done, differing = done + 1, differing + (result.verdict == "differs")
                    what, verdict = replayed_words(result)
                    sign = {"same": "✓", "differs": "✗"}.get(result.verdict, "?")
                    table.add_row(str(result.step), what, f"{sign} {verdict}")
                    table.move_cursor(row=done - 1)
                    status.update(f"{counted(done, 'screen')}, different: {differing} …")
        except EdgeAgentError as error:
            status.update(printable(f"ended: {error}"))
        else:
            status.update(f"done: {counted(done, 'screen')}, different: {differing}")

"""The least that Textual can be: what `tui_benchmark.py` compares the first paint of `edgeagent` with."""

from __future__ import annotations

from textual.app import App, ComposeResult
from textual.widgets import Static


class Empty(App[None]):
    """One word."""

    def compose(self) -> ComposeResult:
        yield Static("Empty")


if __name__ == "__main__":
    Empty().run()

"""The settings, each checked before it is written."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.screen import Screen
from textual.widgets import Checkbox, Footer, Input, Label, Select, Static

from edgeagent.errors import EnvironmentProblem, UsageError
from edgeagent.policy.loading import load_policy
from edgeagent.settings import MODES, PICTURES, Settings, config_path, read, write
from edgeagent.state_store.settings import app_store
from edgeagent.tui.choices import model_choice
from edgeagent.words import printable

_WORDS = {
    "offline": "every command offline",
    "theme": "colours",
    "pictures": "pictures of screens",
    "live_view": "show the sandbox live",
    "model": "model to begin with",
    "mode": "mode to begin with",
    "policy": "policy to begin with",
    "state_store": "folder for engines' states",
    "state_store_room": "room for them there",
}


class Tick(Checkbox):
    """One that says without colours, too, whether it is ticked: Textual's shows its cross in both states."""

    def __init__(self, label: str, value: bool, *, id: str) -> None:
        super().__init__(label, value, id=id)
        self._show_value()

    def watch_value(self) -> None:
        self._show_value()
        super().watch_value()

    def _show_value(self) -> None:
        self.BUTTON_INNER = "X" if self.value else " "


class SettingsScreen(Screen[Settings | None]):
    """One line for each key of ``config.toml``."""

    CSS_PATH = "screens.tcss"
    TITLE = "Settings"
    HELP = (
        "Ctrl+S checks everything and writes it to the file named above; Esc leaves without writing. The file may be edited "
        "by hand as well."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Back"),
        Binding("ctrl+s", "save", "Check and save", priority=True),
        Binding("f1", "app.help", "Help"),
    ]

    def compose(self) -> ComposeResult:
        now = _current()
        choices = {"theme": sorted(self.app.available_themes), "pictures": list(PICTURES), "mode": list(MODES)}
        with VerticalScroll(id="settings"):
            for name, value in asdict(now).items():
                with Horizontal(classes="setting"):
                    if isinstance(value, bool):
                        yield Tick(_WORDS[name], value, id=name)
                        continue
                    yield Label(_WORDS[name], markup=False)
                    if name in choices:
                        listed = choices[name] if value in choices[name] else [value, *choices[name]]
                        yield Select([(one, one) for one in listed], value=value, allow_blank=False, id=name)
                    else:
                        yield Input(value, id=name)
        yield Static(id="status", markup=False)
        yield Footer()

    def on_mount(self) -> None:
        self.query_one("#settings").border_title = str(config_path())
        try:
            read()
        except UsageError as error:
            self.query_one("#status", Static).update(printable(f"✗ {error}. Saving writes the file anew."))

    @on(Input.Changed)
    @on(Select.Changed)
    @on(Checkbox.Changed)
    def _check(self) -> None:
        status = self.query_one("#status", Static)
        try:
            checked(self._said())
            status.update("✓ sound; Ctrl+S writes it")
        except UsageError as error:
            status.update(printable(f"✗ {error}. {error.hint}"))

    def action_save(self) -> None:
        """Write what is there, if it is sound."""
        try:
            said = checked(self._said())
            path = write(said)
        except UsageError as error:
            self.app.notify(printable(f"Not written: {error}. {error.hint}"), severity="error", timeout=10, markup=False)
            return
        self.app.notify(f"Written: {path}", markup=False)
        self.dismiss(said)

    def _said(self) -> Settings:
        said: dict[str, object] = {}
        for field in fields(Settings):
            widget = self.query_one(f"#{field.name}")
            assert isinstance(widget, Checkbox | Select | Input)  # as composed
            said[field.name] = widget.value
        return Settings(**said)  # pyright: ignore[reportArgumentType]  # `checked` and `write` look at each


def checked(settings: Settings) -> Settings:
    """``settings``, if what they name is there. Raises `UsageError`."""
    model_choice(settings.model)
    load_policy(settings.policy)
    try:
        app_store(settings)
    except EnvironmentProblem as error:
        raise UsageError(str(error), error.hint) from error
    return settings


def _current() -> Settings:
    try:
        return read()
    except UsageError:
        return Settings()

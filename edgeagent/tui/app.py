"""The terminal app: ``edgeagent`` without a command."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver
from textual.screen import Screen

from edgeagent.errors import EdgeAgentError
from edgeagent.settings import Settings, read
from edgeagent.tui.abilities import PICTURES, QUERY, Abilities, Pictures, by_environment, cell_size, no_colour
from edgeagent.tui.driver import AbilitiesFound, Stopped, StoppingDriver
from edgeagent.tui.frame_view import FrameView
from edgeagent.tui.home import HomeScreen, TaskWanted
from edgeagent.tui.themes import DARK, LIGHT
from edgeagent.tui.wanted import ResumeWanted, SessionWanted

if TYPE_CHECKING:  # whatever works is imported behind the first paint (`_warm_up`): a person needs a moment to read
    from edgeagent.runner import Runner, RunResult
    from edgeagent.sessions.store import SessionStore
    from edgeagent.tui.working import RunThread, Work

_FIRST_PAINT_S = 0.3
"""By then the first screen stands: what comes afterwards would only delay it."""
_STOP_S = 5.0
"""How long quitting waits for a run to let go."""


class EdgeAgentApp(App[None]):
    """Renders events and sends commands."""

    TITLE = "edgeagent"
    SUB_TITLE = "a local model at a sandboxed desktop"
    CSS_PATH = Path(__file__).with_name("app.tcss")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,ctrl+c", "stop_run", "STOP", priority=True),
        Binding("f1", "help", "Help", show=False),
    ]

    def __init__(
        self,
        make_runner: Callable[[], Runner] | None = None,
        settings: Settings | None = None,
        with_tour: bool = False,
        offline: bool = False,
    ) -> None:
        super().__init__()
        if offline:
            self.sub_title = "offline: nothing here has a network"
        for theme in (DARK, LIGHT):
            self.register_theme(theme)
        self._make_runner = make_runner or _real_runner
        self._settings = settings or Settings()
        self._with_tour = with_tour
        self._run: RunThread | None = None
        """What was started last."""
        self.colours = not no_colour(os.environ)
        self.abilities = self._abilities()
        self.HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-wide")]
        self._take_settings(self._settings)

    def get_driver_class(self) -> type[Driver]:
        """Ours, where Textual would take the one that it is derived from."""
        found = super().get_driver_class()
        return StoppingDriver if found is LinuxDriver else found

    def on_mount(self) -> None:
        self.push_screen(HomeScreen(lambda: self._store, self._settings))
        if self._driver is not None and not self._driver.is_headless and sys.stdin.isatty():
            self._driver.write(QUERY)
        self.set_timer(_FIRST_PAINT_S, self._warm_up)

    @work(thread=True)
    def _warm_up(self) -> None:
        """Import what the first task will need, and see whether this is the first time."""
        from edgeagent.tui.tour import first_time

        for name in ("request", "session_screen", "drawing"):
            import_module(f"edgeagent.tui.{name}")

        if self._with_tour and first_time(self._store.root.parent) and not self._store.ids():
            self.call_from_thread(self.action_tour)

    @cached_property
    def _store(self) -> SessionStore:
        return self._make_runner().store

    # -- stopping ---------------------------------------------------------------------------------------------------------

    def take_hands_off(self) -> bool:
        """Stop what runs, from any thread; whether anything did."""
        run = self._run
        if run is None or run.stopping or not run.alive:
            return False
        run.stop()
        return True

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Esc stops what runs; else it is the screen's own."""
        if action == "stop_run":
            return self._run is not None and self._run.alive and not self._run.stopping
        return super().check_action(action, parameters)

    @on(Stopped)
    def action_stop_run(self) -> None:
        """Take the hands off at once; the session can be resumed."""
        self.take_hands_off()
        self.notify("Stopped: the hands are off, held keys and buttons released. F7 goes on later.")

    async def action_quit(self) -> None:
        """Stop what runs, then leave; nothing is lost: the session can be resumed."""
        if self._run is not None and self._run.alive:
            self._run.stop()
            self._run.join(_STOP_S)
        self.exit()

    # -- tasks and sessions -----------------------------------------------------------------------------------------------

    @on(TaskWanted)
    @work(group="begin", exclusive=True)
    async def _begin(self, wanted: TaskWanted) -> None:
        from edgeagent.tui.leaving import may_leave
        from edgeagent.tui.request import run_request
        from edgeagent.words import printable

        try:
            request = run_request(wanted.task, wanted.on)
        except EdgeAgentError as error:
            self.notify(printable(f"{error}. {error.hint}".strip()), severity="error", timeout=10, markup=False)
            return
        if not await may_leave(self, request.model.model):
            return
        if not (wanted.on.applications or wanted.on.url or wanted.on.agent):
            self.notify("No app and no page is named: it begins on an empty desktop.", severity="warning")

        async def work(runner: Runner) -> RunResult:
            return await runner.start(request)

        for screen in self.screen_stack:
            if isinstance(screen, HomeScreen):
                screen.started()
        self._watch(work)

    @on(SessionWanted)
    def _look(self, wanted: SessionWanted) -> None:
        from edgeagent.sessions.whereabouts import whereabouts
        from edgeagent.tui.follow_screen import FollowScreen
        from edgeagent.tui.session_screen import SessionScreen

        directory = self._store.root / wanted.session
        try:
            elsewhere = whereabouts(directory).phase in ("there", "returning")
            self.push_screen(FollowScreen(directory) if elsewhere else SessionScreen(directory))
        except EdgeAgentError as error:
            self.notify(f"{error}. {error.hint}", severity="error", timeout=10, markup=False)

    @on(ResumeWanted)
    def _resume(self, wanted: ResumeWanted) -> None:
        if self._run is not None and self._run.alive:  # asked for twice
            return

        async def work(runner: Runner) -> RunResult:
            return await runner.resume(wanted.session, wanted.message, model=wanted.model)

        if not isinstance(self.screen, HomeScreen):
            self.pop_screen()
        self._watch(work, self._store.root / wanted.session)

    def _watch(self, work: Work, directory: Path | None = None) -> None:
        from edgeagent.tui.session_screen import SessionScreen
        from edgeagent.tui.working import RunThread

        self._run = RunThread(work, self._make_runner, live=self._settings.live_view)
        self.push_screen(SessionScreen(directory, self._run))

    # -- the rest ---------------------------------------------------------------------------------------------------------

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """What the command palette offers beside Textual's own."""
        yield from super().get_system_commands(screen)
        yield SystemCommand("New task", "Go to the first screen", self._to_home)
        yield SystemCommand("Stop", "Take the hands off now; the session can be resumed", self.action_stop_run)
        yield SystemCommand("Settings", "What all runs begin with, colours, pictures", self.action_settings)
        yield SystemCommand("Tour", "What this is, in a minute", self.action_tour)
        yield SystemCommand("Help", "The keys of this screen", self.action_help)
        if not isinstance(screen, HomeScreen):
            for active in screen.active_bindings.values():
                binding = active.binding
                if active.node is screen and binding.description:
                    yield SystemCommand(binding.description, f"Key {binding.key}", lambda b=binding: self._do(screen, b.action))

    def _do(self, screen: Screen[object], action: str) -> None:
        self.call_later(screen.run_action, action)

    def action_help(self) -> None:
        """What the screen is for, and its keys."""
        from edgeagent.tui.help import HelpScreen

        if not isinstance(self.screen, HelpScreen):
            self.push_screen(HelpScreen(self.screen))

    def action_settings(self) -> None:
        """See and change the settings."""
        from edgeagent.tui.settings_screen import SettingsScreen

        self.push_screen(SettingsScreen(), self._settings_said)

    def _settings_said(self, said: Settings | None) -> None:
        if said is not None:
            self._take_settings(said)

    def _take_settings(self, settings: Settings) -> None:
        self._settings = settings
        if settings.theme in self.available_themes:
            self.theme = settings.theme
        self._use(self._abilities())

    def action_tour(self) -> None:
        """What this is, and a first task."""
        from edgeagent.tui.tour import TourScreen

        self._to_home()
        self.push_screen(TourScreen(), self._toured)

    def _toured(self, wanted: bool | None) -> None:
        if wanted and isinstance(self.screen, HomeScreen):
            from edgeagent.tui.tour import APPLICATION, TASK

            self.screen.fill_in(TASK, APPLICATION)

    def _to_home(self) -> None:
        while len(self.screen_stack) > 2 and not isinstance(self.screen, HomeScreen):
            self.pop_screen()

    def _abilities(self) -> Abilities:
        found = by_environment(os.environ)
        cell = cell_size(sys.stdout.fileno()) if sys.stdout.isatty() else None
        said: Pictures | None = next((one for one in PICTURES if one == self._settings.pictures), None)
        if said and not found.forced:
            found = Abilities(said, forced=True)
        return Abilities(found.pictures, cell or found.cell_px, found.forced)

    @on(AbilitiesFound)
    def _found(self, message: AbilitiesFound) -> None:
        self._use(message.abilities)

    def _use(self, abilities: Abilities) -> None:
        self.abilities = abilities
        for screen in self.screen_stack if self.is_running else ():
            for frame in screen.query(FrameView):
                frame.use(abilities, self.colours)


def _real_runner() -> Runner:
    from edgeagent.runner import Runner

    return Runner()


def main() -> None:
    """Run the app until the user leaves it."""
    from edgeagent import offline

    EdgeAgentApp(settings=read(), with_tour=True, offline=offline.is_offline()).run()

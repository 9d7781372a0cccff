"""The terminal app: ``edgeagent`` without a command."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable
from pathlib import Path

from textual import on
from textual.app import App, SystemCommand
from textual.screen import Screen

from edgeagent import offline
from edgeagent.cli.offline import settle_offline
from edgeagent.cli.run import application, chosen, existing, page
from edgeagent.errors import EdgeAgentError, UsageError
from edgeagent.policy.loading import load_policy
from edgeagent.runner import ModelChoice, Runner, RunRequest, RunResult
from edgeagent.tui.home import HomeScreen, SessionWanted, TaskWanted
from edgeagent.tui.session_screen import ResumeWanted, SessionScreen
from edgeagent.tui.working import RunThread, Work
from edgeagent_harness.protocol.messages import DesktopSpec

_STOP_S = 5.0
"""How long quitting waits for a run to let go."""


class EdgeAgentApp(App[None]):
    """Renders events and sends commands."""

    TITLE = "edgeagent"
    SUB_TITLE = "a local model at a sandboxed desktop"
    CSS_PATH = Path(__file__).with_name("app.tcss")

    def __init__(self, make_runner: Callable[[], Runner] = Runner) -> None:
        super().__init__()
        if offline.is_offline():
            self.sub_title = "offline: nothing here has a network"
        self._make_runner = make_runner
        self._store = make_runner().store
        self.HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-wide")]

    def on_mount(self) -> None:
        self.push_screen(HomeScreen(self._store))

    @on(TaskWanted)
    def _begin(self, wanted: TaskWanted) -> None:
        try:
            request = _request(wanted)
        except EdgeAgentError as error:
            self.notify(f"{error}. {error.hint}".strip(), severity="error", timeout=10)
            return

        async def work(runner: Runner) -> RunResult:
            return await runner.start(request)

        for screen in self.screen_stack:
            if isinstance(screen, HomeScreen):
                screen.started()
        self._watch(work)

    @on(SessionWanted)
    def _look(self, wanted: SessionWanted) -> None:
        self.push_screen(SessionScreen(self._store.root / wanted.session))

    @on(ResumeWanted)
    def _resume(self, wanted: ResumeWanted) -> None:
        async def work(runner: Runner) -> RunResult:
            return await runner.resume(wanted.session, wanted.message)

        self.pop_screen()
        self._watch(work, self._store.root / wanted.session)

    def _watch(self, work: Work, directory: Path | None = None) -> None:
        self.push_screen(SessionScreen(directory, RunThread(work, self._make_runner)))

    async def action_quit(self) -> None:
        """Stop what runs, then leave; nothing is lost: the session can be resumed."""
        for screen in self.screen_stack:
            if isinstance(screen, SessionScreen) and screen.run is not None and screen.run.alive:
                screen.run.stop()
                screen.run.join(_STOP_S)
        self.exit()

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """What the command palette offers beside Textual's own."""
        yield from super().get_system_commands(screen)
        yield SystemCommand("New task", "Go to the first screen", self._to_home)

    def _to_home(self) -> None:
        while len(self.screen_stack) > 2 and not isinstance(self.screen, HomeScreen):
            self.pop_screen()


def _request(wanted: TaskWanted) -> RunRequest:
    page(wanted.url)
    text, policy = load_policy(wanted.policy)
    if policy.egress.mode == "offline" and not offline.is_offline():
        raise UsageError(f"{text.name} is an offline policy", "leave, and start again with: edgeagent --offline")
    settle_offline(False, policy.egress, text.name, wanted.url)
    spec = DesktopSpec(
        applications=(application(wanted.applications, wait_window=not wanted.url),) if wanted.applications else (),
        url=wanted.url,
        home=existing(wanted.home, "folder", "directory"),
        policy_yaml=text.text,
        policy_name=text.name,
        offline=offline.is_offline(),
    )
    return RunRequest(wanted.task, spec, _model(wanted.model), mode=wanted.mode)


def _model(said: str) -> ModelChoice:
    """``embedded``, or a GGUF file and after it its vision part."""
    try:
        model, *mmproj = shlex.split(said)
    except ValueError as error:
        raise UsageError(f"model {said!r}: {error}", "quote paths with spaces") from error
    if len(mmproj) > 1:
        raise UsageError(
            f"model {said!r} names {1 + len(mmproj)} files", "name the GGUF file and after it its mmproj; quote paths with spaces"
        )
    return chosen(model, *mmproj or ("",), family="")


def main() -> None:
    """Run the app until the user leaves it."""
    EdgeAgentApp().run()

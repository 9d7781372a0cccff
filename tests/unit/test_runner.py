"""A run owns its session: it is recorded whatever ends it, goes on after a lost desktop, and can be resumed."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from edgeagent import events
from edgeagent.errors import DesktopLost, EngineLost, EnvironmentProblem, UsageError
from edgeagent.limits import Limits
from edgeagent.ports import Model, Prompt, Reply
from edgeagent.recording.reader import SessionReader
from edgeagent.runner import ModelChoice, Runner, RunRequest
from edgeagent.sessions.store import SessionStore
from edgeagent.testing import AllowAll, Button, FakeClock, FakeDesktop, ScriptedModel
from edgeagent_harness.protocol.actions import Action, AskUser, Click, Finish
from edgeagent_harness.protocol.geometry import Point, Rect
from edgeagent_harness.protocol.messages import DesktopSpec

CLICK = Click(Point(50, 25))


class StartedFake(FakeDesktop):
    layers = ("fake",)
    missing_layers: tuple[str, ...] = ()
    start_ms = 0.0


@dataclass
class World:
    """Factories for the runner, and what they made."""

    model: Model
    deaths: list[int] = field(default_factory=list[int])
    """After how many actions each desktop in turn dies; those beyond the list live."""
    desktops: list[StartedFake] = field(default_factory=list[StartedFake])

    @asynccontextmanager
    async def open_desktop(self, spec: DesktopSpec) -> AsyncGenerator[StartedFake]:
        desktop = StartedFake([Button("Go", Rect(10, 10, 90, 40))])
        if len(self.desktops) < len(self.deaths):
            desktop.die_after(self.deaths[len(self.desktops)])
        self.desktops.append(desktop)
        yield desktop

    @asynccontextmanager
    async def open_model(self, choice: ModelChoice, seed: int, restarted: Callable[[str], None]) -> AsyncGenerator[Model]:
        yield self.model


def make_runner(tmp_path: Path, world: World) -> Runner:
    return Runner(
        SessionStore(tmp_path), FakeClock(), AllowAll(), open_desktop=world.open_desktop, open_model=world.open_model
    )  # fmt: skip


def clicks_until(count: int) -> Callable[[Prompt], Action]:
    return lambda prompt: CLICK if len(prompt.history.steps) < count else Finish()


def facts(tmp_path: Path, session: str) -> list[events.EventData]:
    with SessionReader.open(tmp_path / session) as reader:
        assert reader.damage() == []
        return [event.data for event in reader.events()]


async def test_a_run_is_recorded_from_its_first_event_to_its_end(tmp_path: Path) -> None:
    world = World(ScriptedModel(clicks_until(2)))
    told: list[events.EventData] = []
    runner = make_runner(tmp_path, world)
    runner.listeners.append(told.append)
    result = await runner.start(RunRequest("press twice", seed=7))
    recorded = facts(tmp_path, result.session)
    assert told == recorded
    first = recorded[0]
    assert isinstance(first, events.SessionCreated)
    assert (first.task, first.seed, Path(first.desktop.home).name) == ("press twice", 7, "home")
    assert (result.ended.outcome, result.steps) == ("done", 2)
    assert result.summary()["outcome"] == "done"


async def test_a_lost_desktop_is_restarted_and_the_pending_action_is_not_repeated(tmp_path: Path) -> None:
    world = World(ScriptedModel(clicks_until(3)), deaths=[2])
    result = await make_runner(tmp_path, world).start(RunRequest("press"))
    recorded = facts(tmp_path, result.session)
    assert result.ended.outcome == "done"
    assert [fact.reason for fact in recorded if isinstance(fact, events.RunStarted)] == ["new", "desktop_restarted"]
    assert [fact.step for fact in recorded if isinstance(fact, events.Reconciled)] == [2]
    assert [len(desktop.performed) for desktop in world.desktops] == [2, 1]


async def test_a_desktop_that_keeps_dying_ends_the_run_with_an_error(tmp_path: Path) -> None:
    world = World(ScriptedModel(lambda prompt: CLICK), deaths=[1] * 9)
    with pytest.raises(DesktopLost):
        await make_runner(tmp_path, world).start(RunRequest("press"))
    (session,) = SessionStore(tmp_path).ids()
    last = facts(tmp_path, session)[-1]
    assert isinstance(last, events.RunEnded)
    assert last.outcome == "error"
    assert len(world.desktops) == 4


async def test_a_lost_engine_ends_the_run_with_an_error_that_can_be_resumed(tmp_path: Path) -> None:
    class Dying(ScriptedModel):
        async def complete(self, prompt: Prompt) -> Reply:
            if len(prompt.history.steps) == 1:
                raise EngineLost("the engine died three times")
            return await super().complete(prompt)

    world = World(Dying(clicks_until(2)))
    with pytest.raises(EngineLost):
        await make_runner(tmp_path, world).start(RunRequest("press"))
    (session,) = SessionStore(tmp_path).ids()
    world.model = ScriptedModel(clicks_until(2))
    result = await make_runner(tmp_path, world).resume(session)
    assert (result.ended.outcome, result.steps) == ("done", 2)


async def test_an_answer_goes_on_where_the_model_asked(tmp_path: Path) -> None:
    def script(prompt: Prompt) -> Action:
        return Finish() if "the left one" in prompt.task else AskUser("which one?")

    world = World(ScriptedModel(script))
    runner = make_runner(tmp_path, world)
    first = await runner.start(RunRequest("press one"))
    assert first.ended.outcome == "needs_user"
    second = await runner.resume(first.session[:-2], "the left one")
    assert (second.session, second.ended.outcome) == (first.session, "done")
    with pytest.raises(UsageError, match="done already"):
        await runner.resume(first.session)


async def test_limits_can_be_raised_on_resuming(tmp_path: Path) -> None:
    world = World(ScriptedModel(clicks_until(4)))
    runner = make_runner(tmp_path, world)
    first = await runner.start(RunRequest("press", limits=Limits(max_steps=2)))
    assert first.ended.outcome == "limit"
    second = await runner.resume(first.session, limits=Limits(max_steps=9))
    assert (second.ended.outcome, second.steps) == ("done", 4)


async def test_a_session_whose_secret_is_not_there_leaves_nothing(tmp_path: Path) -> None:
    runner = make_runner(tmp_path, World(ScriptedModel([Finish()])))
    policy = "secrets: [{name: nowhere, source: environment, hosts: [a.example]}]"
    with pytest.raises(EnvironmentProblem, match="the secret 'nowhere' that the policy lists is not there"):
        await runner.start(RunRequest("log in", DesktopSpec(policy_yaml=policy)))
    assert SessionStore(tmp_path).ids() == []

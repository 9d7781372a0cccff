"""What an agent takes away is held by the gate in every mode and told to the model; it holds after its file is gone."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pytest
from support.terminal import CLICK, runners

from edgeagent import events
from edgeagent.agents.agent import Agent, AgentLimits
from edgeagent.clock import SystemClock
from edgeagent.engine.conversation import Speaker
from edgeagent.errors import UsageError
from edgeagent.history import History, fold
from edgeagent.policy.asking import Instead, Question, Said
from edgeagent.policy.gate import PolicyGate
from edgeagent.policy.guarding import guard
from edgeagent.policy.narrowing import narrowed, stricter
from edgeagent.ports import Model, Prompt
from edgeagent.recording.reader import SessionReader
from edgeagent.runner import RunRequest, RunResult
from edgeagent.screen import Screen
from edgeagent.sessions.branching import fork, rewind
from edgeagent.sessions.store import SessionStore
from edgeagent.testing import FakeClock, ScriptedModel
from edgeagent_harness.policy.gate_types import GateMode
from edgeagent_harness.policy.parse import parse
from edgeagent_harness.policy.types import Policy
from edgeagent_harness.protocol.actions import Action, Batch, Finish, Key, OpenApp, Type, Wait
from edgeagent_harness.protocol.frames import FrameInfo
from edgeagent_harness.protocol.messages import DesktopSpec
from edgeagent_models.families.generic import GENERIC
from edgeagent_models.protocol import TextPart

CAREFUL = Agent("careful", "/agents/careful.toml", prompt="Be brief.", actions=("click", "type"), ask=("type",))


@dataclass
class Person:
    said: Said | Instead = "yes"
    asked: list[Question] = field(default_factory=list[Question])

    async def ask(self, question: Question) -> Said | Instead:
        self.asked.append(question)
        return self.said


def guarded(agent: Agent, policy: str = "", mode: events.GateModeName = "", asker: Person | None = None) -> PolicyGate:
    """The gate of a session that works as ``agent``."""
    created = events.SessionCreated("t", "m", DesktopSpec(policy_yaml=policy, policy_name="p"), "0", mode=mode, agent=agent)
    return guard(created, lambda entry: None, FakeClock(), asker).gate


@pytest.mark.parametrize("mode", ["auto", "ask"])
@pytest.mark.parametrize("action", [OpenApp("xterm"), Key(("ctrl", "s")), Batch((CLICK, Key(("Return",))))])
async def test_what_is_not_among_its_actions_is_denied_whatever_allows_it(mode: GateMode, action: Action) -> None:
    policy = "gate:\n  rules:\n    - {decision: allow, actions: [open_app, key, click]}\n"
    gate = guarded(CAREFUL, policy, mode, person := Person())
    said = await gate.judge(action, History())
    assert (said.allow, said.rule, said.ends) == (False, "agent careful", "")
    assert "this agent may not do" in said.reason
    assert "only click, type" in said.reason
    assert not person.asked


async def test_what_does_nothing_to_the_desktop_always_may() -> None:
    gate = guarded(CAREFUL)
    for action in (Wait(), Finish(), CLICK):
        assert (await gate.judge(action, History())).allow


async def test_it_asks_before_its_kinds_in_the_mode_that_acts_alone_too() -> None:
    gate = guarded(CAREFUL, "", "auto", person := Person("no"))
    said = await gate.judge(Batch((CLICK, Type("x"))), History())
    assert (said.allow, said.rule, said.asked) == (False, "agent careful (ask: type)", True)
    gate.wanted_mode = lambda: "auto"
    await gate.judge(Type("x"), History())
    assert len(person.asked) == 2
    alone = await guarded(CAREFUL).judge(Type("x"), History())
    assert (alone.allow, alone.ends) == (False, "needs_user")


async def test_what_the_user_puts_in_its_place_is_held_to_it_as_well() -> None:
    gate = guarded(CAREFUL, "", "", Person(Instead(OpenApp("xterm"))))
    said = await gate.judge(Type("x"), History())
    assert (said.allow, said.rule) == (False, "agent careful")


def test_its_mode_and_limits_hold_where_they_permit_less() -> None:
    order: tuple[GateMode, ...] = ("auto", "ask", "bounded", "plan")
    for low, one in enumerate(order):
        for high, other in enumerate(order):
            assert stricter(one, other) == order[max(low, high)]
        assert stricter(one, None) == one
    policy = parse("gate:\n  mode: ask\n  limits: {max_tokens: 100, max_typed_characters: 10}\n")
    limits = AgentLimits(max_tokens=50, max_typed_characters=99, max_files_written=3)
    less = narrowed(policy, Agent(mode="auto", limits=limits)).gate
    assert (less.mode, less.limits.max_tokens, less.limits.max_typed_characters, less.limits.max_files_written) == (
        "ask",
        50,
        10,
        3,
    )
    assert narrowed(policy, Agent(mode="plan")).gate.mode == "plan"
    assert narrowed(policy, None) is policy
    assert narrowed(Policy(), Agent()) == Policy()


async def test_the_mode_that_the_user_names_goes_before_its_own() -> None:
    plan = Agent("p", mode="plan")
    assert (await guarded(plan, "", "auto").judge(CLICK, History())).allow
    assert not (await guarded(plan).judge(CLICK, History())).allow
    assert not (await guarded(Agent("a", mode="auto"), "gate: {mode: bounded}\n").judge(CLICK, History())).allow


def test_the_model_is_told_behind_the_system_prompt_of_its_family() -> None:
    created = events.SessionCreated("t", "m", DesktopSpec(), "0", agent=CAREFUL)
    screen = Screen(FrameInfo(1, 64, 48, 0), b"\0" * (64 * 48 * 4))
    plain, told = (
        Speaker(GENERIC).converse(Prompt("t", screen, fold([one])), {}, {})[0] for one in (replace_agent(created, None), created)
    )
    (before,), (now,) = plain.parts, told.parts
    assert isinstance(before, TextPart)
    assert isinstance(now, TextPart)
    assert now.text == f"{before.text}\n\nBe brief.\nOnly these actions are permitted, others are refused: click, type."


def replace_agent(created: events.SessionCreated, agent: Agent | None) -> events.SessionCreated:
    return msgspec.structs.replace(created, agent=agent)


# -- a whole run ----------------------------------------------------------------------------------------------------------


def disobedient(prompt: Prompt) -> Action:
    """Wants what it may not until it is told so."""
    return Finish("failed", prompt.history.feedback) if prompt.history.feedback else OpenApp("xterm")


async def run(root: Path, model: Model, agent: Agent) -> RunResult:
    return await runners(root, model)().start(RunRequest("press", DesktopSpec(320, 200), agent=agent))


def facts(root: Path, session: str) -> list[events.EventData]:
    with SessionReader.open(root / session) as reader:
        return [event.data for event in reader.events()]


async def test_a_model_that_emits_a_forbidden_action_is_refused_and_sees_why(tmp_path: Path) -> None:
    model = ScriptedModel(disobedient)
    result = await run(tmp_path, model, Agent("careful", actions=("click",)))
    assert [prompt.history.feedback for prompt in model.prompts] == ["", "this agent may not do open_app, only click"]
    assert (result.ended.outcome, result.steps) == ("failed", 0)
    (verdict, _) = [fact for fact in facts(tmp_path, result.session) if isinstance(fact, events.Verdict)]
    assert (verdict.allow, verdict.rule) == (False, "agent careful")
    assert not any(isinstance(fact, events.Intent) for fact in facts(tmp_path, result.session))


async def test_it_is_recorded_and_holds_when_the_session_goes_on_forks_and_goes_back(tmp_path: Path) -> None:
    agent = Agent("careful", str(tmp_path / "gone.toml"), prompt="Be brief.", actions=("click",))
    begun = await run(tmp_path, ScriptedModel([CLICK, Finish("failed", "not yet")]), agent)
    created = facts(tmp_path, begun.session)[0]
    assert isinstance(created, events.SessionCreated)
    assert created.agent == agent
    store = SessionStore(tmp_path)
    forked = fork(store, begun.session, 1, SystemClock()).session
    rewind(store, begun.session, 0, SystemClock())
    for session in (forked, begun.session):
        model = ScriptedModel(disobedient)
        await runners(tmp_path, model)().resume(session)
        assert [prompt.history.told for prompt in model.prompts] == [agent.told] * 2
        assert model.prompts[1].history.feedback == "this agent may not do open_app, only click"


async def test_its_file_is_not_to_be_seen_in_the_sandbox(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    agent = Agent("careful", str(home / "careful.toml"))
    spec = DesktopSpec(320, 200, home=str(home))
    with pytest.raises(UsageError, match="shows the agent"):
        await runners(tmp_path / "sessions", ScriptedModel([]))().start(RunRequest("press", spec, agent=agent))


async def test_a_session_that_ended_by_refusals_is_tried_again_when_it_is_resumed(tmp_path: Path) -> None:
    begun = await run(tmp_path, ScriptedModel(lambda _: OpenApp("xterm")), Agent("careful", actions=("click",)))
    assert begun.ended.outcome == "limit"
    resumed = await runners(tmp_path, ScriptedModel([CLICK, Finish()]))().resume(begun.session)
    assert (resumed.ended.outcome, resumed.steps) == ("done", 1)

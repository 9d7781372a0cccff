"""The loop notes each fact before acting on it, gives the model what it needs to correct itself, and ends as it should."""

from __future__ import annotations

import asyncio

from edgeagent import events
from edgeagent.history import History
from edgeagent.limits import Limits
from edgeagent.loop import Loop
from edgeagent.ports import Deed, Prompt, Reply
from edgeagent.testing import AllowAll, Button, FakeClock, FakeDesktop, MemorySink, ScriptedModel
from edgeagent_harness.protocol.actions import Action, Answer, AskUser, Click, Finish, Memorize
from edgeagent_harness.protocol.geometry import Point, Rect
from edgeagent_harness.protocol.messages import Guard, SettleSpec

BUTTON = Rect(10, 10, 90, 40)
CLICK = Click(Point(50, 25))
EMPTY = Click(Point(300, 190))


def make_loop(
    model: ScriptedModel, desktop: FakeDesktop | None = None, limits: Limits | None = None
) -> tuple[Loop, MemorySink, FakeDesktop]:
    clock = FakeClock()
    desktop = desktop or FakeDesktop([Button("Go", BUTTON)], clock=clock)
    sink = MemorySink()
    return Loop(desktop, model, AllowAll(), clock, sink, limits or Limits(), History(task="press Go")), sink, desktop


def kinds(sink: MemorySink) -> list[str]:
    return [str(fact.__struct_config__.tag) for fact in sink.facts]


async def test_a_step_is_noted_in_order_and_the_run_ends_as_the_model_says() -> None:
    loop, sink, desktop = make_loop(ScriptedModel([CLICK, Finish()]))
    ended = await loop.run()
    assert ended.outcome == "done"
    assert desktop.widget(Button, "Go").clicks == 1
    assert kinds(sink) == ["observed", "replied", "judged", "intent", "effect", "replied", "judged", "run_ended"]
    assert sink.durable == len(sink.facts)


async def test_the_intent_and_its_frame_are_durable_before_anything_is_sent() -> None:
    seen: list[tuple[int, list[str]]] = []

    class Watched(FakeDesktop):
        async def perform(self, action: Action, settle: SettleSpec, guard: Guard | None = None) -> Deed:
            seen.append((sink.durable, kinds(sink)))
            return await super().perform(action, settle, guard)

    loop, sink, _ = make_loop(ScriptedModel([CLICK, Finish()]), Watched([Button("Go", BUTTON)]))
    await loop.run()
    ((durable, noted),) = seen
    assert noted[-1] == "intent"
    assert durable == len(noted)
    intent = next(fact for fact in sink.facts if isinstance(fact, events.Intent))
    assert intent.frame in sink.frames


async def test_a_malformed_reply_is_told_to_the_model_and_costs_no_action() -> None:
    model = ScriptedModel(["click it!", CLICK, Finish()])
    loop, sink, _ = make_loop(model)
    assert (await loop.run()).outcome == "done"
    assert "not a valid action" in model.prompts[1].history.feedback
    assert model.prompts[2].history.feedback == ""
    assert kinds(sink).count("intent") == 1


async def test_a_point_off_the_screen_is_malformed() -> None:
    model = ScriptedModel([Click(Point(5000, 5)), Finish()])
    loop, _, desktop = make_loop(model)
    await loop.run()
    assert "outside the screen" in model.prompts[1].history.feedback
    assert desktop.performed == []


async def test_too_many_replies_that_are_no_action_end_the_run() -> None:
    loop, sink, _ = make_loop(ScriptedModel(lambda prompt: "?"), limits=Limits(max_rejected=3))
    ended = await loop.run()
    assert ended.outcome == "limit"
    assert kinds(sink).count("malformed") == 3
    assert isinstance(sink.facts[-2], events.LimitReached)


async def test_the_step_limit_counts_actions() -> None:
    loop, _, desktop = make_loop(ScriptedModel(lambda prompt: CLICK), limits=Limits(max_steps=5))
    ended = await loop.run()
    assert ended.outcome == "limit"
    assert desktop.widget(Button, "Go").clicks == 5


async def test_repeating_an_action_without_effect_ends_the_run() -> None:
    loop, _, desktop = make_loop(ScriptedModel(lambda prompt: EMPTY), limits=Limits(max_no_effect=3))
    ended = await loop.run()
    assert ended.message == "stopped by the limit on actions that lead nowhere (the same 3 times)"
    assert len(desktop.performed) == 3


async def test_wall_time_ends_the_run_even_while_the_model_thinks() -> None:
    class Thinking(ScriptedModel):
        async def complete(self, prompt: Prompt) -> Reply:
            await asyncio.sleep(30)
            return await super().complete(prompt)

    loop, _, _ = make_loop(Thinking([Finish()]), limits=Limits(timeout_s=0.05))
    ended = await loop.run()
    assert (ended.outcome, "the limit on time" in ended.message) == ("limit", True)


async def test_stopping_releases_what_is_held_and_leaves_a_resumable_record() -> None:
    class Endless(ScriptedModel):
        async def complete(self, prompt: Prompt) -> Reply:
            await asyncio.sleep(30)
            raise AssertionError("never")

    loop, sink, desktop = make_loop(Endless([]))
    task = asyncio.create_task(loop.run())
    desktop.hands.held.add("shift")
    await asyncio.sleep(0.02)
    task.cancel()
    ended = await task
    assert ended.outcome == "interrupted"
    assert desktop.hands.held == set()
    assert kinds(sink)[-1] == "run_ended"


async def test_answer_and_question_end_the_run() -> None:
    loop, _, _ = make_loop(ScriptedModel([Answer("42")]))
    assert (await loop.run()).answer == "42"
    loop, _, _ = make_loop(ScriptedModel([AskUser("which one?")]))
    ended = await loop.run()
    assert (ended.outcome, ended.message) == ("needs_user", "which one?")


async def test_memorized_facts_reach_the_next_prompt() -> None:
    model = ScriptedModel([Memorize("code 7"), Finish()])
    loop, _, _ = make_loop(model)
    await loop.run()
    assert model.prompts[1].history.facts == ("code 7",)


async def test_a_target_that_changed_is_not_clicked_and_is_looked_at_anew() -> None:
    def script(prompt: Prompt) -> Action:
        if not prompt.history.steps:
            desktop.widget(Button, "Go").clicks = 7  # it changes after it was seen
            return CLICK
        return Finish()

    model = ScriptedModel(script)
    loop, sink, desktop = make_loop(model)
    await loop.run()
    acted = next(fact for fact in sink.facts if isinstance(fact, events.Acted))
    assert (acted.effect.status, acted.effect.reason) == ("refused", "stale")
    assert desktop.widget(Button, "Go").clicks == 7
    assert model.prompts[0].screen.pixels != model.prompts[1].screen.pixels

"""The plain mode: a task, questions with an edited answer, another mode, a stop and a resume, all in lines."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from support.terminal import SlowModel, facts, runners
from support.tiny_models import TinyModels

from edgeagent import events
from edgeagent.errors import EdgeAgentError
from edgeagent.tui.plain import Plain
from edgeagent.tui.working import RunThread
from edgeagent_harness.protocol.actions import Click, Type
from edgeagent_harness.protocol.geometry import Point


class Talk:
    """What was said; and a run that is listened to."""

    def __init__(self, root: Path, model: SlowModel) -> None:
        self.said: list[str] = []
        self.plain = Plain(self.said.append, runners(root, model))

    def until(self, run: RunThread, condition: Callable[[], bool], timeout_s: float = 20.0) -> None:
        end_s = time.monotonic() + timeout_s
        while not condition():
            assert time.monotonic() < end_s, self.said
            self.plain.hear()
            time.sleep(0.01)

    def count(self, text: str) -> int:
        return sum(text in line for line in self.said)

    def begin(self, line: str) -> RunThread:
        run = self.plain.line(line)
        assert run is not None
        run.start()
        return run


def test_a_task_in_lines(tmp_path: Path) -> None:
    talk = Talk(tmp_path, SlowModel(2))
    run = talk.begin("press twice")
    talk.until(run, lambda: talk.count("ended: done after 2 steps") == 1)
    assert talk.count("click (50, 25) → confirmed") == 2
    assert not any("\x1b" in line for line in talk.said)
    talk.plain.line(":sessions")
    assert "done, 2 steps: press twice" in talk.said[-1]
    talk.plain.line(":show")
    assert talk.count("click (50, 25) → confirmed") == 4


def test_questions_are_answered_by_word_and_by_an_action_of_ones_own(tmp_path: Path) -> None:
    model = SlowModel(2)
    talk = Talk(tmp_path, model)
    talk.plain.line(":mode ask")
    run = talk.begin("press twice")
    talk.until(run, lambda: talk.count("May this be done?") == 1)
    talk.plain.run_line(run, "perhaps")
    assert talk.said[-1].startswith("y yes, n no")
    talk.plain.run_line(run, "e")
    talk.plain.run_line(run, '{"kind": "clik"}')
    assert "not an action" in talk.said[-1]
    talk.plain.run_line(run, '{"kind": "click", "point": {"x": 100, "y": 75}}')
    talk.until(run, lambda: talk.count("May this be done?") == 2)
    talk.plain.run_line(run, "y")
    talk.until(run, lambda: talk.count("ended: done") == 1)
    done = [fact.action for fact in facts(tmp_path) if isinstance(fact, events.Intent)]
    assert done == [Click(Point(100, 75)), Click(Point(50, 25))]
    assert not any(isinstance(action, Type) for action in done)


def test_stopped_and_resumed(tmp_path: Path) -> None:
    model = SlowModel(1_000, delay_s=0.05)
    talk = Talk(tmp_path, model)
    run = talk.begin("press on")
    talk.until(run, lambda: talk.count("→ confirmed") > 1)
    talk.plain.run_line(run, "stop soon")
    talk.until(run, lambda: talk.count("you: stop soon") == 1)
    run.stop()
    talk.until(run, lambda: talk.count("ended: interrupted") == 1)
    assert run.join(10)
    model.presses = 0
    again = talk.begin(":resume")
    talk.until(again, lambda: talk.count("ended: done") == 1)


def test_another_model_decides_from_the_next_step_on(tmp_path: Path, tiny_models: TinyModels) -> None:
    model = SlowModel(1_000, delay_s=0.05)
    talk = Talk(tmp_path, model)
    run = talk.begin("press on")
    talk.until(run, lambda: talk.count("→ confirmed") > 1)
    talk.plain.run_line(run, f":model {tiny_models.dense} {tiny_models.mmproj}")
    talk.until(run, lambda: talk.count("from here on dense.gguf decides, until here embedded did") == 1)
    with pytest.raises(EdgeAgentError, match="neither 'embedded' nor a file"):
        talk.plain.run_line(run, ":model /no/such.gguf")
    talk.plain.run_line(run, ":model openai:http://127.0.0.1:9/v1#far")
    assert talk.count("every screenshot of this session go to 127.0.0.1:9") == 1
    talk.until(run, lambda: talk.count("from here on far decides, until here dense.gguf did") == 1)
    model.presses = 0
    talk.until(run, lambda: talk.count("ended: done") == 1)
    assert sum(isinstance(fact, events.RunStarted) for fact in facts(tmp_path)) == 1


@pytest.mark.parametrize(
    "line", [":nonsense", ":mode loud", ":resume nothing", ":policy none\na task", ":folder /no/such\na task"]
)
def test_what_cannot_be_done_is_said(tmp_path: Path, line: str) -> None:
    talk = Talk(tmp_path, SlowModel(1))
    first, _, task = line.partition("\n")
    if task:
        talk.plain.line(first)
    with pytest.raises(EdgeAgentError):
        talk.plain.line(task or first)


@pytest.mark.parametrize("line", ["help", "Quit\n", "exit", "?"])
def test_what_is_typed_by_habit_begins_no_run(tmp_path: Path, line: str) -> None:
    with pytest.raises(EdgeAgentError, match="alone is no task"):
        Talk(tmp_path, SlowModel(1)).plain.line(line)

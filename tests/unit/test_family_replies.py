"""Malformed replies are mended where their meaning is plain, else refused in words; a family is known by a model's name."""

from __future__ import annotations

import pytest

from edgeagent_harness.protocol import actions as act
from edgeagent_harness.protocol.actions import Action
from edgeagent_harness.protocol.geometry import Point
from edgeagent_models.families.family import UnreadableReply
from edgeagent_models.families.grid import physical
from edgeagent_models.families.registry import FAMILIES, NoSuchFamily, by_name, recognised

SCREEN = (1001, 1001)
"""A screen on which thousandths are pixels."""
CLICK = act.Click(Point(20.0, 30.0))


def understood(family: str, text: str) -> Action:
    spoken = by_name(family)
    return spoken.parse(text, spoken.view(*SCREEN)).action


@pytest.mark.parametrize(
    ("family", "text", "action"),
    [
        ("qwen3-vl", '<tool_call>{"name":"computer_use","arguments":{"action":"left_click","coordinate":[20,30],},}', CLICK),
        ("qwen3-vl", '<tool_call>{"name":"computer_use","arguments":{"action":"click","coordinate":"(20, 30)"}', CLICK),
        ("qwen3-vl", '```json\n{"action":"left_click","coordinate":["20","30"]}\n```', CLICK),
        ("qwen3-vl", '{"name":"left_click","arguments":{"coordinate":{"x":20,"y":30}}}', CLICK),
        ("qwen3-vl", '{"name":"computer_use","arguments":{"action":"left_click","coordinate":[10,20,30,40]}}', CLICK),
        ("qwen3-vl", '{"name":"computer_use","arguments":{"action":"key","keys":"ctrl++"}}', act.Key(("ctrl", "+"))),
        ("qwen3-vl", '{"action":"key","keys":["ctrl+shift+t"]}', act.Key(("ctrl", "shift", "t"))),
        ("qwen3-vl", '{"name":"computer_use","arguments":{"action":"type","text":"two\nlines"}}', act.Type("two\nlines")),
        ("qwen3-vl", '{"name":"computer_use","arguments":{"action":"wait","time":600}}', act.Wait(60_000)),
        ("qwen3.5", "<function=computer><parameter=action>left_click<parameter=coordinate>[20, 30]</tool_call>", CLICK),
        ("holo", 'Sure: {"tool_name": "click", "x": 20, "y": 30}', CLICK),
        ("holo", '{"note": null, "thought": "t", "tool_call": {"tool_name": "click", "x": [20, 30]}', CLICK),
        ("ui-tars-1", "Thought: t Action: click(start_box='(20,30)'", CLICK),
        ("ui-tars-1", "click(start_box='[20, 30, 20, 30]')", CLICK),
        ("ui-tars-1", "Thought: t\nAction: type(content='it's Ada')", act.Type("it's Ada")),
        ("ui-tars-1", 'Thought: t\nAction: type(content="click(x), then \'ok\'")', act.Type("click(x), then 'ok'")),
        ("opencua", "pyautogui.press('enter')", act.Key(("enter",))),
        ("smolvlm2-agentic", "<think>t</think>\nclick(0.02, 0.03)", CLICK),
    ],
)  # fmt: skip
def test_mended(family: str, text: str, action: Action) -> None:
    assert understood(family, text) == action


@pytest.mark.parametrize(
    ("family", "text", "complaint"),
    [
        ("qwen3-vl", "I would click the button.", "no tool call that can be read"),
        ("qwen3-vl", '<tool_call>{"name":"computer_use","arguments":{"action":"fly"}}', "no action 'fly'; there are key, type"),
        ("qwen3-vl", '<tool_call>{"name":"computer_use","arguments":{"action":"left_click"}}', "left_click needs coordinate"),
        ("qwen3-vl", '{"action":"left_click","coordinate":[20]}', "coordinate must be a point of two numbers"),
        ("qwen3-vl", '{"action":"left_click","coordinate":[20,1700]}', "outside 0 to 1000"),
        ("qwen3-vl", '{"action":"type","text":"Hello wor', "cut off inside a text"),
        ("qwen3-vl", '{"action":"left_click","coordinate":[20, 3', "cut off"),
        ("fara-1.5", '{"action":"read_page_answer_question","question":"x"}', "not available here"),
        ("qwen3-vl", '{"action":"key","keys":["a","b","c","d","e","f","g","h","i"]}', "the action is not valid"),
        ("qwen3-vl", f'{{"action":"type","text":"{"x" * 20_001}"}}', "the action is not valid"),
        ("holo", '{"note": null, "thought": "t", "tool_call": {"x": 1}}', "no tool_name"),
        ("ui-tars-1", "Thought: t\nAction: type(content='Hello wor", "cut off inside a text"),
        ("ui-tars-1", "Thought: t\nAction: click(start_box='(20,", "cut off inside a text"),
        ("ui-tars-1", "Thought: t\nAction: fly()", "one of click, left_double"),
        ("opencua", "```python\nimport os\nos.system('true')\n```", "no code with a pyautogui or computer call"),
        ("gta1", "the button is on the left", "point of two numbers"),
    ],
)  # fmt: skip
def test_refused_in_words(family: str, text: str, complaint: str) -> None:
    with pytest.raises(UnreadableReply, match=complaint):
        understood(family, text)


def test_a_note_is_kept_and_reasoning_is_not() -> None:
    holo = by_name("holo")
    view = holo.view(*SCREEN)
    call = '{"note": "Total: 12", "thought": "t", "tool_call": {"tool_name": "hover", "x": 1, "y": 2}}'
    said = holo.parse('<think>{"tool_name": "fail"}</think>' + call, view)
    assert (said.note, said.thought, said.action) == ("Total: 12", "t", act.Move(physical("thousandths", 1, 2, view)))


@pytest.mark.parametrize(
    ("architecture", "name", "family"),
    [
        ("qwen35", "Holo3.1-0.8B", "holo"),
        ("qwen35moe", "Holo3 35B A3B", "holo"),
        ("qwen3vl", "Qwen3-VL-4B-Instruct", "qwen3-vl"),
        ("qwen3vl", "Something Tuned", "qwen3-vl"),
        ("qwen35", "Qwen3.5 4B", "qwen3.5"),
        ("qwen35moe", "Qwen3.6-35B-A3B", "qwen3.5"),
        ("qwen2vl", "UI-TARS-1.5-7B", "ui-tars-1.5"),
        ("qwen2vl", "UI TARS 7B DPO", "ui-tars-1"),
        ("qwen2vl", "Fara-7B", "fara-7b"),
        ("qwen35", "Fara1.5-9B", "fara-1.5"),
        ("qwen3vl", "GUI-Owl-1.5-8B-Instruct", "gui-owl-1.5"),
        ("qwen3vl", "EvoCUA-8B-20260105", "evocua-s2"),
        ("qwen2vl", "EvoCUA-S1-7B", "evocua-s1"),
        ("qwen2vl", "OpenCUA-7B", "opencua"),
        ("qwen2vl", "GTA1-7B", "gta1"),
        ("llama", "SmolVLM2-2.2B-Instruct-Agentic-GUI", "smolvlm2-agentic"),
        ("qwen3vl", "synthetic-qwen3vl", "generic"),
        ("gemma3", "Gemma 3 4b It", "generic"),
    ],
)  # fmt: skip
def test_a_model_is_known_by_its_name_then_by_its_architecture(architecture: str, name: str, family: str) -> None:
    assert recognised(architecture, (name,)).name == family


def test_a_wrong_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(NoSuchFamily, match=r"the nearest is 'ui-tars-1\.5'"):
        by_name("uitars1.5")
    assert [by_name(family.name.upper()) for family in FAMILIES] == list(FAMILIES)

"""Replies in the form that each family's authors publish, and what they mean on a screen of 1280x800.

Written by hand from the public documents that ``docs/families.md`` names; no model said them here.
"""

from __future__ import annotations

from edgeagent_harness.protocol import actions as act
from edgeagent_harness.protocol.geometry import Point
from edgeagent_models.families.family import Family
from edgeagent_models.families.grid import physical
from edgeagent_models.families.registry import by_name

SCREEN = (1280, 800)


def at(family: str, x: float, y: float) -> Point:
    """The family's numbers ``x`` and ``y`` in physical pixels."""
    spoken: Family = by_name(family)
    return physical(spoken.grid, x, y, spoken.view(*SCREEN))


def _call(arguments: str) -> str:
    return f'<tool_call>\n{{"name": "computer_use", "arguments": {arguments}}}\n</tool_call>'


_XML = "<tool_call>\n<function={}>\n<parameter={}>\n{}\n</parameter>\n<parameter={}>\n{}\n</parameter>\n</function>\n</tool_call>"
REPLIES: dict[str, tuple[tuple[str, act.Action], ...]] = {
    "generic": (
        ('{"thought":"t","action":{"kind":"click","point":{"x":500,"y":250},"button":"left","count":1}}',
         act.Click(at("generic", 500, 250))),
    ),
    "holo": (
        ('{"note": null, "thought": "Open it.", "tool_call": {"tool_name": "click", "element": "Continue button", "x": 932, '
         '"y": 880}}', act.Click(at("holo", 932, 880))),
        ('{"note": "Total: 12", "thought": "t", "tool_call": {"tool_name": "write", "content": "Ada", "press_enter": true}}',
         act.Type("Ada", submit=True)),
        ('{"note": null, "thought": "t", "tool_call": {"tool_name": "answer", "content": "42"}}', act.Answer("42")),
    ),
    "holo-tools": (
        (_XML.format("click", "x", "932", "y", "880"), act.Click(at("holo-tools", 932, 880))),
        ('{"tool_calls": [{"type": "function", "function": {"name": "write", "arguments": "{\\"content\\": \\"Ada\\"}"}}]}',
         act.Type("Ada")),
    ),
    "qwen3-vl": (
        ("Action: Click the search box.\n" + _call('{"action": "left_click", "coordinate": [512, 64]}'),
         act.Click(at("qwen3-vl", 512, 64))),
        (_call('{"action": "key", "keys": ["ctrl", "s"]}'), act.Key(("ctrl", "s"))),
        (_call('{"action": "scroll", "pixels": -500}'), act.Scroll(Point(639, 399), 0, 500, "px")),
        (_call('{"action": "left_click_drag", "coordinate": [10, 20]}'),
         act.Batch((act.MouseDown(), act.Move(at("qwen3-vl", 10, 20)), act.MouseUp()))),
        (_call('{"action": "terminate", "status": "failure"}'), act.Finish("failed")),
    ),
    "qwen3.5": (
        (_XML.format("computer", "action", "left_click", "coordinate", "[512, 64]"), act.Click(at("qwen3.5", 512, 64))),
        ("Action: x\n" + _call('{"action": "double_click", "coordinate": [512, 64]}'),
         act.Click(at("qwen3.5", 512, 64), count=2)),
        ("<think>\nlong\n</think>\n\n" + _XML.format("computer_use", "action", "type", "text", "Ada"), act.Type("Ada")),
    ),
    "ui-tars-1": (
        ("Thought: I see it.\nAction: click(start_box='(197,525)')", act.Click(at("ui-tars-1", 197, 525))),
        ("Thought: t\nAction: drag(start_box='(1,2)', end_box='(3,4)')",
         act.Drag((at("ui-tars-1", 1, 2), at("ui-tars-1", 3, 4)))),
        ("Thought: t\nAction: click(start_box='<|box_start|>(197,525)<|box_end|>')", act.Click(at("ui-tars-1", 197, 525))),
    ),
    "ui-tars-1.5": (
        ("Thought: t\nAction: left_double(point='<point>197 525</point>')", act.Click(at("ui-tars-1.5", 197, 525), count=2)),
        ("Thought: t\nAction: type(content='it\\'s Ada\\n')", act.Type("it's Ada", submit=True)),
        ("Thought: t\nAction: hotkey(key='ctrl a')", act.Key(("ctrl", "a"))),
        ("Thought: t\nAction: scroll(start_box='(197,525)', direction='down')", act.Scroll(at("ui-tars-1.5", 197, 525), 0, 5)),
        ("Thought: which one?\nAction: call_user()", act.AskUser("which one?")),
        ("Thought: t\nAction: finished(content='42')", act.Answer("42")),
    ),
    "fara-7b": (
        ("I will search.\n" + _call('{"action": "type", "coordinate": [700, 380], "text": "Ada", "press_enter": true}'),
         act.Batch((act.Click(at("fara-7b", 700, 380)), act.Type("Ada", submit=True)))),
        (_call('{"action": "visit_url", "url": "https://example.org"}'), act.OpenUrl("https://example.org")),
        (_call('{"action": "web_search", "query": "a b"}'), act.OpenUrl("https://www.bing.com/search?q=a+b")),
        (_call('{"action": "pause_and_memorize_fact", "fact": "f"}'), act.Memorize("f")),
    ),
    "fara-1.5": (
        (_call('{"action": "left_click", "coordinate": [700, 380]}'), act.Click(at("fara-1.5", 700, 380))),
        (_call('{"action": "ask_user_question", "question": "Which?"}'), act.AskUser("Which?")),
        (_call('{"action": "history_back"}'), act.Back()),
    ),
    "gui-owl-1.5": (
        (_call('{"action": "interact", "text": "Which?"}'), act.AskUser("Which?")),
        (_call('{"action": "hotkey", "keys": ["ctrl", "c"]}'), act.Key(("ctrl", "c"))),
        (_call('{"action": "answer", "text": "42"}'), act.Answer("42")),
    ),
    "evocua-s2": ((_call('{"action": "key_down", "text": "shift"}'), act.KeyDown("shift")),),
    "evocua-s1": (
        ("## Thought\nt\n\n## Action\nClick it.\n\n## Code\n```python\npyautogui.click(x=100, y=200)\n```",
         act.Click(at("evocua-s1", 100, 200))),
    ),
    "opencua": (
        ("## Thought:\nt\n\n## Action:\nClick it.\n\n## Code:\n```python\npyautogui.click(x=1203, y=343)\n```",
         act.Click(at("opencua", 1203, 343))),
        ("```python\npyautogui.moveTo(x=1, y=2)\npyautogui.dragTo(x=3, y=4, button='left')\n```",
         act.Drag((at("opencua", 1, 2), at("opencua", 3, 4)))),
        ("```python\npyautogui.write(message='Ada')\npyautogui.press('enter')\n```", act.Type("Ada", submit=True)),
        ("```code\ncomputer.terminate(status='success')\n```", act.Finish()),
        ("```python\npyautogui.hotkey(['ctrl', 'c'])\n```", act.Key(("ctrl", "c"))),
    ),
    "edgeagent-tiny": (("500,140", act.Click(at("edgeagent-tiny", 500, 140))),),
    "gta1": (("(640,112)", act.Click(at("gta1", 640, 112))),),
    "smolvlm2-agentic": (
        ("<think>\nI see it.\n</think>\n<code>\nclick(x=0.52, y=0.31)\n</code>", act.Click(at("smolvlm2-agentic", 0.52, 0.31))),
        ("<think>t</think><code>press(['ctrl', 'c'])</code>", act.Key(("ctrl", "c"))),
        ("<code>final_answer('42')</code>", act.Answer("42")),
    ),
    "tools": (
        ('{"name": "click", "arguments": {"x": 10, "y": 20}}', act.Click(at("tools", 10, 20))),
        ('<tool_call>{"name": "type", "arguments": "{\\"text\\": \\"Ada\\", \\"submit\\": true}"}</tool_call>',
         act.Type("Ada", submit=True)),
    ),
}  # fmt: skip

"""Alibaba's GUI-Owl-1.5: as Qwen3-VL, and it can ask the user (``interact``). Pure."""

from __future__ import annotations

from edgeagent_models.families.computer_use import WEB, vocabulary
from edgeagent_models.families.family import Family
from edgeagent_models.families.qwen3vl import HISTORY, RULES, WORDING, introduce
from edgeagent_models.families.resize import SizeRule
from edgeagent_models.families.tool_dialect import ToolDialect

GUIOWL = Family(
    name="gui-owl-1.5",
    title="GUI-Owl-1.5",
    names=(r"\bgui-?owl",),
    dialect=ToolDialect(
        vocabulary(*WEB, "read_page_answer_question", "key_down", "key_up", "screenshot", ask="interact"), "thousandths",
        introduce, RULES, function="computer_use", thought="Action: ",
    ),
    grid="thousandths",
    resize=SizeRule(16, 3_136, 10_035_200),
    history=HISTORY,
    wording=WORDING,
    context_tokens=16_384,
)  # fmt: skip

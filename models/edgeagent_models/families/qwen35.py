"""Qwen3.5 and Qwen3.6: Qwen3-VL's verbs, called in XML as their chat template has it (JSON is read too). Pure."""

from __future__ import annotations

from edgeagent_models.families.computer_use import WEB, vocabulary
from edgeagent_models.families.family import Family
from edgeagent_models.families.qwen3vl import FACTOR, HISTORY, RULES, WORDING, introduce
from edgeagent_models.families.resize import SizeRule
from edgeagent_models.families.tool_dialect import ToolDialect

QWEN35 = Family(
    name="qwen3.5",
    title="Qwen3.5, Qwen3.6",
    names=(r"\bqwen-?3[.-]?[56]\b",),
    architectures=("qwen35", "qwen35moe"),
    dialect=ToolDialect(
        vocabulary(*WEB, "read_page_answer_question", "key_down", "key_up", "screenshot"), "thousandths", introduce, RULES,
        function="computer_use", form="xml", thought="Action: ",
    ),
    grid="thousandths",
    resize=SizeRule(FACTOR, 3_136, 12_845_056),
    history=HISTORY,
    wording=WORDING,
    context_tokens=16_384,
)  # fmt: skip

"""Meituan's EvoCUA: S2 speaks as Qwen3-VL and can hold keys; S1 writes ``pyautogui`` code in sent pixels. Pure."""

from __future__ import annotations

from edgeagent_models.families.computer_use import WEB, vocabulary
from edgeagent_models.families.family import Family, HistoryRule, SamplingRule
from edgeagent_models.families.pyautogui_dialect import PyautoguiDialect
from edgeagent_models.families.qwen3vl import FACTOR, RULES, WORDING, introduce
from edgeagent_models.families.resize import SizeRule
from edgeagent_models.families.tool_dialect import ToolDialect

_SAMPLING = SamplingRule(temperature=0.01)

EVOCUA_S2 = Family(
    name="evocua-s2",
    title="EvoCUA S2",
    names=(r"\bevocua",),
    dialect=ToolDialect(
        vocabulary(*WEB, "read_page_answer_question", "screenshot"), "thousandths", introduce, RULES, function="computer_use",
        thought="Action: ",
    ),
    grid="thousandths",
    resize=SizeRule(FACTOR, 3_136, 12_845_056),
    history=HistoryRule(screenshots=4, turns=4),
    wording=WORDING,
    sampling=_SAMPLING,
    context_tokens=16_384,
)  # fmt: skip
EVOCUA_S1 = Family(
    name="evocua-s1",
    title="EvoCUA S1",
    names=(r"\bevocua.*\bs1\b",),
    dialect=PyautoguiDialect("sent"),
    grid="sent",
    resize=SizeRule(28, 3_136, 12_845_056),
    history=HistoryRule(screenshots=3, turns=12),
    sampling=_SAMPLING,
    context_tokens=16_384,
)

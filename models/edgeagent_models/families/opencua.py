"""XLang's OpenCUA: thought, action in words, ``pyautogui`` code in pixels of the sent picture. Pure."""

from __future__ import annotations

from edgeagent_models.families.family import Family, HistoryRule
from edgeagent_models.families.pyautogui_dialect import PyautoguiDialect
from edgeagent_models.families.resize import SizeRule

OPENCUA = Family(
    name="opencua",
    title="OpenCUA",
    names=(r"\bopencua",),
    dialect=PyautoguiDialect("sent"),
    grid="sent",
    resize=SizeRule(28, 4 * 28**2, 16_384 * 28**2),
    history=HistoryRule(screenshots=3, turns=12),
    context_tokens=16_384,
)

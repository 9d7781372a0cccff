"""Our own tiny trained model (``scripts/train_tiny_vlm.py``), a grounder: it answers ``512,064`` to a task. Pure."""

from __future__ import annotations

import re

from edgeagent_harness.protocol.actions import Action, Click, action_kind
from edgeagent_models.families.family import CannotTell, Family, HistoryRule, Said, SamplingRule, UnreadableReply, Wording
from edgeagent_models.families.grid import View, on_grid, physical
from edgeagent_models.families.resize import SizeRule

_ANSWER = re.compile(r"\s*(\d{1,9})\s*,\s*(\d{1,9})\s*")


class ThousandthsDialect:
    """Two numbers of three digits; no system prompt, which the model never saw."""

    def called(self, action: Action) -> str:
        return action_kind(action)

    def instructions(self, view: View) -> str:
        return ""

    def parse(self, text: str, view: View) -> Said:
        answer = _ANSWER.fullmatch(text)
        if answer is None:
            raise UnreadableReply("the answer is no point: two numbers from 0 to 1000 with a comma between them")
        try:
            return Said("", Click(physical("thousandths", int(answer[1]), int(answer[2]), view)))
        except ValueError as error:
            raise UnreadableReply(str(error)) from error

    def render(self, thought: str, action: Action, view: View) -> str:
        match action:
            case Click(point=point, button="left", count=1, modifiers=()):
                x, y = on_grid("thousandths", point, view)
                return f"{round(x):03d},{round(y):03d}"
            case _:
                raise CannotTell("a grounder can only point")

    def grammar(self, view: View) -> str:
        return 'root ::= number "," number\nnumber ::= [0-9]{3} | "1000"\n'


TINY = Family(
    name="edgeagent-tiny",
    title="our own tiny trained model (points once at a drawn shape, letter or button)",
    names=(r"\bedgeagent-tiny",),
    dialect=ThousandthsDialect(),
    grid="thousandths",
    # The sizes that it was trained on.
    resize=SizeRule(32, 320 * 224, 640 * 448),
    history=HistoryRule(screenshots=1, turns=1),
    wording=Wording(task="", ask="{task}"),
    sampling=SamplingRule(max_tokens=16),
    context_tokens=1024,
    grounder=True,
)

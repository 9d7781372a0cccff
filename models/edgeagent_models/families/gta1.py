"""Salesforce's GTA1, a grounder: it answers ``(x,y)`` in sent pixels for what the task names, and plans nothing. Pure."""

from __future__ import annotations

from edgeagent_harness.protocol.actions import Action, Click, action_kind
from edgeagent_models.families import grammar as gbnf
from edgeagent_models.families.arguments import Arguments
from edgeagent_models.families.family import CannotTell, Family, HistoryRule, Said, Wording
from edgeagent_models.families.grid import View, on_grid
from edgeagent_models.families.resize import SizeRule


class PointDialect:
    """A pair of numbers in round brackets."""

    def called(self, action: Action) -> str:
        return action_kind(action)

    def instructions(self, view: View) -> str:
        return (
            "You find elements on a screenshot. For the element that is described, answer with its middle as one point (x,y) and "
            f"nothing else. The image resolution is height {view.sent_height} and width {view.sent_width}."
        )

    def parse(self, text: str, view: View) -> Said:
        place = text[text.find("(") :] if "(" in text else text
        return Said("", Click(Arguments("the answer", {"point": place.partition(")")[0]}, "sent", view).point("point")))

    def render(self, thought: str, action: Action, view: View) -> str:
        match action:
            case Click(point=point, button="left", count=1, modifiers=()):
                x, y = on_grid("sent", point, view)
                return f"({x},{y})"
            case _:
                raise CannotTell("a grounder can only point")

    def grammar(self, view: View) -> str:
        x, y = gbnf.integers(0, view.sent_width - 1), gbnf.integers(0, view.sent_height - 1)
        return f'root ::= "(" {x} "," {y} ")"\n'


GTA1 = Family(
    name="gta1",
    title="GTA1 (points once, plans nothing)",
    names=(r"\bgta-?1",),
    dialect=PointDialect(),
    grid="sent",
    resize=SizeRule(28, 3_136, 4096 * 2160),
    history=HistoryRule(screenshots=1, turns=1),
    wording=Wording(task="{task}\n", ask=""),
    grounder=True,
)

"""Write ``families/NAME.txt``: what a model of each family is sent after two steps, one of them refused, and what it says.

    .venv/bin/python tests/golden/make_family_transcripts.py

Look at the difference before you commit it: it is what real models will see.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from family_replies import REPLIES, SCREEN

from edgeagent.engine.conversation import Speaker
from edgeagent.history import History, Step
from edgeagent.ports import Prompt
from edgeagent.screen import Screen
from edgeagent_harness.protocol.actions import Click, Key
from edgeagent_harness.protocol.effects import Effect
from edgeagent_harness.protocol.frames import FrameInfo
from edgeagent_harness.protocol.geometry import Point
from edgeagent_models.families.family import Family
from edgeagent_models.families.registry import FAMILIES
from edgeagent_models.protocol import ChatMessage, TextPart

DIRECTORY = Path(__file__).parent / "families"
_STEPS = (
    Step(1, Click(Point(640, 100)), Effect("confirmed"), "open the form"),
    Step(2, Key(("ctrl", "a")), Effect("suspected_noop", message="nothing changed"), "select all"),
)


def transcript(family: Family) -> str:
    """The conversation for the third step, and a reply in the family's form."""
    screens = {number: Screen(FrameInfo(number, *SCREEN, 0), b"") for number in (1, 2, 3)}
    history = History("Enter {Ada} & press Go", _STEPS, feedback="there is no key 'any'", memory="the form has two pages")
    messages = Speaker(family, family.resize.factor).converse(Prompt(history.task, screens[3], history), screens, {})
    reply, action = REPLIES[family.name][0]
    said = [f"=== reply\n{reply}", f"=== understood as\n{action!r}"]
    return "\n".join([*(f"=== {message.role}\n{_text(message)}" for message in messages), *said, ""])


def _text(message: ChatMessage) -> str:
    return "".join(
        part.text if isinstance(part, TextPart) else f"[picture {part.image.sent_width}x{part.image.sent_height}]"
        for part in message.parts
    )


def main() -> None:
    DIRECTORY.mkdir(exist_ok=True)
    for family in FAMILIES:
        (DIRECTORY / f"{family.name}.txt").write_text(transcript(family))


if __name__ == "__main__":
    main()

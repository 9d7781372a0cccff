"""Says when a chat model is told less of the past than it was, what, and why. Pure; `conversation` has the rules."""

from __future__ import annotations

from dataclasses import dataclass

from edgeagent.counts import counted
from edgeagent.engine.conversation import MAX_LINES, Speaker, first_line, first_of_batch
from edgeagent.events import Compacted


@dataclass(slots=True)
class Compaction:
    """What was told of last. A process that takes a session up begins anew: it has no earlier screenshot to drop."""

    speaker: Speaker
    screens_from: int = 1
    turns_from: int = 1
    lines_from: int = 1

    def at(self, step: int, screens_from: int) -> tuple[Compacted, ...]:
        """What is left out when the model is asked for ``step`` that was told for the step before. ``screens_from``: the oldest
        step whose screen is shown with words of its own; ``step`` where none is."""
        history, found = self.speaker.family.history, list[Compacted]()
        if history.screenshots > 1 and screens_from > self.screens_from:
            why = f"the family {self.speaker.family.name} is shown at most {counted(history.screenshots, 'screen')}"
            found.append(Compacted("screens", self.screens_from, screens_from - 1, why))
        turns = first_of_batch(step, history.turns)
        if turns > self.turns_from:
            why = f"at most {counted(history.turns, 'step')} in full"
            found.append(Compacted("turns", self.turns_from, turns - 1, why))
        lines = first_line(turns)
        if lines > self.lines_from:
            found.append(Compacted("steps", self.lines_from, lines - 1, f"at most {MAX_LINES} earlier steps are told"))
        self.screens_from, self.turns_from, self.lines_from = screens_from, turns, lines
        return tuple(found)

    def too_full(self, step: int) -> tuple[Compacted, ...]:
        """All earlier screenshots were dropped when the model was asked for ``step``."""
        if step <= self.screens_from:
            return ()
        dropped = Compacted("screens", self.screens_from, step - 1, "the conversation did not fit into the model's context")
        self.screens_from = step
        return (dropped,)
